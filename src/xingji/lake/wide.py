"""Rows of very many columns, most of which few rows have.

A bank's events have a hundred and fifty columns and thirty values each. Moving columns as they are costs as
much for a null as for a value, so those that few rows have are kept as places and values while rows are
brought into order, and become columns again when they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from xingji.lake.arrow_columns import stack, whole
from xingji.lake.part import Int64s
from xingji.model.event_table import PREFIX, REST

THIN = 0.25
"""A property that a smaller share of the rows has is kept as places and values."""


@dataclass(frozen=True, slots=True)
class Thin:
    """A column as the rows that have a value (rising) and the values."""

    places: Int64s
    values: pa.Array


@dataclass(frozen=True)
class Wide:
    """Rows: `dense` columns, each one array, and `thin` ones."""

    dense: pa.Table
    thin: Mapping[str, Thin]

    @classmethod
    def of(cls, table: pa.Table) -> Wide:
        """The rows of a table."""
        dense: dict[str, pa.Array] = {}
        thin: dict[str, Thin] = {}
        known: dict[str, Int64s] = {}
        for name, column in zip(table.schema.names, table.columns, strict=True):
            if (name.startswith(PREFIX) or name == REST) and _is_thin(column):
                places, values = _values_of(column)
                thin[name] = Thin(_shared(places, known), values)
            else:
                dense[name] = whole(column)
        return cls(pa.table(dense), thin)

    def properties(self) -> Iterator[tuple[str, pa.Array | Thin]]:
        """The columns of properties, by the properties' names."""
        for name in self.dense.schema.names:
            if name.startswith(PREFIX):
                yield name.removeprefix(PREFIX), whole(self.dense[name])
        for name, column in self.thin.items():
            if name.startswith(PREFIX):
                yield name.removeprefix(PREFIX), column

    def array(self, name: str, kind: pa.DataType) -> pa.Array:
        """A column as one array; nulls of the type `kind` where there is none."""
        if name in self.thin:
            return expanded(self.thin[name], self.n_rows)
        return whole(self.dense[name]) if name in self.dense.schema.names else pa.nulls(self.n_rows, kind)

    @property
    def n_rows(self) -> int:
        return int(self.dense.num_rows)

    def slice(self, begin: int, end: int) -> Wide:
        """The rows from `begin` to `end`."""
        cuts: dict[int, tuple[int, int, Int64s]] = {}
        thin = {}
        for name, column in self.thin.items():
            key = id(column.places)  # columns of one event have the same rows, and share the array
            if key not in cuts:
                low, high = np.searchsorted(column.places, [begin, end]).tolist()
                cuts[key] = low, high, column.places[low:high] - begin
            low, high, places = cuts[key]
            thin[name] = Thin(places, column.values.slice(low, high - low))
        return Wide(self.dense.slice(begin, end - begin), thin)

    def take(self, order: Int64s) -> Wide:
        """The rows in another order; `order` may leave some out, and repeats none."""
        where = np.full(self.n_rows, -1, np.int64)
        where[order] = np.arange(len(order))
        moved: dict[int, tuple[Int64s, pa.Array]] = {}
        thin = {}
        for name, column in self.thin.items():
            key = id(column.places)
            if key not in moved:
                moved[key] = _moved(where[column.places])
            places, turn = moved[key]
            thin[name] = Thin(places, column.values.take(turn))
        rows = pa.array(order)
        dense = [whole(column).take(rows) for column in self.dense.columns]
        return Wide(pa.table(dense, names=self.dense.schema.names), thin)

    def table(self) -> pa.Table:
        """The rows with all columns as they are."""
        columns = {name: expanded(column, self.n_rows) for name, column in self.thin.items()}
        names = [*self.dense.schema.names, *columns]
        return pa.table([*self.dense.columns, *columns.values()], names=names)


def stack_wide(pieces: Sequence[Wide]) -> Wide:
    """Rows of several pieces, one after the other, with the columns of them all."""
    if len(pieces) == 1:
        return pieces[0]
    dense_names = {name for piece in pieces for name in piece.dense.schema.names}
    tables = [_with_dense(piece, dense_names) for piece in pieces]
    starts = np.cumsum([0, *(piece.n_rows for piece in pieces)])
    names = dict.fromkeys(name for piece in pieces for name in piece.thin if name not in dense_names)
    known: dict[str, Int64s] = {}
    thin = {}
    for name in names:
        found = [
            (start, piece.thin[name])
            for start, piece in zip(starts, pieces, strict=False)
            if name in piece.thin
        ]
        places = np.concatenate([column.places + start for start, column in found])
        thin[name] = Thin(_shared(places, known), _joined([column.values for _, column in found]))
    stacked = stack(tables)
    dense = pa.table([whole(column) for column in stacked.columns], names=stacked.schema.names)
    return Wide(dense, thin)


def _joined(pieces: Sequence[pa.Array]) -> pa.Array:
    if len({piece.type for piece in pieces}) == 1 and not pa.types.is_dictionary(pieces[0].type):
        return pa.concat_arrays(pieces)
    return whole(stack([pa.table([piece], names=["values"]) for piece in pieces])["values"])


def _with_dense(piece: Wide, names: set[str]) -> pa.Table:
    """The dense columns of a piece, and those of its thin ones that are dense elsewhere."""
    table = piece.dense
    for name in names.intersection(piece.thin):
        table = table.append_column(name, expanded(piece.thin[name], piece.n_rows))
    return table


def _is_thin(column: pa.ChunkedArray) -> bool:
    return len(column) - column.null_count < THIN * len(column) and _can_expand(column.type)


def _values_of(column: pa.ChunkedArray) -> tuple[Int64s, pa.Array]:
    """The rows of a column that have a value, and the values; its nulls are never copied."""
    places, values, start = [np.zeros(0, np.int64)], [pa.array([], column.type)], 0
    for chunk in column.chunks:
        if chunk.null_count < len(chunk):
            own = valid_places(chunk)
            places.append(own + start)
            values.append(chunk.take(pa.array(own)))
        start += len(chunk)
    return np.concatenate(places), whole(pa.chunked_array(values[1:] or values))


def _can_expand(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_dictionary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal128(kind)
        or (pa.types.is_primitive(kind) and kind.bit_width == 64)
    )


def valid_places(array: pa.Array) -> Int64s:
    """The rows that have a value, rising; bytes of the validity bitmap that are zero cost next to nothing."""
    bitmap = array.buffers()[0]
    if bitmap is None:
        return np.arange(len(array))
    first = array.offset // 8
    content = np.frombuffer(bitmap, np.uint8)[first : (array.offset + len(array) + 7) // 8]
    used = np.flatnonzero(content)
    bits = np.unpackbits(content[used], bitorder="little").reshape(-1, 8)
    row, bit = np.nonzero(bits)
    places: Int64s = (used[row] << 3) + bit - (array.offset - first * 8)
    inside: Int64s = places[(places >= 0) & (places < len(array))]
    return inside


def _shared(places: Int64s, known: dict[str, Int64s]) -> Int64s:
    """The same array for columns that the same rows have."""
    return known.setdefault(xxhash.xxh3_128_hexdigest(np.ascontiguousarray(places).data), places)


def _moved(places: Int64s) -> tuple[Int64s, pa.Array]:
    """New places, put in order, and the turn in which their values come; -1 is left out."""
    kept = np.flatnonzero(places >= 0)
    bits = max(len(places) - 1, 1).bit_length()
    packed = (places[kept] << bits) | kept
    packed.sort()
    return packed >> bits, pa.array(packed & ((1 << bits) - 1))


def expanded(column: Thin, n_rows: int) -> pa.Array:
    """A thin column as an array of all rows."""
    valid = np.zeros(n_rows, bool)
    valid[column.places] = True
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    values, kind = column.values, column.values.type
    if pa.types.is_dictionary(kind):
        codes = np.zeros(n_rows, kind.index_type.to_pandas_dtype())
        codes[column.places] = values.indices.to_numpy()
        indices = pa.Array.from_buffers(kind.index_type, n_rows, [bitmap, pa.py_buffer(codes)])
        return pa.DictionaryArray.from_arrays(indices, values.dictionary)
    if pa.types.is_string(kind):
        return _expanded_texts(column, n_rows, bitmap)
    if pa.types.is_boolean(kind):
        flags = np.zeros(n_rows, bool)
        flags[column.places] = values.to_numpy(zero_copy_only=False)
        return pa.Array.from_buffers(
            kind, n_rows, [bitmap, pa.py_buffer(np.packbits(flags, bitorder="little"))]
        )
    width = kind.bit_width // 8
    words: npt.NDArray[np.void] = np.zeros(n_rows, f"V{width}")
    words[column.places] = np.frombuffer(values.buffers()[1], f"V{width}")[
        values.offset : values.offset + len(values)
    ]
    return pa.Array.from_buffers(kind, n_rows, [bitmap, pa.py_buffer(words)])


def _expanded_texts(column: Thin, n_rows: int, bitmap: pa.Buffer) -> pa.Array:
    values = column.values
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    offsets = np.zeros(n_rows + 1, np.int32)
    offsets[column.places + 1] = np.diff(ends)
    np.cumsum(offsets, out=offsets)
    first = int(ends[0]) if len(ends) else 0
    text = values.buffers()[2]
    data = text.slice(first) if text is not None else pa.py_buffer(b"")
    return pa.Array.from_buffers(pa.string(), n_rows, [bitmap, pa.py_buffer(offsets), data])
