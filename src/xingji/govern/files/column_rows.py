"""Arrow columns (from Parquet, CSV or a server's log) as rows of an event table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.assembly import RowPlaces, event_table
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.event_ids import ID_TYPE
from xingji.govern.files.fields import fields_of
from xingji.govern.files.instants import instants
from xingji.govern.files.mapping import Origins
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.record_rows import NO_PROPERTIES, PROPERTIES
from xingji.govern.files.refusal import RefusalTally, RowFaults
from xingji.govern.files.sparse import columns_of

IDENTITY_PREFIX = "identity."
AddColumn = Callable[[Properties, str, pa.Array, ColumnTypes, RowFaults], None]
_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


class ColumnRows:
    """Columns of one length; the fields among them are asked for by name (see `FieldColumns`)."""

    def __init__(self, columns: Mapping[str, pa.Array], n_rows: int) -> None:
        self.columns, self.n_rows = columns, n_rows
        self.faults = RowFaults(n_rows)

    def table(
        self,
        file: str,
        origins: Origins,
        types: ColumnTypes,
        places: RowPlaces,
        tally: RefusalTally,
        add_column: AddColumn,
    ) -> pa.Table:
        """The events among the rows; `add_column` turns a column into a property's."""
        identities = identity_columns(self.columns)
        fields = fields_of(self, origins, identities, lambda row: f"{file}#{places.number(row)}", self.faults)
        properties = Properties(self.n_rows)
        taken = origins.column_names() | set(identities.values())
        for name, array in self.columns.items():
            if name in taken:
                continue
            if name == PROPERTIES and unfolds(array):
                self._unfold(properties, array, types, add_column)
            else:
                add_column(properties, name, array, types, self.faults)
        return event_table(fields, properties, self.faults, places, tally)

    def _unfold(
        self, properties: Properties, array: pa.Array, types: ColumnTypes, add_column: AddColumn
    ) -> None:
        """A column of objects: each of their keys is a property."""
        if pa.types.is_struct(array.type):
            for field, child in zip(array.type, array.flatten()):
                add_column(properties, field.name, child, types, self.faults)
            return
        is_map = pa.types.is_map(array.type)
        objects = (
            [dict(pairs) if pairs else None for pairs in array.to_pylist()]
            if is_map
            else self._decoded(array)
        )
        rows = np.array([row for row, found in enumerate(objects) if found is not None], dtype=np.int64)
        inner = columns_of([found for found in objects if found is not None])
        add_columns(properties, {name: one.moved(rows) for name, one in inner.items()}, types, self.faults)

    def _decoded(self, texts: pa.Array) -> list[dict[str, Any] | None]:
        found: list[dict[str, Any] | None] = []
        for row, text in enumerate(texts.to_pylist()):
            try:
                found.append(None if text is None else _DECODE(text))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self.faults.mark([row], NO_PROPERTIES)
                found.append(None)
        return found

    def texts(self, name: str) -> pa.Array:
        """A column as texts: strings, and whole numbers in digits."""
        return names_of(self.columns[name])

    def times(self, name: str, time_format: str | None) -> pa.Array:
        """A column as instants."""
        return instants(self.columns[name], time_format)

    def present(self, name: str) -> npt.NDArray[np.bool_]:
        """Where a column has a value."""
        return np.asarray(self.columns[name].is_valid())


def identity_columns(columns: Mapping[str, Any]) -> dict[str, str]:
    """The columns `identity.<kind>`, by kind."""
    return {name.removeprefix(IDENTITY_PREFIX): name for name in columns if name.startswith(IDENTITY_PREFIX)}


def unfolds(array: pa.Array) -> bool:
    """Whether a column holds objects: structs, maps from texts, or texts of which the first is an object."""
    kind = array.type
    if pa.types.is_struct(kind) or (pa.types.is_map(kind) and pa.types.is_string(kind.key_type)):
        return True
    if not pa.types.is_string(kind) and not pa.types.is_dictionary(kind):
        return False
    first = array.drop_null()[:1].to_pylist()
    return bool(first) and isinstance(first[0], str) and first[0].lstrip().startswith("{")


def names_of(array: pa.Array) -> pa.Array:
    """Texts, and whole numbers in digits, as strings; null for what names nothing; 16 bytes stay so."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return array if pa.types.is_string(kind.value_type) else names_of(array.dictionary_decode())
    if pa.types.is_string(kind) or kind == ID_TYPE:
        return array
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = array.cast(pa.float64())
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
        array = pc.if_else(whole, numbers, pa.scalar(None, pa.float64())).cast(pa.int64())
    if pa.types.is_boolean(kind) or pa.types.is_nested(kind):
        return pa.nulls(len(array), pa.string())
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(array), pa.string())
