"""Formulas over series."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.model.errors import FieldError
from xingji.model.formula import parse_formula

VALUES = [
    ("A", [3], 3),
    ("B / A", [4, 2], 0.5),
    ("A + B * C", [1, 2, 3], 7),
    ("(A + B) * C", [1, 2, 3], 9),
    ("A - B - C", [1, 2, 3], -4),
    ("A / B / C", [12, 2, 3], 2.0),
    ("-A * -B", [2, 3], 6),
    ("2.5*A", [2], 5.0),
    (" A\t+\nB ", [1, 2], 3),
    ("100 * B / A", [8, 1], 12.5),
    ("A / B", [1, 0], None),
    ("A / (B - B)", [1, 5], None),
    ("A + B", [1, None], None),
    ("A - B", [0.5, 0.25], 0.25),
    ("A + B", [1e16, 3.0], 10**16 + 3),
    ("A + B", [Decimal("1.50"), Decimal("1.00")], 2.5),
    ("A", [Decimal("7.00")], 7),
    ("A * A", [2**40], float(2**80)),
    ("A * A", [1e200], None),
    ("A * A - A * A", [1e200], None),
    ("A / B", [10**400, 3], None),
]


@pytest.mark.parametrize(
    ("text", "series", "value"), VALUES, ids=[f"{row[0]} of {row[1]}"[:40] for row in VALUES]
)
def test_value(text: str, series: list[int | float | Decimal | None], value: int | float | None) -> None:
    found = parse_formula(text, len(series)).value(series)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "A)", "A +", "+ A", "A B", "A A", "C", "a", "A ** B", "(A", "()", "1e5", ".5", "5.", "A; B",
     "A % B", "A.real", "__import__", "١", "9" * 16, "(" * 60 + "A" + ")" * 60, "-" * 60 + "A"],
    ids=lambda text: text[:12] or "empty",
)  # fmt: skip
def test_refusal(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        parse_formula(text, 2)
    message = str(refused.value)
    assert message.startswith("formula is ")
    assert "series A to B" in message


def test_a_long_product_stays_printable() -> None:
    value = parse_formula("*".join(["A"] * 4_000), 1).value([7])
    assert value is None
    assert json.loads(json.dumps(parse_formula("*".join("A" * 40), 1).value([7]))) == pytest.approx(7.0**40)


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=3))
def test_arithmetic_is_that_of_fractions(series: list[int]) -> None:
    a, b, c = (Fraction(value) for value in series)
    found = parse_formula("A * (B - C) + -B / 4", 3).value(series)
    assert found == float(a * (b - c) - b / 4)
