"""Arrow's columns as this package wants them: in one piece, texts as codes, tables one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xingji.lake.part import Int64s

CODED = pa.dictionary(pa.int32(), pa.string())
"""How the lake holds texts that repeat."""


def int64s(column: pa.ChunkedArray | pa.Array) -> Int64s:
    """A column of integers or instants without nulls, as numbers."""
    array = whole(column)
    if pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False), np.int64)


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    joined = column.unify_dictionaries().combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        return pa.concat_arrays(joined.chunks) if joined.num_chunks else pa.array([], column.type)
    return joined


def stack(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of several tables, one after the other, with the columns of them all."""
    if len(tables) == 1:
        return tables[0]
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    coded = {name for name, kinds in types.items() if len(kinds) > 1 and any(map(_is_coded, kinds))}
    joined = pa.concat_tables([_with_codes(table, coded) for table in tables], promote_options="default")
    try:
        return joined.unify_dictionaries()
    except pa.ArrowInvalid:  # more values than narrow codes can tell apart
        narrow = {field.name for field in joined.schema if _is_coded(field.type)}
        return _with_codes(joined, narrow).unify_dictionaries()


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))


def _with_codes(table: pa.Table, names: set[str]) -> pa.Table:
    """The named columns as codes of one width, so that tables of any origin join."""
    for at, field in enumerate(table.schema):
        if field.name in names and field.type != CODED:
            table = table.set_column(at, field.name, encoded(table.column(at)))
    return table


def encoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts as codes."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column if column.type == CODED else column.cast(CODED)


def compacted(array: pa.Array) -> pa.Array:
    """Codes over a dictionary without the values that no row has, of which slices may have many."""
    has_nulls = array.indices.null_count > 0
    codes = (array.indices.fill_null(-1) if has_nulls else array.indices).to_numpy(zero_copy_only=False)
    used = np.zeros(len(array.dictionary) + 1, bool)
    used[codes] = True
    used[-1] = False
    if used[:-1].all():
        return array
    places = np.cumsum(used, dtype=np.int32) - 1
    indices = pa.array(places[codes], mask=codes < 0 if has_nulls else None)
    return pa.DictionaryArray.from_arrays(indices, array.dictionary.take(pa.array(np.flatnonzero(used))))
