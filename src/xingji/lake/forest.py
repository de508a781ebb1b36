"""Who belongs to whom by merges: a forest of users, each tree one person, named by the user at its root."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xingji.lake.part import Int64s
from xingji.ports.lake_store import LakeStore, Pairs


def last_survivors(merges: Pairs, user_ids: Int64s) -> Int64s:
    """Whom the chains of merges (absorbed, survivor) that begin at users end with.

    >>> last_survivors(np.array([[1, 2], [2, 5]]), np.array([1, 2, 3])).tolist()
    [5, 5, 3]
    """
    order = np.argsort(merges[:, 0], kind="stable")
    absorbed, ends = merges[order, 0], merges[order, 1]
    while True:  # each round doubles how far everybody sees
        further = replaced(ends, absorbed, ends)
        if np.array_equal(further, ends):
            return replaced(user_ids, absorbed, ends)
        ends = further


def replaced(user_ids: Int64s, old: Int64s, new: Int64s, otherwise: Int64s | None = None) -> Int64s:
    """Users, those in `old` (rising) replaced by their counterparts in `new`, and others by `otherwise`."""
    others = user_ids if otherwise is None else otherwise
    if not len(old):
        return others
    place = np.minimum(np.searchsorted(old, user_ids), len(old) - 1)
    return np.where(old[place] == user_ids, new[place], others)


def survivors_now(store: LakeStore, user_ids: Int64s, number: int | None = None) -> Int64s:
    """To whom users belong in a version of the lake (None: the newest)."""
    return last_survivors(store.merges_of(user_ids, number), user_ids)


class Forest:
    """Some users of the forest, which merges change one by one.

    `parents` says whose survivors are known: of users whose merge may change, and of all below them, the
    merges as they are; of other users only the last survivor, if it is another.
    """

    def __init__(self, parents: Mapping[int, int]) -> None:
        self._before = dict(parents)
        self._parents = dict(parents)
        self._shortcuts: dict[int, int] = {}

    def last(self, user: int) -> int:
        """Whom a user belongs to in the end."""
        passed = []
        while (above := self._shortcuts.get(user) or self._parents.get(user)) is not None:
            passed.append(user)
            user = above
        self._shortcuts.update(dict.fromkeys(passed, user))
        return user

    def detach(self, user: int) -> None:
        """Undo the merge of a user, if there is one; whoever was merged into it stays with it."""
        if self._parents.pop(user, None) is not None:
            self._shortcuts.clear()

    def attach(self, absorbed: int, survivor: int) -> bool:
        """Merge a user, who leaves a former survivor for it; False, and no change, in a circle."""
        if self._parents.get(absorbed) == survivor:
            return True
        former = self._parents.get(absorbed)
        self.detach(absorbed)
        if self.last(survivor) == absorbed:
            if former is not None:
                self._parents[absorbed] = former
            return False
        self._parents[absorbed] = survivor
        return True

    def changes(self) -> dict[int, int | None]:
        """The users whose merge is another than at first: into whom, or None."""
        users = dict.fromkeys((*self._before, *self._parents))
        return {
            user: self._parents.get(user)
            for user in users
            if self._parents.get(user) != self._before.get(user)
        }
