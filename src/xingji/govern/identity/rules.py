"""When two ids become one person's, and when not; no store, no clock, no lot.

An event belongs to the person of its strongest id. Each weaker id beside it is bound to that person
(a) where the weaker id's own person has no id of a person: a device before its first login,
(b) not where it is a device's and its person has such an id: a shared device stays with who used it first,
(c) otherwise where the two persons hold no different values of an exclusive kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from xingji.govern.events.event import Identity
from xingji.govern.files.identity import KINDS
from xingji.ports.identity_store import Bind, Person

EXCLUSIVE = ("customer_no", "login")
"""A person has one value of each of these kinds at most."""
DEVICE_STRENGTH = KINDS.index("device")
"""From this rank on kinds say which device it was, not who."""
BOUND, SHARED, DIFFERENT = "bound", "a device of somebody else", "another value of an exclusive kind"
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


def name_of(identity: Identity) -> str:
    """An id as one text.

    >>> name_of(("login", "u-88"))
    'login:u-88'
    """
    return f"{identity[0]}:{identity[1]}"


@dataclass(slots=True)
class Persons:
    """The persons whom a lot meets, as they change event by event."""

    of_name: dict[str, int]
    by_number: dict[int, Person]
    next_number: int
    absorbed: dict[int, int] = field(default_factory=dict)
    new_names: dict[str, int] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    merges: list[tuple[str, str]] = field(default_factory=list)
    binds: list[Bind] = field(default_factory=list)

    def owner(self, identities: Sequence[Identity], offset: int, index: int) -> str:
        """The root of the person whose an event is; its ids, the strongest first, are bound by the rules."""
        strongest, *others = identities
        for weaker in others:
            outcome = self._bind(strongest, weaker)
            if outcome is not None:
                self.binds.append(Bind(offset, index, name_of(weaker), name_of(strongest), outcome))
        return self._person(strongest).root

    def _bind(self, strongest: Identity, weaker: Identity) -> str | None:
        """What becomes of a weaker id; None where it belongs to the person already."""
        person, name = self._person(strongest), name_of(weaker)
        known = name in self.of_name
        other = self._person(weaker)
        if other.number == person.number:
            return None
        if known and other.strength < DEVICE_STRENGTH and _RANKS[weaker[0]] >= DEVICE_STRENGTH:
            return SHARED
        if any(other.exclusive.get(kind, value) != value for kind, value in person.exclusive.items()):
            return DIFFERENT
        self._merge(person, other)
        return BOUND

    def _person(self, identity: Identity) -> Person:
        """The person of an id, who is new where the id is."""
        name = name_of(identity)
        number = self.of_name.get(name)
        if number is None:
            number, self.next_number = self.next_number, self.next_number + 1
            kind, value = identity
            exclusive = {kind: value} if kind in EXCLUSIVE else {}
            self.by_number[number] = Person(number, name, exclusive, _RANKS[kind])
            self.of_name[name] = self.new_names[name] = number
            self.changed.add(number)
        while number in self.absorbed:
            number = self.absorbed[number]
        return self.by_number[number]

    def _merge(self, one: Person, two: Person) -> None:
        """Make two persons one: who has the stronger id stays, of equals who was there first."""
        stays, goes = sorted((one, two), key=lambda person: (person.strength, person.number))
        self.by_number[stays.number] = replace(stays, exclusive={**goes.exclusive, **stays.exclusive})
        self.absorbed[goes.number] = stays.number
        self.changed.add(stays.number)
        self.merges.append((goes.root, stays.root))


def names_in(events: Iterable[Sequence[Identity]]) -> set[str]:
    """The ids of some events."""
    return {name_of(identity) for identities in events for identity in identities}
