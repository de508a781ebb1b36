"""What was known of users, and since when: the changes of one property, over the users of a view."""

from __future__ import annotations

from collections.abc import Iterator
from threading import RLock

import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s, stack, whole
from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import own_users, read_rows
from xingji.lake.dictionary import encode_column, overlay
from xingji.lake.leftovers import by_name, of_name
from xingji.lake.order import offsets_of, user_order
from xingji.lake.overrides import Overrides
from xingji.lake.part import Dictionary, History, Int64s
from xingji.lake.rewriting import take
from xingji.model.event_table import PREFIX, REST, TIME
from xingji.ports.lake_store import OWN, SEQ, USER_ID, LakeFile, LakeStore, LakeTable, LakeVersion

_KEYS = (USER_ID, TIME, SEQ)


class UserHistories:
    """Histories of one bucket's users, each change under whom it belongs to."""

    def __init__(self, store: LakeStore, version: LakeVersion, overrides: Overrides, bucket: int) -> None:
        self._store, self._version, self._overrides = store, version, overrides
        self._bucket, self._n_buckets = bucket, version.n_buckets
        self._mine = RLock()
        self._changes: dict[str, tuple[Int64s, Int64s, Int64s, Dictionary] | None] = {}

    def history(self, name: str, user_ids: Int64s) -> History | None:
        """The changes of a property for users (rising ids); None where nobody of the bucket has it."""
        with self._mine:
            if name not in self._changes:
                self._changes[name] = self._load(name)
            changes = self._changes[name]
        if changes is None or not len(user_ids):
            return None
        owners, time_us, codes, dictionary = changes
        place = np.minimum(np.searchsorted(user_ids, owners), len(user_ids) - 1)
        kept = user_ids[place] == owners
        counts = np.bincount(place[kept], minlength=len(user_ids))
        offsets = offsets_of(counts)
        return History(offsets, time_us[kept], codes[kept].astype(np.uint32), dictionary)

    def _load(self, name: str) -> tuple[Int64s, Int64s, Int64s, Dictionary] | None:
        tables = [rows for rows in self._rows((*_KEYS, OWN, PREFIX + name, REST)) if rows.num_rows]
        if not tables:
            return None
        rows = stack(tables)
        rows = take(rows, user_order(*(int64s(rows[key]) for key in _KEYS)))
        typed = whole(rows[PREFIX + name]) if PREFIX + name in rows.schema.names else None
        changed = np.zeros(rows.num_rows, bool) if typed is None else typed.is_valid().to_numpy(False)
        coded = None if typed is None else encode_column(typed)
        if REST in rows.schema.names:
            places, values = of_name(by_name(whole(rows[REST])), name)
            coded = overlay(coded, places, values, rows.num_rows)
            changed = changed.copy()
            changed[places] = True
        if coded is None or not changed.any():
            return None
        owners, time_us = int64s(rows[USER_ID]), int64s(rows[TIME])
        codes = coded.codes.astype(np.int64)
        return owners[changed], time_us[changed], codes[changed], coded.dictionary

    def _rows(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        """The rows of the bucket's users, under the users they belong to."""
        for file in self._files():
            rows = read_rows(self._store, file, columns)
            owners = self._overrides.owners_of(int64s(rows[USER_ID]), own_users(rows))
            mine = bucket_of(owners, self._n_buckets) == self._bucket
            rows = rows.set_column(rows.schema.get_field_index(USER_ID), USER_ID, pa.array(owners))
            yield rows if mine.all() else rows.filter(pa.array(mine))

    def _files(self) -> Iterator[LakeFile]:
        elsewhere = self._overrides.sources_of(self._bucket, self._n_buckets)
        buckets = {self._bucket, *(bucket for bucket, _ in elsewhere)}
        for file in self._version.of(LakeTable.USERS, LakeTable.USERS_TAIL):
            if file.bucket is None or file.bucket in buckets:
                yield file
