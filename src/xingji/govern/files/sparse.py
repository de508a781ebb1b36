"""Records with differing keys, turned into columns of the values there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Positions = npt.NDArray[np.int64]
Layouts = dict[int, tuple[Positions, pa.Array]]
"""By the identity of positions (which are kept for that): each row's place among the values, or null."""
_SHAPES_WORTH_GROUPING = 64


@dataclass(frozen=True, slots=True)
class Sparse:
    """Values of one column and their rows (`positions`: int64[len(values)]; None: all rows in order)."""

    positions: Positions | None
    values: Sequence[Any]

    def dense(self, n_rows: int) -> Sequence[Any]:
        """One value a row, None where there is none."""
        if self.positions is None:
            return self.values
        rows: list[Any] = [None] * n_rows
        for position, value in zip(self.positions.tolist(), self.values):
            rows[position] = value
        return rows

    def spread(self, array: pa.Array, n_rows: int, known: Layouts | None = None) -> pa.Array:
        """An array of this column's values, laid out over all rows with nulls between.

        `known`: what was found for other columns of the same table, whose rows are often the same.
        """
        if self.positions is None:
            return array
        layouts: Layouts = {} if known is None else known
        layout = layouts.get(id(self.positions))
        if layout is None:
            layout = layouts[id(self.positions)] = self.positions, _layout(self.positions, n_rows)
        return array.take(layout[1])

    def rows(self) -> Positions:
        """The rows the values stand in."""
        return np.arange(len(self.values)) if self.positions is None else self.positions

    def under(self, other: Sparse, n_rows: int) -> Sparse:
        """Both columns as one, `other` winning where it has a value."""
        merged = list(self.dense(n_rows))
        for position, value in zip(other.rows().tolist(), other.values):
            if value is not None:
                merged[position] = value
        return Sparse(None, merged)

    def moved(self, positions: Positions) -> Sparse:
        """The same values, whose rows 0, 1, … stand at `positions` of a longer table."""
        return Sparse(positions if self.positions is None else positions[self.positions], self.values)


def _layout(positions: Positions, n_rows: int) -> pa.Array:
    indices = np.zeros(n_rows, dtype=np.int32)
    absent = np.ones(n_rows, dtype=bool)
    indices[positions] = np.arange(len(positions), dtype=np.int32)
    absent[positions] = False
    return pa.array(indices, mask=absent)


def columns_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Sparse]:
    """The columns of records, named in the order in which they are first seen.

    Records with the same keys in the same order are transposed together, which costs no Python step a value;
    where nearly every record has keys of its own, values are placed one by one.
    """
    shapes: dict[tuple[str, ...], list[int]] = {}
    for row, record in enumerate(records):
        shape = tuple(record)
        members = shapes.get(shape)
        if members is None:
            shapes[shape] = [row]
        else:
            members.append(row)
    if len(shapes) == 1:
        return {name: Sparse(None, values) for name, values in _transposed(next(iter(shapes)), records)}
    if len(shapes) > max(_SHAPES_WORTH_GROUPING, len(records) // 8):
        return _placed_one_by_one(records)
    return _joined(records, shapes)


def _transposed(
    shape: tuple[str, ...], records: Sequence[Mapping[str, Any]]
) -> list[tuple[str, tuple[Any, ...]]]:
    return list(zip(shape, zip(*[record.values() for record in records])))


def _joined(
    records: Sequence[Mapping[str, Any]], shapes: dict[tuple[str, ...], list[int]]
) -> dict[str, Sparse]:
    parts: dict[str, list[tuple[Positions, tuple[Any, ...]]]] = {}
    for shape, members in shapes.items():
        positions = np.array(members, dtype=np.int64)
        for name, values in _transposed(shape, [records[row] for row in members]):
            parts.setdefault(name, []).append((positions, values))
    return of_parts(parts)


def of_parts(parts: Mapping[str, Sequence[tuple[Positions, Sequence[Any]]]]) -> dict[str, Sparse]:
    """The columns of values that groups of rows have; columns of the same groups share their positions."""
    shared: dict[tuple[int, ...], Positions] = {}
    columns = {}
    for name, found in parts.items():
        groups = tuple(id(positions) for positions, _ in found)
        if groups not in shared:
            shared[groups] = found[0][0] if len(found) == 1 else np.concatenate([part[0] for part in found])
        values = found[0][1] if len(found) == 1 else list(chain.from_iterable(part[1] for part in found))
        columns[name] = Sparse(shared[groups], values)
    return columns


def _placed_one_by_one(records: Sequence[Mapping[str, Any]]) -> dict[str, Sparse]:
    placed: dict[str, tuple[list[int], list[Any]]] = {}
    for row, record in enumerate(records):
        for name, value in record.items():
            positions, values = placed.setdefault(name, ([], []))
            positions.append(row)
            values.append(value)
    return {name: Sparse(np.array(rows, dtype=np.int64), values) for name, (rows, values) in placed.items()}


def in_row_order(column: Sparse) -> Sparse:
    """The same column with its rows rising."""
    if column.positions is None:
        return column
    order = np.argsort(column.positions, kind="stable")
    return Sparse(column.positions[order], [column.values[at] for at in order.tolist()])
