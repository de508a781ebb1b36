"""Persons worked out from the whole log at once, with plain sets and lists; nothing is kept from before.

A log is a list of items: `("event", ids)`, the ids in any order; `("bind" | "unbind", one, other)`;
`("undo", number)`; `("deny" | "allow", id)`. The item at place i has the log's offset i.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

KINDS = ("customer_no", "login", "unionid", "openid", "mobile", "device", "anonymous")
EXCLUSIVE = ("customer_no", "login")
DEVICES = ("device", "anonymous")
Id = tuple[str, str]
Item = tuple[Any, ...]


class ReferenceLog:
    """What a log says, before any rule: whose its events are, and which acts there are between which ids."""

    def __init__(self, log: list[Item], without: frozenset[int] = frozenset()) -> None:
        self.owners: list[Id | None] = []
        self.seen: list[Id] = []
        self.rows: list[tuple[int, int, Id, Id, str, int]] = []
        """Number, offset, weaker, stronger, what it is, and what it takes back."""
        self.meetings: list[tuple[int, Id, Id, str, int]] = []
        """All comings-together: offset, weaker, stronger, what it is, the number of its act."""
        self._denied: set[Id] = set()
        self._counts: dict[Id, int] = defaultdict(int)
        self._numbers: dict[tuple[Id, Id], int] = {}
        for offset, item in enumerate(log):
            self.owners.append(self._take(offset, *item))
        self.meetings = [meeting for meeting in self.meetings if meeting[4] not in without]

    def _take(self, offset: int, what: str, *rest: Any) -> Id | None:
        if what == "event":
            ids = sorted(
                (one for one in rest[0] if one not in self._denied), key=lambda one: KINDS.index(one[0])
            )
            for one in ids[:1]:
                self._see(one)
            for weaker in ids[1:]:
                self._see(weaker)
                if (weaker, ids[0]) not in self._numbers:
                    self._numbers[weaker, ids[0]] = self._row(offset, weaker, ids[0], "event")
                self.meetings.append((offset, weaker, ids[0], "event", self._numbers[weaker, ids[0]]))
            return ids[0] if ids else None
        if what == "undo":
            target = next((row for row in self.rows if row[0] == rest[0]), None)
            if target:
                self._row(offset, target[2], target[3], "undo", rest[0])
        elif what in ("deny", "allow"):
            (self._denied.add if what == "deny" else self._denied.discard)(rest[0])
        elif rest[0] != rest[1] and not self._denied & set(rest):
            for one in rest:
                self._see(one)
            weaker, stronger = sorted(rest, key=lambda one: (-KINDS.index(one[0]), -self.seen.index(one)))
            number = self._row(offset, weaker, stronger, what)
            if what == "bind":
                self.meetings.append((offset, weaker, stronger, "bind", number))
        return None

    def _see(self, one: Id) -> None:
        if one not in self.seen:
            self.seen.append(one)

    def _row(self, offset: int, weaker: Id, stronger: Id, what: str, target: int = 0) -> int:
        number = ((self.seen.index(weaker) + 1) << 24) + self._counts[weaker]
        self._counts[weaker] += 1
        self.rows.append((number, offset, weaker, stronger, what, target))
        return number


class ReferencePersons:
    """Persons as sets of ids, each id bound to another or none, from all comings-together in force."""

    def __init__(self, log: ReferenceLog, limits: dict[str, int]) -> None:
        self._log, self._limits = log, limits
        self.person: dict[Id, set[Id]] = {one: {one} for one in log.seen}
        self.parent: dict[Id, Id] = {}
        self.bound: set[int] = set()
        self.refused: dict[int, str] = {}
        undone: set[int] = set()
        for number, *_, what, target in reversed(log.rows):
            if what == "undo" and number not in undone:
                undone.add(target)
        self._undone = undone
        for offset, weaker, stronger, what, number in log.meetings:
            if self._counts(offset, weaker, stronger, what, number):
                self._meet(weaker, stronger, what, number)

    def _counts(self, offset: int, weaker: Id, stronger: Id, what: str, number: int) -> bool:
        if number in self._undone:
            return False
        others = [
            (where, kind)
            for other, where, *pair, kind, _ in self._log.rows
            if pair == [weaker, stronger] and kind in ("bind", "unbind") and other not in self._undone
        ]
        if any(where > offset and kind == "unbind" for where, kind in others):
            return False
        before = [kind for where, kind in others if where < offset]
        return what == "bind" or not before or before[-1] == "bind"

    def root(self, one: Id) -> Id:
        return self.root(self.parent[one]) if one in self.parent else one

    def _meet(self, weaker: Id, stronger: Id, what: str, number: int) -> None:
        theirs, mine = self.person[weaker], self.person[stronger]
        if theirs is mine:
            return
        reason = self._reason(weaker, stronger, what)
        if reason:
            self.refused.setdefault(number, reason)
            return
        self.bound.add(number)
        stays, goes = self.root(stronger), self.root(weaker)
        if any(kind not in DEVICES for kind, _ in theirs):
            stays, goes = sorted(
                (stays, goes), key=lambda one: (KINDS.index(one[0]), self._log.seen.index(one))
            )
        self.parent[goes] = stays
        both = theirs | mine
        for one in both:
            self.person[one] = both

    def _reason(self, weaker: Id, stronger: Id, what: str) -> str:
        theirs, mine = self.person[weaker], self.person[stronger]
        if what == "event" and weaker[0] in DEVICES and any(kind not in DEVICES for kind, _ in theirs):
            return "SHARED"
        both = theirs | mine
        if any(sum(kind == one for kind, _ in both) > 1 for one in EXCLUSIVE):
            return "DIFFERENT"
        for one in (stronger[0], weaker[0]):
            if what == "event" and sum(kind == one for kind, _ in both) > self._limits.get(one, 1):
                return "LIMIT"
        return ""

    def persons(self) -> set[frozenset[Id]]:
        """All persons as sets of ids."""
        return {frozenset(ids) for ids in self.person.values()}
