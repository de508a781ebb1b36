"""Columns of texts, as CSV's are: which type they stand for, and their values in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.column_types import (
    BOOLEAN,
    FRACTION,
    INTEGER,
    MISFIT,
    NAME_LIMIT,
    STRING,
    TEXT_COLUMN,
    ColumnTypes,
    fitted,
)
from xingji.govern.files.property_columns import BAD_NAME, Properties
from xingji.govern.files.refusal import RowFaults

_INTEGER = r"^(0|-?[1-9][0-9]{0,18})$"
_FRACTION = (
    r"^-?((0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?|(0|[1-9][0-9]*)[eE][-+][0-9]+"
    r"|(0|[1-9][0-9]{0,14}))$"
)
_TRUE, _FALSE = pa.array(["true", "True", "TRUE"]), pa.array(["false", "False", "FALSE"])


def coded_texts(values: Any) -> pa.DictionaryArray:
    """Texts with each distinct one stored once; empty ones are missing."""
    if not any(values):
        return pa.nulls(len(values), TEXT_COLUMN)
    coded = pa.array(values, STRING).dictionary_encode()
    empty = pc.index(coded.dictionary, "").as_py()
    if empty < 0:
        return coded
    codes = pc.if_else(pc.equal(coded.indices, empty), pa.scalar(None, pa.int32()), coded.indices)
    return pa.DictionaryArray.from_arrays(codes, coded.dictionary)


def type_of_texts(distinct: pa.Array) -> pa.DataType:
    """The type that all of some texts stand for: canonical integers int64, numbers double, true and false
    bool; else string.

    Leading zeros, signs `+`, blanks and integers beyond 64 bits make text, since they are ids more often than
    numbers; so does an exponent without sign or point (`3E7`).
    """
    for kind in (INTEGER, FRACTION, BOOLEAN):
        if _converted(distinct, kind).null_count == 0:
            return kind
    return STRING


def _converted(distinct: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts (without nulls) in a type, null where one does not stand for a value of it."""
    if kind == STRING:
        return distinct
    if kind == BOOLEAN:
        true, false = pc.is_in(distinct, value_set=_TRUE), pc.is_in(distinct, value_set=_FALSE)
        return pc.if_else(pc.or_(true, false), true, pa.scalar(None, BOOLEAN))
    if kind in (INTEGER, FRACTION):
        return _numbers(distinct, kind)
    values = [fitted(text, kind) for text in distinct.to_pylist()]
    return pa.array([None if value is MISFIT else value for value in values], kind)


def _numbers(distinct: pa.Array, kind: pa.DataType) -> pa.Array:
    matching = pc.match_substring_regex(distinct, _INTEGER if kind == INTEGER else _FRACTION)
    texts = pc.if_else(matching, distinct, pa.scalar(None, STRING))
    try:
        numbers = texts.cast(kind)
    except pa.ArrowInvalid:
        in_reach = [text if text and -(2**63) <= int(text) < 2**63 else None for text in texts.to_pylist()]
        numbers = pa.array(in_reach, STRING).cast(kind)
    if kind == FRACTION:
        numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, FRACTION))
    return numbers


def add_text_column(
    properties: Properties, name: str, array: pa.DictionaryArray, types: ColumnTypes, faults: RowFaults
) -> None:
    """Give a property its column; texts that do not fit its type are kept as texts among the rest."""
    if not 1 <= len(name) <= NAME_LIMIT:
        faults.mark(np.asarray(array.is_valid()), BAD_NAME)
        return
    if array.null_count == len(array):
        return
    kind = types.get(name) or types.decide(name, type_of_texts(used_texts(array)))
    if kind == STRING:
        properties.columns[name] = array.cast(TEXT_COLUMN)
        return
    distinct = (
        pa.nulls(len(array.dictionary), BOOLEAN) if kind is None else _converted(array.dictionary, kind)
    )
    column = distinct.take(array.indices)
    if column.null_count < len(column):
        properties.columns[name] = column
    if column.null_count > array.null_count:
        for row in np.flatnonzero(np.asarray(column.is_null()) & np.asarray(array.is_valid())).tolist():
            properties.leave(row, name, array[row].as_py())


def used_texts(array: pa.DictionaryArray) -> pa.Array:
    """The texts that stand in any row: the empty one of `coded_texts` does not."""
    used = np.zeros(len(array.dictionary), dtype=bool)
    used[np.asarray(array.indices.drop_null())] = True
    return array.dictionary.filter(pa.array(used))
