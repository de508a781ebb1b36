"""From an event table to rows of the lake: users and events by number, properties in their columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import xxhash

from xingji.lake.arrow_columns import compacted, encoded, whole
from xingji.lake.fitting import Fitting, check_properties, is_instant
from xingji.lake.forest import replaced, survivors_now
from xingji.lake.part import Int64s
from xingji.lake.wide import Wide
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
from xingji.ports.lake_store import OWN, SEQ, USER_ID, LakeStore, LakeVersion, Property, Subject

MAX_REMEMBERED_USERS = 2_000_000
"""An import asks the registry for a user again after so many others."""
_NOBODY = np.zeros(0, np.int64)


class Intake:
    """Turns tables into rows for one change of the lake, and gathers what the lake learns by them."""

    def __init__(self, store: LakeStore, version: LakeVersion) -> None:
        self._store = store
        self._events = Fitting(Subject.EVENT, version)
        self._users = Fitting(Subject.USER, version)
        self._user_numbers: dict[str, int] = {}
        self._lodgers, self._places = _NOBODY, _NOBODY
        self._known_names = dict.fromkeys(version.event_names)
        self.new_event_names: list[str] = []

    @property
    def new_columns(self) -> tuple[Property, ...]:
        return (*self._events.new_columns, *self._users.new_columns)

    @property
    def new_properties(self) -> tuple[Property, ...]:
        return (*self._events.new_properties, *self._users.new_properties)

    def events(self, table: pa.Table, id_seed: str, first_row: int = 0) -> Wide:
        """Rows of `events` in the table's order; `id_seed` and the row's number make ids that are missing."""
        check_events(table)
        fitted = self._events.fit(Wide.of(_known_columns(table)))
        names = _coded(fitted.dense[EVENT])
        self._learn_names(names)
        columns = {
            **self._stored_users(fitted.dense[USER]),
            TIME: _instants(fitted.dense[TIME]),
            SEQ: pa.array(self._reserve(table.num_rows)),
            EVENT: names,
            EVENT_ID: _event_ids(fitted.dense, id_seed, first_row),
        }
        if RECEIVED_AT in table.schema.names:
            columns[RECEIVED_AT] = _instants(fitted.dense[RECEIVED_AT])
        return _with_fixed(fitted, columns)

    def user_changes(self, table: pa.Table) -> Wide:
        """Rows of `users`, in the table's order."""
        check_changes(table)
        fitted = self._users.fit(Wide.of(_known_columns(table)))
        columns = {
            **self._stored_users(fitted.dense[USER]),
            TIME: _instants(fitted.dense[TIME]),
            SEQ: pa.array(self._reserve(table.num_rows)),
        }
        return _with_fixed(fitted, columns)

    def _stored_users(self, column: pa.ChunkedArray) -> dict[str, pa.Array]:
        """Whom rows are stored under, and the users they came for where those are others."""
        users = self._user_ids(column)
        stored = replaced(users, self._lodgers, self._places)
        foreign = stored != users
        columns = {USER_ID: pa.array(stored)}
        return columns | {OWN: pa.array(users, mask=~foreign)} if foreign.any() else columns

    def _user_ids(self, column: pa.ChunkedArray) -> Int64s:
        users = compacted(_coded(column))
        names = users.dictionary.to_pylist()
        ids = np.array([self._user_numbers.get(name, 0) for name in names], np.int64)
        unknown = np.flatnonzero(ids == 0).tolist()
        if unknown:
            fresh = [names[at] for at in unknown]
            ids[unknown] = self._store.assign_users(fresh)
            if len(self._user_numbers) >= MAX_REMEMBERED_USERS:
                self._user_numbers.clear()
                self._lodgers, self._places = _NOBODY, _NOBODY
            self._user_numbers.update(zip(fresh, ids[unknown].tolist(), strict=True))
            self._lodge(np.unique(ids[unknown]))
        places: Int64s = users.indices.to_numpy()
        return ids[places]

    def _lodge(self, users: Int64s) -> None:
        """Look up where rows of users (rising) are to be stored: under whom they belong to now."""
        places = survivors_now(self._store, users)
        elsewhere = places != users
        if elsewhere.any():
            self._store.lodge(np.stack([users[elsewhere], places[elsewhere]], axis=1))
            at = np.searchsorted(self._lodgers, users[elsewhere])
            self._lodgers = np.insert(self._lodgers, at, users[elsewhere])
            self._places = np.insert(self._places, at, places[elsewhere])

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


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return whole(encoded(column))


def _instants(column: pa.ChunkedArray) -> pa.Array:
    return whole(column.cast(TIME_TYPE))


def _event_ids(table: pa.Table, seed: str, first_row: int) -> pa.Array:
    if EVENT_ID in table.schema.names:
        return whole(table[EVENT_ID])
    words = np.empty((table.num_rows, 2), ">u8")
    words[:, 0] = xxhash.xxh3_64_intdigest(seed.encode())
    words[:, 1] = np.arange(first_row, first_row + table.num_rows, dtype=np.uint64)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(words), [None, pa.py_buffer(words)])


_FIXED = {USER, EVENT, TIME, EVENT_ID, RECEIVED_AT, REST}


def _known_columns(table: pa.Table) -> pa.Table:
    """The table without columns that are neither the event table's own nor properties."""
    return table.select([name for name in table.schema.names if name in _FIXED or name.startswith(PREFIX)])


def _with_fixed(rows: Wide, columns: dict[str, pa.Array]) -> Wide:
    """The rows' properties beside the lake's own columns."""
    kept = [name for name in rows.dense.schema.names if name.startswith(PREFIX) or name == REST]
    arrays = columns | {name: whole(rows.dense[name]) for name in kept}
    return Wide(pa.table(arrays), rows.thin)
