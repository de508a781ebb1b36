"""Results become JSON without losing a digit."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.app.exact_json import one_line, pretty

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


def as_read(value: Any) -> Any:
    """The value as a reader of JSON that keeps decimals has it."""
    if isinstance(value, dict):
        return {name: as_read(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_read(each) for each in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


@given(VALUES)
def test_nothing_is_lost(value: Any) -> None:
    for text in (one_line(value), pretty(value)):
        assert json.loads(text, parse_float=Decimal) == as_read(value)


@given(VALUES)
def test_one_line_is_one_line(value: Any) -> None:
    assert "\n" not in one_line(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(Decimal("0.10"), "0.10", id="cents"),
        pytest.param(Decimal("1E+3"), "1000", id="no exponent"),
        pytest.param(Decimal("12345678901234567890.01"), "12345678901234567890.01", id="more than a double"),
        pytest.param(2**70, "1180591620717411303424", id="more than 64 bits"),
        pytest.param("房快贷", '"房快贷"', id="Chinese"),
        pytest.param("\ud800", '"\\ud800"', id="half a character"),
        pytest.param(math.inf, "1e999", id="infinity"),
        pytest.param(-math.inf, "-1e999", id="minus infinity"),
        pytest.param(math.nan, "null", id="no number"),
        pytest.param((1, 2), "[1, 2]", id="tuple"),
    ],
)
def test_edges(value: Any, text: str) -> None:
    assert one_line(value).encode("utf-8", "backslashreplace").decode() == text


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="a result cannot hold a set"):
        one_line({1})


def test_lines_break_only_where_they_must() -> None:
    row = {"start": "2026-01-01", "size": 10, "returned": list(range(10))}
    assert pretty({"cohorts": [row, row]}).splitlines() == [
        "{",
        '  "cohorts": [',
        '    {"start": "2026-01-01", "size": 10, "returned": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]},',
        '    {"start": "2026-01-01", "size": 10, "returned": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}',
        "  ]",
        "}",
    ]


@given(st.lists(st.integers(), max_size=200))
def test_long_lists_fill_lines(numbers: list[int]) -> None:
    lines = pretty({"values": numbers}).splitlines()
    assert all(len(line) <= 101 or "," not in line.rstrip(",") for line in lines)
