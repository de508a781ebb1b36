"""Which column a property goes to: a column keeps the type of its first values, the rest goes to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from xingji.lake.arrow_columns import whole
from xingji.lake.json_text import add_to_objects, names_in
from xingji.lake.part import Int64s
from xingji.lake.wide import Thin, Wide, valid_places
from xingji.model.errors import FieldError
from xingji.model.event_table import (
    MAX_PROMOTED,
    MONEY_TYPE,
    PREFIX,
    PROPERTY_TYPES,
    REST,
    TIME_TYPE,
)
from xingji.ports.lake_store import LakeVersion, Property, Subject

JSON = "json"
MAX_LISTED = 20_000
"""How many properties the lake lists; more are kept and answer queries, but are not offered by name."""
_EXACT_IN_DOUBLE = 1 << 53
_EXACT_IN_MONEY = 10**16
_TYPES = {str(kind): kind for kind in PROPERTY_TYPES}


class Fitting:
    """Fits tables to the columns of a lake, one after the other, and learns new columns by them."""

    def __init__(self, subject: Subject, version: LakeVersion) -> None:
        self._subject = subject
        own = [p for p in version.properties if p.subject is subject]
        self._types = {p.name: p.type for p in own if p.field_id}
        self._known = {(p.name, p.type) for p in own}
        self.new_columns: list[Property] = []
        self.new_properties: list[Property] = []

    def fit(self, rows: Wide) -> Wide:
        """The rows with every property in the column of its name and type, or in `properties_json`."""
        fitted = _Fitted(rows)
        self._list(JSON, names_in(fitted.rest, MAX_LISTED))
        for name, column in rows.properties():
            places, values = (column.places, column.values) if isinstance(column, Thin) else (None, column)
            values = normal_array(values)
            if values.null_count == len(values):
                continue
            typed, misfits = split_column(values, self._type_for(name, values.type))
            if typed is not None:
                fitted.put(PREFIX + name, places, typed)
            if misfits is not None:
                fitted.leave_over(name, places, misfits)
                self._list(type_text(values.type), [name])
        return fitted.rows()

    def fits(self, rows: Wide) -> bool:
        """Whether every property is in its column already."""
        return all(
            self._types.get(name) == type_text((column.values if isinstance(column, Thin) else column).type)
            for name, column in rows.properties()
        )

    def _type_for(self, name: str, kind: pa.DataType) -> str | None:
        """The type of the property's column, made when there is room for one; None when there is not."""
        if name not in self._types and len(self._types) < MAX_PROMOTED:
            self._types[name] = type_text(kind)
            column = Property(self._subject, name, type_text(kind))
            self._known.add((name, column.type))
            self.new_columns.append(column)
        return self._types.get(name)

    def _list(self, kind: str, names: list[str]) -> None:
        for name in names:
            if (name, kind) not in self._known and len(self._known) < MAX_LISTED:
                self._known.add((name, kind))
                self.new_properties.append(Property(self._subject, name, kind))


class _Fitted:
    """Rows whose properties are being put in their columns."""

    def __init__(self, rows: Wide) -> None:
        names = [n for n in rows.dense.schema.names if n != REST and not n.startswith(PREFIX)]
        self._dense: dict[str, pa.Array] = {name: whole(rows.dense[name]) for name in names}
        self._thin: dict[str, Thin] = {}
        self._n_rows = rows.n_rows
        self.rest = rows.array(REST, pa.string())

    def put(self, column: str, places: Int64s | None, values: pa.Array) -> None:
        if places is None:
            self._dense[column] = values
        elif values.null_count:
            kept = valid_places(values)
            self._thin[column] = Thin(places[kept], values.take(pa.array(kept)))
        else:
            self._thin[column] = Thin(places, values)

    def leave_over(self, name: str, places: Int64s | None, misfits: pa.Array) -> None:
        rows = valid_places(misfits)
        rows = rows if places is None else places[rows]
        self.rest = add_to_objects(self.rest, name, rows, misfits.drop_null().to_pylist())

    def rows(self) -> Wide:
        if self.rest.null_count < self._n_rows:
            self._dense[REST] = self.rest
        return Wide(pa.table(self._dense), self._thin)


def number_columns(wanted: Sequence[Property], version: LakeVersion) -> tuple[Property, ...]:
    """The wanted columns that the version lacks and has room for, with the next field ids."""
    numbered: list[Property] = []
    for subject in Subject:
        known = version.columns(subject)
        last_id = max([version.own_field_ids[subject], *(p.field_id for p in known.values())])
        fresh = [p for p in wanted if p.subject is subject and p.name not in known][
            : MAX_PROMOTED - len(known)
        ]
        numbered += [replace(p, field_id=last_id + at) for at, p in enumerate(fresh, start=1)]
    return tuple(numbered)


def type_text(kind: pa.DataType) -> str:
    """The name of a type; a dictionary of strings is a string."""
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def type_named(text: str) -> pa.DataType:
    """The type of a column by the name of its type."""
    return _TYPES[text]


def check_properties(table: pa.Table) -> None:
    """Refuse a table with a property column that holds something else than properties have.

    Raises:
        FieldError: names the column.
    """
    for field in table.schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        known = kind in PROPERTY_TYPES or any(test(kind) for test, _ in _NORMAL)
        if field.name.startswith(PREFIX) and not known:
            raise FieldError(field.name, str(kind), "a column of " + ", ".join(_TYPES))


def normal_array(array: pa.Array) -> pa.Array:
    """Values of a property in an allowed type."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if kind in PROPERTY_TYPES:
        return array
    return array.cast(next(normal for test, normal in _NORMAL if test(kind)))


def is_instant(kind: pa.DataType) -> bool:
    """Whether values of a type are instants that microseconds tell exactly."""
    return bool(pa.types.is_timestamp(kind) and kind.unit != "ns")


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) and kind != pa.uint64())


_NORMAL = (
    (pa.types.is_null, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (_is_whole, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (is_instant, TIME_TYPE),
)


def split_column(column: pa.Array, kind: str | None) -> tuple[pa.Array | None, pa.Array | None]:
    """The values that fit a column of type `kind`, as such, and those that do not; None where there are none.

    Integers fit a column of doubles or money when they are exact there.
    """
    own = type_text(column.type)
    if kind is None:
        return None, column
    if own == kind:
        return column, None
    bound = {str(pa.float64()): _EXACT_IN_DOUBLE, str(MONEY_TYPE): _EXACT_IN_MONEY}.get(kind)
    if own != str(pa.int64()) or bound is None:
        return None, column
    fits = pc.and_(pc.less(column, bound), pc.greater(column, -bound))
    nothing = pa.scalar(None, column.type)
    misfits = pc.if_else(fits, nothing, column)
    fitting = pc.if_else(fits, column, nothing)
    if kind == str(MONEY_TYPE):
        fitting = fitting.cast(pa.decimal128(38, 2))  # Arrow wants room for any integer on the way
    fitting = fitting.cast(_TYPES[kind])
    return fitting, misfits if misfits.null_count < len(misfits) else None
