"""Thin columns behave as the columns they stand for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.lake.wide import Wide, stack_wide, valid_places
from xingji.model.event_table import MONEY_TYPE, TIME_TYPE

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CODED = pa.dictionary(pa.int16(), pa.string())
KINDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.string(), ["", "a", "甲乙"]),
    "coded": (CODED, ["x", "y"]),
    "int": (pa.int64(), [0, -5, 2**60]),
    "double": (pa.float64(), [0.0, 1.5]),
    "money": (MONEY_TYPE, [Decimal("0.01"), Decimal("-12345678901234.56")]),
    "flag": (pa.bool_(), [True, False]),
    "time": (TIME_TYPE, [NOON]),
}


def table_of(n: int, dice: np.random.Generator, share: float, prefix: str = "p_") -> pa.Table:
    """Rows with a column of each kind, of which about a share has a value."""
    columns: dict[str, pa.Array] = {"row": pa.array(dice.permutation(n), pa.int64())}
    for name, (kind, values) in KINDS.items():
        drawn = [values[at] for at in dice.integers(len(values), size=n)]
        column = [value if has else None for value, has in zip(drawn, dice.random(n) < share, strict=True)]
        plain = pa.array(column, pa.string() if name == "coded" else kind)
        columns[prefix + name] = plain.dictionary_encode().cast(CODED) if name == "coded" else plain
    return pa.table(columns)


def rows(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


CASES = given(
    seed=st.integers(0, 10_000), n=st.integers(1, 60), share=st.sampled_from([0.0, 0.05, 0.15, 1.0])
)


@CASES
def test_table_comes_back_as_it_was(seed: int, n: int, share: float) -> None:
    table = table_of(n, np.random.default_rng(seed), share)
    wide = Wide.of(table)
    assert rows(wide.table().select(table.schema.names)) == rows(table)
    assert wide.table().select(table.schema.names).schema == table.schema


@CASES
def test_slices_of_slices(seed: int, n: int, share: float) -> None:
    dice = np.random.default_rng(seed)
    table = table_of(n, dice, share)
    begin, end = sorted(dice.integers(0, n + 1, 2).tolist())
    part = Wide.of(table).slice(begin, end)
    half = (end - begin) // 2
    assert rows(part.slice(half, end - begin).table().select(table.schema.names)) == rows(
        table.slice(begin + half, end - begin - half)
    )


@CASES
def test_other_order_and_fewer_rows(seed: int, n: int, share: float) -> None:
    dice = np.random.default_rng(seed)
    table = table_of(n, dice, share)
    order = dice.permutation(n)[: dice.integers(1, n + 1)]
    taken = Wide.of(table).take(order).table()
    assert rows(taken.select(table.schema.names)) == rows(table.take(pa.array(order)))


@given(seed=st.integers(0, 10_000), shares=st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=2, max_size=4))
def test_stacked_pieces(seed: int, shares: list[float]) -> None:
    dice = np.random.default_rng(seed)
    tables = [table_of(20, dice, share) for share in shares]
    stacked = stack_wide([Wide.of(table) for table in tables]).table()
    names = [name for name in tables[0].schema.names if name in stacked.schema.names]
    expected = [row for table in tables for row in rows(table.select(names))]
    assert rows(stacked.select(names)) == expected


def test_pieces_of_different_columns_are_stacked() -> None:
    first = Wide.of(pa.table({"row": [1, 2], "p_a": pa.array([5, None])}))
    second = Wide.of(pa.table({"row": [3], "p_b": pa.array(["x"])}))
    assert rows(stack_wide([first, second]).table().select(["row", "p_a", "p_b"])) == [
        {"row": 1, "p_a": 5, "p_b": None},
        {"row": 2, "p_a": None, "p_b": None},
        {"row": 3, "p_a": None, "p_b": "x"},
    ]


@pytest.mark.parametrize("offset", [0, 1, 7, 8, 13])
@pytest.mark.parametrize("length", [0, 1, 8, 20])
def test_places_of_values(offset: int, length: int) -> None:
    array = pa.array([at if at % 3 else None for at in range(64)]).slice(offset, length)
    expected = [at for at, value in enumerate(array.to_pylist()) if value is not None]
    assert valid_places(array).tolist() == expected
