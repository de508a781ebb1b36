"""Property values as typed Arrow columns, and what no column can hold as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.column_types import (
    BOOLEAN,
    DEPTH_LIMIT,
    FRACTION,
    INTEGER,
    MISFIT,
    NAME_LIMIT,
    STRING,
    TEXT_LIMIT_BYTES,
    ColumnTypes,
    depth_of,
    fitted,
    type_of_values,
)
from xingji.govern.files.refusal import RowFaults
from xingji.govern.files.sparse import Layouts, Sparse, in_row_order
from xingji.model.event_table import MONEY_TYPE

_PLAIN = {str: STRING, int: INTEGER, float: FRACTION, bool: BOOLEAN}
_PYTHON_TYPES = {arrow: frozenset((python,)) for python, arrow in _PLAIN.items()}
_PYTHON_TYPES |= {FRACTION: frozenset((int, float)), MONEY_TYPE: frozenset((int, Decimal))}
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
BAD_NAME = f"a property's name is empty or longer than {NAME_LIMIT} characters"
TOO_DEEP = f"a property is nested deeper than {DEPTH_LIMIT} levels"
TEXT_TOO_LONG = f"a text is longer than {TEXT_LIMIT_BYTES >> 20} MiB"


@dataclass(slots=True)
class Properties:
    """The properties of `n_rows` rows: a typed array each, and per row the values that fit no column."""

    n_rows: int
    columns: dict[str, pa.Array] = field(default_factory=dict)
    rest: dict[int, dict[str, Any]] = field(default_factory=dict)

    def leave(self, row: int, name: str, value: Any) -> None:
        """Keep a value as JSON."""
        self.rest.setdefault(row, {})[name] = value

    def rest_array(self) -> pa.Array | None:
        """JSON objects (string[n_rows], null where a row has nothing left); None if no row has."""
        if not self.rest:
            return None
        texts: list[str | None] = [None] * self.n_rows
        for row, values in self.rest.items():
            texts[row] = _ENCODE(values).decode()
        return pa.array(texts, STRING)


def add_columns(
    properties: Properties, columns: Mapping[str, Sparse], types: ColumnTypes, faults: RowFaults
) -> None:
    """Turn columns of Python values into arrays; nested values beyond the limits refuse their rows."""
    known: Layouts = {}
    for name, column in columns.items():
        if not 1 <= len(name) <= NAME_LIMIT:
            faults.mark(column.rows()[[value is not None for value in column.values]], BAD_NAME)
            continue
        if types.is_full and types.get(name) is None:
            _fitted_array(properties, name, column, None, faults)
            continue
        array = _array(properties, name, column, types, faults)
        if array is not None:
            properties.columns[name] = column.spread(array, properties.n_rows, known)


def _array(
    properties: Properties, name: str, column: Sparse, types: ColumnTypes, faults: RowFaults
) -> pa.Array | None:
    kind = types.get(name)
    if kind == STRING and (array := plain_array(column.values, kind)) is not None:
        # PyArrow takes nothing else for text, while it would cut fractions to integers and count true as 1.
        return array if array.null_count < len(array) else None
    kinds = set(map(type, column.values))
    kinds.discard(type(None))
    if not kinds:
        return None
    kind = kind or _decided(name, column, kinds, types)
    if kind is not None and kinds <= _PYTHON_TYPES.get(kind, frozenset()):
        array = plain_array(column.values, kind)
        if array is not None:
            return array
    return _fitted_array(properties, name, column, kind, faults)


def _decided(name: str, column: Sparse, kinds: set[type], types: ColumnTypes) -> pa.DataType | None:
    only = _PLAIN.get(next(iter(kinds))) if len(kinds) == 1 else None
    if only is None or only == INTEGER:
        only = type_of_values(list(in_row_order(column).values))
    return types.decide(name, only)


def plain_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array | None:
    """An array of values that are all of one type; None if one of them does not fit after all."""
    try:
        array = pa.array(values, kind)
    except (OverflowError, pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    if kind == FRACTION and not pc.all(pc.is_finite(array)).as_py():
        return None
    return array.dictionary_encode() if kind == STRING else array


def _fitted_array(
    properties: Properties, name: str, column: Sparse, kind: pa.DataType | None, faults: RowFaults
) -> pa.Array | None:
    """Value by value: what the type holds, and the rest left as JSON."""
    kept: list[Any] = []
    for row, value in zip(column.rows().tolist(), column.values):
        fit = value if value is None else MISFIT if kind is None else fitted(value, kind)
        kept.append(None if fit is MISFIT else fit)
        if fit is MISFIT:
            properties.leave(row, name, value)
            if isinstance(value, list | dict) and depth_of(value) >= DEPTH_LIMIT:
                faults.mark([row], TOO_DEEP)
                properties.rest[row].pop(name)
    if kind is None or all(value is None for value in kept):
        return None
    array = pa.array(kept, kind)
    return array.dictionary_encode() if kind == STRING else array


def refuse_long_texts(arrays: Sequence[pa.Array], faults: RowFaults) -> None:
    """Refuse rows with a text beyond the limit."""
    for array in arrays:
        if array.nbytes <= TEXT_LIMIT_BYTES:
            continue
        if pa.types.is_dictionary(array.type):
            long = pc.greater(pc.binary_length(array.dictionary), TEXT_LIMIT_BYTES)
            if pc.any(long).as_py():
                faults.mark(np.asarray(long.take(array.indices).fill_null(False)), TEXT_TOO_LONG)
        elif pa.types.is_string(array.type):
            long = pc.greater(pc.binary_length(array), TEXT_LIMIT_BYTES).fill_null(False)
            if pc.any(long).as_py():
                faults.mark(np.asarray(long), TEXT_TOO_LONG)
