"""Columns that have a type already, as Parquet's do, turned into property columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.column_types import (
    BOOLEAN,
    FRACTION,
    INTEGER,
    STRING,
    TEXT_COLUMN,
    ColumnTypes,
)
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.refusal import RowFaults
from xingji.govern.files.sparse import Sparse
from xingji.model.event_table import MONEY_TYPE, TIME_TYPE

_WIDE_MONEY = pa.decimal128(22, 2)
"""Holds any 64-bit integer, which PyArrow asks for on the way to money."""
_MONEY_DIGITS = MONEY_TYPE.precision - MONEY_TYPE.scale


def add_typed_column(
    properties: Properties, name: str, array: pa.Array, types: ColumnTypes, faults: RowFaults
) -> None:
    """Give a property its column: integers in 64 bits, fractions as doubles, times in µs UTC, money exactly.

    Lists, structs and maps become JSON, NaN and infinities missing, other types their text.
    """
    array = _plain_kind(array)
    natural = _natural_type(array, types.get(name))
    if natural is None:
        _add_values(properties, name, array, types, faults)
        return
    kind = types.decide(name, natural)
    fitting = None if kind is None or not 1 <= len(name) <= 255 else _cast(array, kind)
    if fitting is None:
        _add_values(properties, name, array, types, faults)
    elif fitting.null_count < len(fitting):
        properties.columns[name] = fitting


def _add_values(
    properties: Properties, name: str, array: pa.Array, types: ColumnTypes, faults: RowFaults
) -> None:
    """The way for whatever is not one type: value by value."""
    values: list[Any] = array.to_pylist()
    rows = np.flatnonzero(np.asarray(array.is_valid()))
    add_columns(properties, {name: Sparse(rows, [values[row] for row in rows.tolist()])}, types, faults)


def _plain_kind(array: pa.Array) -> pa.Array:
    """Dates, binaries, other encodings and the like as one of the few kinds that are told apart below."""
    kind = array.type
    if isinstance(kind, pa.ExtensionType | pa.BaseExtensionType):
        return _plain_kind(array.storage)
    if pa.types.is_dictionary(kind):
        if not pa.types.is_string(kind.value_type):
            return _plain_kind(array.dictionary_decode())
        if kind == TEXT_COLUMN:
            return array
        # A cast would look through the codes and the texts as well.
        return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), array.dictionary, safe=False)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return array.cast(pa.timestamp("us", kind.tz), safe=False)
    if _is_bytes(kind):
        return _text_of_bytes(array)
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return pa.array([None if one is None else str(one) for one in array.to_pylist()], STRING)
    if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_large_string(kind):
        return array.cast(STRING)
    return array.cast(STRING) if pa.types.is_string_view(kind) else array


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )  # fmt: skip


def _text_of_bytes(array: pa.Array) -> pa.Array:
    """Text where all of it is UTF-8, else hexadecimal digits."""
    if not pa.types.is_fixed_size_binary(array.type):
        try:
            return array.cast(STRING)
        except pa.ArrowInvalid:
            pass
    return pa.array([None if one is None else one.hex() for one in array.to_pylist()], STRING)


def _natural_type(array: pa.Array, decided: pa.DataType | None) -> pa.DataType | None:
    """The type that a column's own type stands for; None for nested values and columns without any."""
    kind = array.type
    if pa.types.is_decimal(kind):
        return decided or (MONEY_TYPE if _is_money(array) else FRACTION)
    for belongs, natural in (
        (pa.types.is_dictionary, STRING),
        (pa.types.is_string, STRING),
        (pa.types.is_integer, INTEGER),
        (pa.types.is_floating, FRACTION),
        (pa.types.is_boolean, BOOLEAN),
        (pa.types.is_timestamp, TIME_TYPE),
    ):
        if belongs(kind):
            return natural
    return None


def _is_money(array: pa.Array) -> bool:
    kind = array.type
    if kind.scale <= MONEY_TYPE.scale and kind.precision - kind.scale <= _MONEY_DIGITS:
        return True
    return _cast(array, MONEY_TYPE) is not None


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The column in another type, every value exactly what it was; None if that cannot be."""
    source = array.type
    if kind == STRING:
        return array if source in (STRING, TEXT_COLUMN) else None
    alike = {
        INTEGER: pa.types.is_integer,
        FRACTION: lambda one: (
            pa.types.is_floating(one) or pa.types.is_integer(one) or pa.types.is_decimal(one)
        ),
        MONEY_TYPE: lambda one: pa.types.is_decimal(one) or pa.types.is_integer(one),
        BOOLEAN: pa.types.is_boolean,
        TIME_TYPE: pa.types.is_timestamp,
    }
    if not alike[kind](source):
        return None
    if kind == TIME_TYPE and source.tz is None:
        array = array.cast(pa.timestamp("us")) if source.unit != "us" else array
    try:
        if kind == MONEY_TYPE and pa.types.is_integer(source):
            array = array.cast(_WIDE_MONEY)
        column = array.cast(kind)
    except pa.ArrowInvalid:
        return None
    return _finite(column) if kind == FRACTION and pa.types.is_floating(source) else column


def _finite(column: pa.Array) -> pa.Array:
    finite = pc.is_finite(column)
    if pc.all(finite).as_py() is not False:
        return column
    return pc.if_else(finite, column, pa.scalar(None, FRACTION))
