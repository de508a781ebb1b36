"""Resolving the ids of a lot: one look into the store, the rules, one change of the store."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from xingji.govern.events.event import Event
from xingji.govern.identity.rules import Persons, names_in
from xingji.ports.identity_store import IdentityChange, IdentityStore


class Resolved(msgspec.Struct, frozen=True):
    """Whose each event of a lot is, and which users became others' (absorbed, survivor), in order."""

    owners: list[str]
    merges: list[tuple[str, str]]


class Resolver:
    """Says of the events of a project whose they are."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store
        self._pending: tuple[int, IdentityChange] | None = None

    def resolve(self, lot: int, events: Sequence[Event]) -> Resolved:
        """Whose the events of a lot are; one that was committed already gets the answer that it got then."""
        if lot <= self._store.lot:
            return msgspec.json.decode(self._store.answer(), type=Resolved)
        found = self._store.persons_of(names_in(event.identities for event in events))
        persons = Persons(
            {name: person.number for name, person in found.items()},
            {person.number: person for person in found.values()},
            self._store.next_number(),
        )
        owners = [persons.owner(event.identities, event.place.offset, event.place.index) for event in events]
        resolved = Resolved(owners, persons.merges)
        change = IdentityChange(
            [persons.by_number[number] for number in sorted(persons.changed - persons.absorbed.keys())],
            persons.absorbed,
            persons.new_names,
            persons.binds,
            msgspec.json.encode(resolved),
        )
        self._pending = lot, change
        return resolved

    def commit(self, lot: int) -> None:
        """Make what a lot changed durable; a lot that is committed already changes nothing."""
        if lot <= self._store.lot:
            return
        pending, self._pending = self._pending, None
        if pending is None or pending[0] != lot:
            raise ValueError(f"lot {lot} was not resolved")
        self._store.save(*pending)
