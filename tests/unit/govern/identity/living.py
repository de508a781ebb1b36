"""A log lived through: lot by lot, with restarts, kills and repeated lots in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.reference.identity import KINDS, Id, Item
from xingji.adapters.sqlite_identity import SqliteIdentityStore
from xingji.govern.events.event import Event, Kind, Place
from xingji.govern.identity.commands import Allow, Bind, Deny, Said, Unbind, Undo
from xingji.govern.identity.commands import Item as LotItem
from xingji.govern.identity.kinds import Limits, identity_of
from xingji.govern.identity.resolver import Resolved, Resolver

COMMANDS = {"bind": Bind, "unbind": Unbind, "undo": Undo, "deny": Deny, "allow": Allow}


def lot_item(offset: int, item: Item) -> LotItem:
    """An item of a reference log as one of a lot."""
    what, *rest = item
    place, time_us = Place(offset, 0), 1_000_000 * offset
    if what == "event":
        return Event(place, b"", Kind.TRACK, "a", time_us, 0, tuple(rest[0]), {}, {})
    return Said(place, time_us, COMMANDS[what](*rest, who="7", reason="seen"))


def ids(text: str) -> list[Id]:
    """Ids of a text such as `login=u device=d`."""
    return [tuple(word.split("=")) for word in text.split()]  # type: ignore[misc]


def item(text: str) -> Item:
    """An item of a text: ids of an event, or a command as `bind: login=u device=d`, or `undo: 17`."""
    what, colon, rest = text.partition(": ")
    if not colon:
        return "event", ids(text)
    return (what, int(rest)) if what == "undo" else (what, *ids(rest))


class Life:
    """The identities of a project as time goes by."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder, self._path, self._limits = folder, folder / "ids.db", limits
        self.store = SqliteIdentityStore(self._path)
        self.resolver = Resolver(self.store, limits)
        self.lot, self.offset = 0, 0
        self.owners: list[str | None] = []
        self.overrides: dict[str, str] = {}
        self.resolved: list[Resolved] = []

    def restart(self) -> None:
        """Go on as another process would."""
        self.store.close()
        self.store = SqliteIdentityStore(self._path)
        self.resolver = Resolver(self.store, self._limits)

    def live(self, items: Sequence[Item], fate: str = "on") -> Resolved:
        """One lot, perhaps lost before it was durable here, or come again since it was not elsewhere."""
        self.lot += 1
        lot = [lot_item(self.offset + at, one) for at, one in enumerate(items)]
        self.offset += len(lot)
        resolved = self.resolver.resolve(self.lot, lot)
        if fate == "lost":
            self.restart()
            assert self.resolver.resolve(self.lot, lot) == resolved
        self.resolver.commit(self.lot)
        if fate in ("restart", "again"):
            self.restart()
        if fate == "again":
            assert self.resolver.resolve(self.lot, lot) == resolved
            self.resolver.commit(self.lot)
        self._note(resolved)
        return resolved

    def _note(self, resolved: Resolved) -> None:
        self.resolved.append(resolved)
        self.owners += resolved.owners
        for absorbed, survivor in resolved.changes:
            if survivor is None:
                del self.overrides[absorbed]
            else:
                assert self.end(survivor) != absorbed
                self.overrides[absorbed] = survivor

    def end(self, name: str) -> str:
        """Whose a name's events are, as the lake sees it."""
        while name in self.overrides:
            name = self.overrides[name]
        return name

    def parents(self) -> dict[Id, Id]:
        """Which id each is bound to, as the store has it."""
        known = self.store.names(range(1, self.store.next_number()))
        found: dict[Id, Id] = {}
        for person in set(self.store.persons(list(known)).values()):
            assert [KINDS.index(identity_of(known[n])[0]) for n in person.numbers] == list(person.ranks)
            for number, parent in list(zip(person.numbers, person.parents, strict=True))[1:]:
                found[identity_of(known[number])] = identity_of(known[person.numbers[parent]])
        return found

    def close(self) -> None:
        self.store.close()


def cut(log: Sequence[Item], sizes: Sequence[int]) -> Iterator[Sequence[Item]]:
    """A log in lots of the given sizes, over and over."""
    at, number = 0, 0
    while at < len(log):
        size = sizes[number % len(sizes)]
        yield log[at : at + size]
        at, number = at + size, number + 1
