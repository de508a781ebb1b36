"""Persons worked out anew from all events, one by one, with plain sets."""

from __future__ import annotations

from collections.abc import Sequence

KINDS = ("customer_no", "login", "unionid", "openid", "mobile", "device", "anonymous")
EXCLUSIVE = ("customer_no", "login")
DEVICES = ("device", "anonymous")
Id = tuple[str, str]


class ReferencePersons:
    """Every person is a set of ids and remembers when it was first seen."""

    def __init__(self) -> None:
        self._persons: list[tuple[int, set[Id]]] = []
        self._seen = 0

    def add(self, identities: Sequence[Id]) -> None:
        """Take in the ids of one event, the strongest first."""
        strongest, *others = identities
        self._find(strongest)
        for weaker in others:
            is_new = not any(weaker in ids for _, ids in self._persons)
            mine, theirs = self._find(strongest), self._find(weaker)
            if mine is theirs or not self._may_join(mine[1], theirs[1], weaker, is_new):
                continue
            self._persons.remove(mine)
            self._persons.remove(theirs)
            self._persons.append((min(mine[0], theirs[0]), mine[1] | theirs[1]))

    def _find(self, one: Id) -> tuple[int, set[Id]]:
        for person in self._persons:
            if one in person[1]:
                return person
        self._seen += 1
        self._persons.append((self._seen, {one}))
        return self._persons[-1]

    @staticmethod
    def _may_join(mine: set[Id], theirs: set[Id], weaker: Id, is_new: bool) -> bool:
        theirs_is_somebody = any(kind not in DEVICES for kind, _ in theirs)
        if not is_new and weaker[0] in DEVICES and theirs_is_somebody:
            return False
        both = mine | theirs
        return all(len({value for kind, value in both if kind == one}) <= 1 for one in EXCLUSIVE)

    def persons(self) -> set[frozenset[Id]]:
        """All persons as sets of ids."""
        return {frozenset(ids) for _, ids in self._persons}
