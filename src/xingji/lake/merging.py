"""Merging users and undoing it: one row that says whose rows belong to whom; no row of events is touched."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

from xingji.lake.overrides import last_survivor, read_overrides, write_overrides
from xingji.model.errors import FieldError
from xingji.ports.lake_store import LakeChange, LakeStore, LakeTable, LakeVersion, Override


def merge_users(store: LakeStore, absorbed: str, survivor: str) -> LakeVersion:
    """From the next version on, everything of user `absorbed` belongs to `survivor`; again is no change.

    Raises:
        FieldError: they are one user already, or `absorbed` belongs to somebody else.
    """
    with store.writer():
        version = store.version()
        merges = read_overrides(store, version)
        parent = {merge.absorbed: merge.survivor for merge in merges}
        gone, stays = store.assign_users([absorbed, survivor]).tolist()
        if parent.get(gone) == stays:
            return version
        if gone in parent:
            owner = _name(store, parent[gone])
            raise FieldError("absorbed", absorbed, f"a user who is not merged; this one belongs to {owner}")
        if last_survivor(stays, parent) == gone:
            raise FieldError("survivor", survivor, f"another user than {absorbed}")
        merges.append(Override(gone, stays, store.reserve_seq(1)))
        return _replace(store, version, merges)


def unmerge_users(store: LakeStore, absorbed: str) -> LakeVersion:
    """Undo the merge of user `absorbed`: from the next version on, its rows are its own again.

    Raises:
        FieldError: it is not merged, or a compaction has made the merge final.
    """
    with store.writer():
        version = store.version()
        merges = read_overrides(store, version)
        (user,) = store.find_users([absorbed]).tolist()
        left = [merge for merge in merges if merge.absorbed != user]
        if len(left) == len(merges):
            raise FieldError("absorbed", absorbed, "a user whose merge is in force and not yet compacted")
        return _replace(store, version, left)


def _replace(store: LakeStore, version: LakeVersion, merges: list[Override]) -> LakeVersion:
    change = LakeChange(
        f"merge {uuid4().hex}",
        add=write_overrides(store, version, merges),
        remove=tuple(version.of(LakeTable.OVERRIDES)),
        operation="overwrite",
    )
    return store.commit(change)


def _name(store: LakeStore, user: int) -> str:
    return store.user_names(np.array([user], np.int64))[0]
