"""The same log in many pieces: months that follow each other, and loose files that fall anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.conformance.tables import event_table, user_table
from tests.reference.log import Event, UserChange
from xingji.lake.gathered import owners_of, sort_rows
from xingji.lake.memory import MemorySnapshot
from xingji.lake.part import Part
from xingji.lake.view import View, compose_views


class ScatteredSnapshot(MemorySnapshot):
    """A snapshot each of whose buckets is put together from base parts by time and from loose rows."""

    n_base, n_loose, loose_percent, most_rows = 3, 2, 30, 40

    def views(self, bucket: int, first_us: int | None = None, last_us: int | None = None) -> tuple[View, ...]:
        whole = self._parts[bucket]
        dice = np.random.default_rng(bucket)
        cuts = np.quantile(whole.time(), [1 / 3, 2 / 3]) if whole.n_rows else np.zeros(2)
        month = np.searchsorted(cuts, whole.time())
        loose = np.where(
            dice.random(whole.n_rows) < self.loose_percent / 100, dice.integers(1, 1 + self.n_loose), 0
        )
        base = [
            rows_of(whole, (month == at) & (loose == 0), f"base-{bucket}-{at}") for at in range(self.n_base)
        ]
        tail = [rows_of(whole, loose == at, f"loose-{bucket}-{at}") for at in range(1, 1 + self.n_loose)]
        return compose_views(base, tail, histories=self._changes.history, most_rows=self.most_rows)


def rows_of(part: Part, chosen: Any, key: str) -> Part:
    """Some of the rows of a part, as a part."""
    rows = np.flatnonzero(chosen)
    return sort_rows(key, [part], [rows], [owners_of(part)[rows]])


def scattered(log: Sequence[Event], users: Sequence[UserChange] = (), n_buckets: int = 1) -> MemorySnapshot:
    """A log in many pieces."""
    return ScatteredSnapshot.from_table(event_table(log), n_buckets, user_table(users))
