"""From an event table to rows of the lake: users and events by number, properties in their columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import xxhash

from xingji.lake.data_file import compacted, encoded, whole
from xingji.lake.fitting import Fitting, check_properties, is_instant
from xingji.lake.part import Int64s
from xingji.model.errors import FieldError
from xingji.model.event_table import (
    EVENT,
    EVENT_ID,
    PREFIX,
    RECEIVED_AT,
    REST,
    TIME,
    TIME_TYPE,
    USER,
)
from xingji.ports.lake_store import SEQ, USER_ID, LakeStore, LakeVersion, Property, Subject


class Intake:
    """Turns tables into rows for one change of the lake, and gathers what the lake learns by them."""

    def __init__(self, store: LakeStore, version: LakeVersion) -> None:
        self._store = store
        self._events = Fitting(Subject.EVENT, version)
        self._users = Fitting(Subject.USER, version)
        self._known_names = dict.fromkeys(version.event_names)
        self.new_event_names: list[str] = []

    @property
    def new_columns(self) -> tuple[Property, ...]:
        return (*self._events.new_columns, *self._users.new_columns)

    @property
    def new_properties(self) -> tuple[Property, ...]:
        return (*self._events.new_properties, *self._users.new_properties)

    def events(self, table: pa.Table, id_seed: str, first_row: int = 0) -> pa.Table:
        """Rows of `events` in the table's order; `id_seed` and the row's number make ids that are missing."""
        check_events(table)
        names = _coded(EVENT, table)
        self._learn_names(names)
        columns = {
            USER_ID: pa.array(self._user_ids(table)),
            TIME: whole(table[TIME].cast(TIME_TYPE)),
            SEQ: pa.array(self._reserve(table.num_rows)),
            EVENT: names,
            EVENT_ID: _event_ids(table, id_seed, first_row),
        }
        if RECEIVED_AT in table.schema.names:
            columns[RECEIVED_AT] = whole(table[RECEIVED_AT].cast(TIME_TYPE))
        return _with_properties(columns, self._events.fit(_properties_of(table)))

    def user_changes(self, table: pa.Table) -> pa.Table:
        """Rows of `users`, in the table's order."""
        check_changes(table)
        columns = {
            USER_ID: pa.array(self._user_ids(table)),
            TIME: whole(table[TIME].cast(TIME_TYPE)),
            SEQ: pa.array(self._reserve(table.num_rows)),
        }
        return _with_properties(columns, self._users.fit(_properties_of(table)))

    def _user_ids(self, table: pa.Table) -> Int64s:
        users = compacted(_coded(USER, table))
        ids = self._store.assign_users(users.dictionary.to_pylist())
        places: Int64s = users.indices.to_numpy()
        return ids[places]

    def _reserve(self, n_rows: int) -> Int64s:
        first = self._store.reserve_seq(n_rows)
        return np.arange(first, first + n_rows, dtype=np.int64)

    def _learn_names(self, names: pa.DictionaryArray) -> None:
        used = compacted(names).dictionary.to_pylist()
        fresh = [name for name in used if name not in self._known_names]
        self._known_names.update(dict.fromkeys(fresh))
        self.new_event_names.extend(fresh)


def check_events(table: pa.Table) -> None:
    """Refuse a table that is no event table.

    Raises:
        FieldError: names the column.
    """
    for name in (USER, EVENT, TIME):
        _check(table, name)
    if EVENT_ID in table.schema.names:
        _check(table, EVENT_ID)
    check_properties(table)


def check_changes(table: pa.Table) -> None:
    """Refuse a table that is none of user changes.

    Raises:
        FieldError: names the column.
    """
    for name in (USER, TIME):
        _check(table, name)
    check_properties(table)


def _check(table: pa.Table, name: str) -> None:
    wanted, test = _COLUMNS[name]
    if name not in table.schema.names:
        raise FieldError(name, None, f"a column of {wanted}")
    column = table[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not test(kind):
        raise FieldError(name, str(column.type), f"a column of {wanted}")
    if column.null_count:
        raise FieldError(name, None, f"one of {wanted} in every row")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_id(kind: pa.DataType) -> bool:
    return bool(kind == pa.binary(16))


_COLUMNS = {
    USER: ("texts", _is_text),
    EVENT: ("texts", _is_text),
    TIME: ("instants in microseconds", is_instant),
    EVENT_ID: ("16 bytes", _is_id),
}


def _coded(name: str, table: pa.Table) -> pa.DictionaryArray:
    return whole(encoded(table[name]))


def _event_ids(table: pa.Table, seed: str, first_row: int) -> pa.Array:
    if EVENT_ID in table.schema.names:
        return whole(table[EVENT_ID])
    words = np.empty((table.num_rows, 2), ">u8")
    words[:, 0] = xxhash.xxh3_64_intdigest(seed.encode())
    words[:, 1] = np.arange(first_row, first_row + table.num_rows, dtype=np.uint64)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(words), [None, pa.py_buffer(words)])


def _properties_of(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.schema.names if name.startswith(PREFIX) or name == REST])


def _with_properties(columns: dict[str, pa.Array], properties: pa.Table) -> pa.Table:
    names: Sequence[str] = [*columns, *properties.schema.names]
    return pa.table([*columns.values(), *properties.columns], names=list(names))
