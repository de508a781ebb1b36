"""Merged users: whose rows belong to whom, and the rows themselves, gathered under the survivors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.data_file import field_ids, read_rows, write_rows
from xingji.lake.gathered import SortedPart, rows_of, sort_rows
from xingji.lake.part import Int64s, Part
from xingji.ports.lake_store import SEQ, USER_ID, LakeFile, LakeStore, LakeTable, LakeVersion, Override

SURVIVOR = "survivor_id"


@dataclass(frozen=True)
class Survivors:
    """Who survives whom in the end: `survivors[i]` is where the rows of `absorbed[i]` (rising) belong."""

    absorbed: Int64s
    survivors: Int64s

    @classmethod
    def of(cls, overrides: Iterable[Override]) -> Survivors:
        """The ends of all chains of merges."""
        parent = {override.absorbed: override.survivor for override in overrides}
        ends = {user: last_survivor(user, parent) for user in parent}
        absorbed = np.array(sorted(ends), np.int64)
        return cls(absorbed, np.array([ends[user] for user in absorbed.tolist()], np.int64))

    def resolve(self, user_ids: Int64s) -> Int64s:
        """Each user, or who survives it."""
        if not len(self.absorbed):
            return user_ids
        place = np.minimum(np.searchsorted(self.absorbed, user_ids), len(self.absorbed) - 1)
        return np.where(self.absorbed[place] == user_ids, self.survivors[place], user_ids)

    def where(self, chosen: np.typing.NDArray[np.bool_]) -> Survivors:
        """Some of the merges."""
        return Survivors(self.absorbed[chosen], self.survivors[chosen])

    def rows_in(self, part: Part) -> SortedPart | None:
        """The rows of absorbed users in a part, under their survivors; None where it has none."""
        rows, lengths = rows_of(part, self.absorbed)
        if not len(rows):
            return None
        owners = np.repeat(self.survivors, lengths)
        return sort_rows(f"{part.key}-merged", [part], [rows], [owners])


def last_survivor(user: int, parent: dict[int, int]) -> int:
    """Whom a chain of merges ends with."""
    while user in parent:
        user = parent[user]
    return user


def read_overrides(store: LakeStore, version: LakeVersion) -> list[Override]:
    """The merges in force, in log order."""
    found: list[Override] = []
    for file in version.of(LakeTable.OVERRIDES):
        rows = read_rows(store, file)
        columns = (int64s(rows[name]).tolist() for name in (USER_ID, SURVIVOR, SEQ))
        found.extend(Override(*values) for values in zip(*columns, strict=True))
    return sorted(found, key=lambda override: override.seq)


def write_overrides(
    store: LakeStore, version: LakeVersion, overrides: Sequence[Override]
) -> tuple[LakeFile, ...]:
    """A file that holds all merges in force; none when there are none."""
    if not overrides:
        return ()
    columns = ("absorbed", "survivor", "seq")
    arrays = [pa.array([getattr(o, name) for o in overrides], pa.int64()) for name in columns]
    rows = pa.table(arrays, names=[USER_ID, SURVIVOR, SEQ])
    path = store.new_path(LakeTable.OVERRIDES)
    ids = field_ids(LakeTable.OVERRIDES, version)
    return (write_rows(store, path, LakeTable.OVERRIDES, rows, ids),)
