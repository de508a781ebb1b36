"""Overrides: which rows belong to another user than they are stored under, in one version of the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import field_ids, own_users, read_rows, write_rows
from xingji.lake.forest import last_survivors, replaced
from xingji.lake.gathered import SortedPart, rows_of, sort_rows
from xingji.lake.pairs import distinct_pairs, find_pairs
from xingji.lake.part import Int64s, StoredPart
from xingji.ports.lake_store import (
    OWN,
    SEQ,
    SURVIVOR,
    USER_ID,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    Pairs,
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Overrides:
    """Of merged users, and of those whose merges were undone, whose rows they are.

    What is stored under `absorbed[i]` (rising, each once) belongs to `survivors[i]`. Of that which is stored
    under `places[j]`, the rows whose own user is `own[j]` (rising by place, then own) belong to `owners[j]`.
    Owners and survivors are last ones: nothing of theirs is overridden.
    """

    absorbed: Int64s
    survivors: Int64s
    places: Int64s
    own: Int64s
    owners: Int64s

    @classmethod
    def of(
        cls, absorbed: Int64s, survivors: Int64s, places: Int64s, own: Int64s, owners: Int64s
    ) -> Overrides:
        """Overrides in any order, the last of equal ones; those that change nothing are left out."""
        stored, belongs = _unique(absorbed, survivors)
        changed = stored != belongs
        plain = cls(stored[changed], belongs[changed], _NOBODY, _NOBODY, _NOBODY)
        order = np.lexsort((own, places))
        last = np.append((np.diff(places[order]) != 0) | (np.diff(own[order]) != 0), True)[: len(order)]
        chosen = order[last]
        chosen = chosen[plain.resolve(places[chosen]) != owners[chosen]]
        return cls(plain.absorbed, plain.survivors, places[chosen], own[chosen], owners[chosen])

    def __len__(self) -> int:
        return len(self.absorbed) + len(self.places)

    @cached_property
    def stored(self) -> Int64s:
        """The users of whom stored rows may belong to others (rising)."""
        return np.union1d(self.absorbed, self.places)

    def resolve(self, user_ids: Int64s) -> Int64s:
        """To whom belongs what is stored under users, unless its own user was set apart."""
        return replaced(user_ids, self.absorbed, self.survivors)

    def owners_of(self, user_ids: Int64s, own: Int64s | None) -> Int64s:
        """To whom rows belong that are stored under users; `own`: their own users, 0 where the same."""
        owners = self.resolve(user_ids)
        if own is None or not len(self.places):
            return owners
        lodged = np.flatnonzero((own > 0) & np.isin(user_ids, self.places))
        at = self._places_of(user_ids[lodged], own[lodged])
        apart = lodged[at >= 0]
        owners = owners.copy()
        owners[apart] = self.owners[at[at >= 0]]
        return owners

    def is_apart(self, places: Int64s, own: Int64s) -> Flags:
        """Which rows, by whom they are stored under and their own users, were set apart."""
        return self._places_of(places, own) >= 0

    def _places_of(self, places: Int64s, own: Int64s) -> Int64s:
        """Where each (place, own) stands; -1: nowhere."""
        known, asked = np.stack([self.places, self.own], axis=1), np.stack([places, own], axis=1)
        return find_pairs(known, asked)

    def without(self, user_ids: Int64s) -> Overrides:
        """Those that give nobody of some users anything."""
        return self.where(~np.isin(self.survivors, user_ids), ~np.isin(self.owners, user_ids))

    def where(self, merged: Flags, apart: Flags) -> Overrides:
        """Some of the overrides: of what is stored under users, and of that which was set apart."""
        return Overrides.of(
            self.absorbed[merged],
            self.survivors[merged],
            self.places[apart],
            self.own[apart],
            self.owners[apart],
        )

    def leaving(self, rows: pa.Table) -> Flags:
        """Which rows belong to another user than they are stored under."""
        users = int64s(rows[USER_ID])
        flags: Flags = self.owners_of(users, own_users(rows)) != users
        return flags

    def moved(self, rows: pa.Table) -> pa.Table:
        """The rows under the users to whom they belong."""
        users, own = int64s(rows[USER_ID]), own_users(rows)
        owners = self.owners_of(users, own)
        own = users if own is None else np.where(own > 0, own, users)
        moved = rows.set_column(rows.schema.get_field_index(USER_ID), USER_ID, pa.array(owners))
        moved = moved.drop_columns([OWN]) if OWN in moved.schema.names else moved
        foreign = own != owners
        return moved.append_column(OWN, pa.array(own, mask=~foreign)) if foreign.any() else moved

    def sources_of(self, bucket: int, n_buckets: int) -> Iterator[tuple[int, Int64s]]:
        """Where rows of a bucket's users may be stored elsewhere: buckets, and the users there (rising)."""
        parts = [
            self.absorbed[bucket_of(self.survivors, n_buckets) == bucket],
            self.places[bucket_of(self.owners, n_buckets) == bucket],
            self.places[bucket_of(self.resolve(self.places), n_buckets) == bucket],
        ]
        users = np.unique(np.concatenate(parts))
        stored_in = bucket_of(users, n_buckets)
        for source in np.unique(stored_in).tolist():
            yield source, users[stored_in == source]

    def rows_in(self, part: StoredPart, users: Int64s, bucket: int, n_buckets: int) -> SortedPart | None:
        """What is stored under users and belongs to somebody in a bucket, under whom; None: there is none."""
        rows, lengths = rows_of(part, users)
        if not len(rows):
            return None
        stored = np.repeat(users, lengths)
        own = part.own() if np.isin(users[lengths > 0], self.places).any() else None
        owners = self.owners_of(stored, None if own is None else own[rows])
        here = bucket_of(owners, n_buckets) == bucket
        if not here.any():
            return None
        return sort_rows(f"{part.key}-merged", [part], [rows[here]], [owners[here]])

    def table(self) -> pa.Table:
        """One row for each, in the columns of the table `overrides` but for `seq`."""
        columns = {
            USER_ID: pa.array(np.concatenate([self.absorbed, self.places])),
            SURVIVOR: pa.array(np.concatenate([self.survivors, self.owners])),
        }
        if len(self.own):
            own = np.concatenate([np.zeros(len(self.absorbed), np.int64), self.own])
            columns[OWN] = pa.array(own, mask=own == 0)
        return pa.table(columns)

    @classmethod
    def from_tables(cls, tables: Sequence[pa.Table]) -> Overrides:
        """The reverse of `table`; chains of survivors, which old lakes have, are followed."""
        columns: list[list[Int64s]] = [[], [], []]
        for rows in tables:
            own = own_users(rows)
            columns[0].append(int64s(rows[USER_ID]))
            columns[1].append(int64s(rows[SURVIVOR]))
            columns[2].append(np.zeros(rows.num_rows, np.int64) if own is None else own)
        users, belongs, own = (np.concatenate([*found, _NOBODY]) for found in columns)
        whole = own == 0
        last = last_survivors(np.stack([users[whole], belongs[whole]], axis=1), users[whole])
        return cls.of(users[whole], last, users[~whole], own[~whole], belongs[~whole])


_NOBODY = np.zeros(0, np.int64)
NO_OVERRIDES = Overrides(_NOBODY, _NOBODY, _NOBODY, _NOBODY, _NOBODY)


def _unique(keys: Int64s, values: Int64s) -> tuple[Int64s, Int64s]:
    """Keys in order, each once, with the last of its values."""
    found, place = np.unique(keys[::-1], return_index=True)
    return found, values[::-1][place]


def lodgings_in(rows: pa.Table) -> Pairs:
    """Whose rows are stored under whom: (own user, user), each pair once, also of those at home."""
    users, own = int64s(rows[USER_ID]), own_users(rows)
    return distinct_pairs(users if own is None else np.where(own > 0, own, users), users)


def read_overrides(store: LakeStore, version: LakeVersion) -> Overrides:
    """The overrides of a version.

    Raises:
        DamagedFileError: their file is not what was written.
    """
    files = version.of(LakeTable.OVERRIDES)
    if not files:
        return NO_OVERRIDES
    return Overrides.from_tables([read_rows(store, file) for file in files])


def write_overrides(
    store: LakeStore, version: LakeVersion, overrides: Overrides, seq: int
) -> tuple[LakeFile, ...]:
    """A file that holds all overrides, as of log position `seq`; none when there are none."""
    if not len(overrides):
        return ()
    rows = overrides.table()
    rows = rows.append_column(SEQ, pa.array(np.full(rows.num_rows, seq, np.int64)))
    path = store.new_path(LakeTable.OVERRIDES)
    ids = field_ids(LakeTable.OVERRIDES, version)
    return (write_rows(store, path, LakeTable.OVERRIDES, rows, ids),)
