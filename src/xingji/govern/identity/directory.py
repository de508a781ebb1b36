"""Who somebody is: the ids of a person, and what brought them together."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from xingji.govern.events.event import Identity, Place
from xingji.govern.files.identity import KINDS
from xingji.govern.identity.kinds import identity_of, name_of, rank_of
from xingji.ports.identity_store import Act, ActKind, IdentityStore, Outcome

_WITH_GROUND = (Outcome.DIFFERENT, Outcome.LIMIT)


class HistoryRow(msgspec.Struct, frozen=True):
    """One act of a person's history.

    `number`: by which it can be taken back; `place`, `time_us`: in the log, and the event's or command's time
    in µs since the epoch; `ground`: the kind of id that was the reason for a refusal; `target`: the number of
    what it took back, 0 where it took back nothing or all between its ids.
    """

    number: int
    place: Place
    time_us: int
    kind: ActKind
    weaker: str
    stronger: str
    outcome: Outcome
    ground: str
    target: int
    who: str
    reason: str


class Directory:
    """Reads persons as of the last lot that was committed."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store

    def persons_of(self, identities: Iterable[Identity]) -> dict[Identity, str]:
        """The name of the root of each id's person; ids that are not known are left out."""
        nodes = self._store.nodes({name_of(identity) for identity in identities})
        persons = self._store.persons({node.number for node in nodes.values()})
        roots = {number: person.root for number, person in persons.items()}
        called = self._store.names(set(roots.values()))
        return {
            identity_of(name): called[roots[node.number]] if node.number in roots else name
            for name, node in nodes.items()
        }

    def ids_of(self, identity: Identity) -> list[Identity]:
        """All ids of an id's person, the strongest first and then as they were seen; none where it is
        unknown."""
        names = self._store.names(numbers_of(self._store, identity))
        ordered = sorted(names.items(), key=lambda node: (rank_of(node[1]), node[0]))
        return [identity_of(name) for _, name in ordered]

    def history(self, identity: Identity) -> list[HistoryRow]:
        """Every bind, refusal and undoing with a side among the ids of an id's person, in log order."""
        acts = self._store.acts_of(numbers_of(self._store, identity))
        called = self._store.names({number for act in acts for number in (act.weaker, act.stronger)})
        ordered = sorted(acts, key=lambda act: (act.offset, act.index, rank_of(called[act.weaker])))
        return [_row(act, called[act.weaker], called[act.stronger]) for act in ordered]


def numbers_of(store: IdentityStore, identity: Identity) -> Collection[int]:
    """The nodes of an id's person; none where it is unknown."""
    for node in store.nodes((name_of(identity),)).values():
        person = store.persons((node.number,)).get(node.number)
        return (node.number,) if person is None else person.numbers
    return ()


def _row(act: Act, weaker: str, stronger: str) -> HistoryRow:
    ground = KINDS[act.ground] if act.outcome in _WITH_GROUND else ""
    return HistoryRow(
        act.number, Place(act.offset, act.index), act.time_us, act.kind, weaker, stronger, act.outcome,
        ground, act.target, act.who, act.reason,
    )  # fmt: skip
