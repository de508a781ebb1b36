"""Parts and snapshots held in memory: the tail of a lake, and a log read straight from files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xingji.lake.data_file import own_users
from xingji.lake.dictionary import encode_column, encode_values, event_numbers, overlay
from xingji.lake.order import offsets_of, starts_of
from xingji.lake.part import Coded, EventNumbers, History, Int64s, Part, PropertyInfo
from xingji.lake.view import View, compose_views
from xingji.model.event_table import EVENT, PREFIX, REST, TIME, USER, property_names


class MemoryPart:
    """A part over an Arrow table sorted by (user_id, time, seq); properties are coded when asked for."""

    def __init__(self, key: str, table: pa.Table, event_codes: Mapping[str, int]) -> None:
        self.key, self._table, self._event_codes = key, table, event_codes
        self.n_rows: int = table.num_rows
        owner = _int64(table["user_id"])
        self.user_offsets: Int64s = starts_of(owner)
        self.user_ids: Int64s = owner[self.user_offsets[:-1]]
        self._time = _int64(table[TIME].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
        self._coded: dict[str, Coded | None] = {}

    @classmethod
    def from_sorted_table(cls, key: str, table: pa.Table, event_codes: Mapping[str, int]) -> MemoryPart:
        """A part of a table with the columns user_id, time, seq, event and properties, already in order."""
        return cls(key, table, event_codes)

    @property
    def first_us(self) -> int:
        return int(self._time.min()) if self.n_rows else 0

    @property
    def last_us(self) -> int:
        return int(self._time.max()) if self.n_rows else 0

    def time(self) -> Int64s:
        return self._time

    def seq(self) -> Int64s:
        return _int64(self._table["seq"])

    def own(self) -> Int64s | None:
        return own_users(self._table)

    def event(self) -> EventNumbers:
        return event_numbers(self._table[EVENT], self._event_codes)

    def coded(self, name: str) -> Coded | None:
        if name not in self._coded:
            column = PREFIX + name
            base = encode_column(self._table[column]) if column in self._table.column_names else None
            rows, values = self._leftovers.get(name, ([], []))
            coded = overlay(base, np.array(rows, np.int64), values, self.n_rows)
            self._coded[name] = coded if coded and len(coded.dictionary) > 1 else None
        return self._coded[name]

    @cached_property
    def _leftovers(self) -> dict[str, tuple[list[int], list[object]]]:
        """The properties kept as JSON: name → (rows, values)."""
        found: dict[str, tuple[list[int], list[object]]] = {}
        if REST not in self._table.column_names:
            return found
        column = self._table[REST].combine_chunks()
        rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        for row, text in zip(rows.tolist(), column.drop_null().to_pylist(), strict=True):
            for name, value in json.loads(text).items():
                places, values = found.setdefault(name, ([], []))
                places.append(row)
                values.append(value)
        return found

    @property
    def property_names(self) -> set[str]:
        """Every property that some row has, typed or left over."""
        columns = (
            name
            for name in property_names(self._table.schema)
            if self._table[PREFIX + name].null_count < self.n_rows
        )
        return {*columns, *self._leftovers}


def _int64(column: pa.Array | pa.ChunkedArray) -> Int64s:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False), np.int64)


class MemorySnapshot:
    """A snapshot of a log in memory; `seq` is the row's number, users are spread over `n_buckets`."""

    def __init__(
        self, parts: Sequence[Part], names: Sequence[str], events: Sequence[str],
        properties: Mapping[str, PropertyInfo], changes: UserChanges, as_of_us: int, version: str,
    ) -> None:  # fmt: skip
        self._parts, self._names, self._changes = parts, names, changes
        self._ids = {name: at for at, name in enumerate(names)}
        self.event_names: Sequence[str] = events
        self.event_properties = dict(properties)
        self.user_properties = changes.properties
        self.as_of_us, self.version = as_of_us, version
        self.warnings: Sequence[str] = ()
        self._views: dict[int, tuple[View, ...]] = {}

    @classmethod
    def from_table(cls, table: pa.Table, n_buckets: int = 1, users: pa.Table | None = None) -> MemorySnapshot:
        """The snapshot of an event table (see `xingji.model.event_table`) and of user changes.

        `users`: columns `user`, `time` (timestamp[us, UTC]) and `properties_json`, one row a change.
        """
        time = _int64(table[TIME].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
        coded = encode_column(table[USER])
        names = coded.dictionary.chunks[0].to_pylist()
        owner = coded.codes.astype(np.int64) - 1
        event = encode_column(table[EVENT])
        events = event.dictionary.chunks[0].to_pylist()
        codes = {name: at for at, name in enumerate(events)}
        plain = table.drop_columns([name for name in (USER, TIME) if name in table.column_names])
        plain = plain.append_column("user_id", pa.array(owner)).append_column(
            TIME, pa.array(time).cast(_TIME)
        )
        plain = plain.append_column("seq", pa.array(np.arange(len(time), dtype=np.int64)))
        order = np.lexsort((time, owner))
        bucket = (owner % n_buckets)[order]
        parts = [MemoryPart(f"memory-{b}", plain.take(order[bucket == b]), codes) for b in range(n_buckets)]
        kinds = {field.name: str(field.type) for field in table.schema}
        types: dict[str, set[str]] = {}
        for part in parts:
            for name in part.property_names:
                types.setdefault(name, set()).add(kinds.get(PREFIX + name, "json"))
        properties = {name: PropertyInfo(name, tuple(sorted(kinds))) for name, kinds in sorted(types.items())}
        changes = UserChanges.from_table(users, names)
        as_of = int(time.max()) if len(time) else 0
        return cls(parts, names, events, properties, changes, as_of, f"memory-{id(table):x}-{n_buckets}")

    @property
    def n_buckets(self) -> int:
        return len(self._parts)

    @property
    def n_events(self) -> int:
        return sum(part.n_rows for part in self._parts)

    def views(self, bucket: int, first_us: int | None = None, last_us: int | None = None) -> tuple[View, ...]:
        if bucket not in self._views:
            self._views[bucket] = compose_views([self._parts[bucket]], [], histories=self._changes.history)
        return self._views[bucket]

    def user_ids_of(self, names: Sequence[str]) -> Int64s:
        return np.array(sorted(self._ids[name] for name in names if name in self._ids), np.int64)

    def user_names_of(self, user_ids: Int64s) -> list[str]:
        return [self._names[at] for at in user_ids.tolist()]


_TIME = pa.timestamp("us", tz="UTC")


class UserChanges:
    """Every change of users' properties, per property sorted by user and time."""

    def __init__(self, changes: Mapping[str, tuple[Int64s, Int64s, list[object]]]) -> None:
        self._changes = changes
        self.properties = {name: PropertyInfo(name, ("json",)) for name in sorted(changes)}

    @classmethod
    def from_table(cls, table: pa.Table | None, names: Sequence[str]) -> UserChanges:
        """Changes of a table `user, time, properties_json`, in log order; only those of users with events."""
        found: dict[str, tuple[list[int], list[int], list[object]]] = {}
        ids = {name: at for at, name in enumerate(names)}
        for row in (
            [] if table is None else zip(*(_column(table, c) for c in (USER, TIME, REST)), strict=True)
        ):
            user, time_us, text = row
            for name, value in json.loads(text).items() if user in ids else ():
                owners, times, values = found.setdefault(name, ([], [], []))
                owners.append(ids[user])
                times.append(time_us)
                values.append(value)
        return cls(
            {name: (np.array(o, np.int64), np.array(t, np.int64), v) for name, (o, t, v) in found.items()}
        )

    def history(self, name: str, user_ids: Int64s) -> History | None:
        """The changes of one property for the given users (sorted ids)."""
        if name not in self._changes or not len(user_ids):
            return None
        owner, time_us, values = self._changes[name]
        place = np.minimum(np.searchsorted(user_ids, owner), len(user_ids) - 1)
        kept = np.flatnonzero(user_ids[place] == owner)
        kept = kept[np.lexsort((time_us[kept], owner[kept]))]
        codes, dictionary = encode_values([values[at] for at in kept.tolist()])
        counts = np.bincount(place[kept], minlength=len(user_ids))
        offsets = offsets_of(counts)
        return History(offsets, time_us[kept], codes.astype(np.uint32), dictionary)


def _column(table: pa.Table, name: str) -> list[object]:
    column = table[name]
    return list((pc.cast(column, _TIME).cast(pa.int64()) if name == TIME else column).to_pylist())
