"""Merging users and undoing it: who belongs to whom changes, and which rows are read for whom; no row moves.

All that one change of the lake merges and undoes is worked out at once, whatever its size: a few statements
for the users it names, and one reading and one writing of the overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

import numpy as np

from xingji.lake.forest import Forest, last_survivors, replaced, survivors_now
from xingji.lake.overrides import Overrides, read_overrides, write_overrides
from xingji.lake.part import Int64s
from xingji.model.errors import FieldError
from xingji.ports.lake_store import LakeChange, LakeStore, LakeTable, LakeVersion, Merge

NamedMerge = tuple[str, str]
"""The names of an absorbed user and of the survivor."""


def merge_users(store: LakeStore, absorbed: str, survivor: str) -> LakeVersion:
    """From the next version on, everything of user `absorbed` belongs to `survivor`, and to no former one.

    Raises:
        FieldError: `survivor` is the same user, or belongs to it.
    """
    with store.writer():
        return _regroup(store, [(absorbed, survivor)], [])


def unmerge_users(store: LakeStore, absorbed: str) -> LakeVersion:
    """Undo the merge of user `absorbed`: from the next version on, its rows are its own again.

    Raises:
        FieldError: it is not merged, or was merged for good by a version that could not undo it.
    """
    with store.writer():
        users = np.array(_own_ids(store, [absorbed]), np.int64)
        if not len(users):
            raise FieldError("absorbed", absorbed, "a user that the lake knows and has not merged for good")
        if not len(store.merges_of(users)):
            raise FieldError("absorbed", absorbed, "a user whose merge is in force")
        return _regroup(store, [], [absorbed])


def _regroup(store: LakeStore, merges: Sequence[NamedMerge], unmerges: Sequence[str]) -> LakeVersion:
    """Commit merges and undone ones alone; the writer is held."""
    version = store.version()
    grouping = Regrouping(store, version, merges, unmerges)
    if not grouping.changes:
        return version
    return store.commit(grouping.applied(LakeChange(f"merge {uuid4().hex}", operation="overwrite")))


class Regrouping:
    """What the merges of one change, undone and new, come to; nothing is written before `applied`.

    Undone merges come first, then the new ones, each in the order given. A user that is merged already leaves
    its survivor for the new one. Undoing what is not merged is no change. The writer is held throughout.

    `changes`: the users that belong directly to another user than before, and to whom (None: to nobody);
    those below 0 are not registered yet.

    Raises:
        FieldError: a user would come to belong to itself.
    """

    def __init__(
        self, store: LakeStore, version: LakeVersion, merges: Sequence[NamedMerge], unmerges: Sequence[str]
    ) -> None:
        self._store, self._version = store, version
        ids = _ids_of(store, [name for merge in merges for name in merge])
        self._unknown = [name for name, user in ids.items() if user < 0]
        undone = _own_ids(store, unmerges)
        self._torn: dict[int, int] = {}
        self._forest = self._known({*ids.values(), *undone}, {*(ids[name] for name, _ in merges), *undone})
        for user in undone:
            self._forest.detach(user)
        for at, (absorbed, survivor) in enumerate(merges):
            if not self._forest.attach(ids[absorbed], ids[survivor]):
                allowed = f"a user who does not belong to {absorbed}"
                raise FieldError(f"merges[{at}].survivor", survivor, allowed)
        self.changes: Mapping[int, int | None] = self._forest.changes()

    def _known(self, named: set[int], leaving: set[int]) -> Forest:
        """The named users as they are; `_torn`: the merges of those who may leave, and all below them."""
        users = np.array(sorted(user for user in named if user > 0), np.int64)
        above = self._store.merges_of(users)
        cut = above[np.isin(above[:, 0], np.array(sorted(leaving), np.int64))]
        self._torn = dict((*cut.tolist(), *self._store.merges_under(cut[:, 0]).tolist()))
        ends = zip(users.tolist(), last_survivors(above, users).tolist(), strict=True)
        return Forest({user: end for user, end in ends if user != end} | self._torn)

    def applied(self, change: LakeChange) -> LakeChange:
        """The change with all of it; lodgings of the change's rows are to be noted before."""
        if not self.changes:
            return change
        numbers = self._store.assign_users(self._unknown).tolist() if self._unknown else []
        given = {-at: user for at, user in enumerate(numbers, start=1)}
        begun = [
            (given.get(absorbed, absorbed), given.get(survivor, survivor))
            for absorbed, survivor in self.changes.items()
            if survivor is not None
        ]
        seq = self._store.reserve_seq(max(len(begun), 1))
        files = write_overrides(self._store, self._version, self._overrides(given), seq)
        return replace(
            change,
            add=(*change.add, *files),
            remove=(*change.remove, *self._version.of(LakeTable.OVERRIDES)),
            merges=tuple(Merge(*merge, seq + at) for at, merge in enumerate(begun)),
            unmerged=tuple(user for user, survivor in self.changes.items() if survivor is None),
        )

    def _overrides(self, given: Mapping[int, int]) -> Overrides:
        """The overrides after the change."""
        now = read_overrides(self._store, self._version)
        roots = _Ends(self._forest, (user for user in self.changes if user not in self._torn), given)
        torn = _Ends(self._forest, self._torn, given)
        lodgings = np.concatenate([self._store.lodgings_of(torn.users), self._store.lodgers_of(torn.users)])
        own, places = lodgings[:, 0], lodgings[:, 1]
        lodgers = np.unique(own)
        before = replaced(own, lodgers, survivors_now(self._store, lodgers))
        # Who is neither torn nor under a root that was merged still belongs to the same user.
        same = ~np.isin(now.places, torn.users) & ~np.isin(now.own, torn.users)
        return Overrides.of(
            np.concatenate([now.absorbed, roots.users]),
            np.concatenate([torn.of(now.absorbed, roots.of(now.survivors)), roots.ends]),
            np.concatenate([now.places[same], places]),
            np.concatenate([now.own[same], own]),
            np.concatenate([roots.of(now.owners[same]), torn.of(own, roots.of(before))]),
        )


class _Ends:
    """To whom some users (rising) belong in the end."""

    def __init__(self, forest: Forest, users: Iterable[int], given: Mapping[int, int]) -> None:
        ends = {given.get(user, user): forest.last(user) for user in users}
        self.users = np.array(sorted(ends), np.int64)
        last = (ends[user] for user in self.users.tolist())
        self.ends = np.array([given.get(user, user) for user in last], np.int64)

    def of(self, user_ids: Int64s, otherwise: Int64s | None = None) -> Int64s:
        """To whom users belong; those that are none of these: as said, or to themselves."""
        return replaced(user_ids, self.users, self.ends, otherwise)


def _ids_of(store: LakeStore, names: Iterable[str]) -> dict[str, int]:
    """The ids of users by name; numbers below 0, from -1 on, for those that nobody has seen yet."""
    distinct = list(dict.fromkeys(names))
    ids = dict(zip(distinct, store.find_users(distinct).tolist(), strict=True))
    unknown = [name for name, user in ids.items() if not user]
    return ids | {name: -at for at, name in enumerate(unknown, start=1)}


def _own_ids(store: LakeStore, names: Sequence[str]) -> list[int]:
    """The ids of the users among the names that have one to themselves."""
    ids = store.find_users(names)
    return [user for user, name, own in zip(ids.tolist(), names, store.user_names(ids)) if name == own]
