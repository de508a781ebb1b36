"""A lot at work: the nodes and persons that it meets, as they change act by act; the store is only read."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from xingji.govern.events.event import Place
from xingji.govern.identity.acts import act_number, by_pair, in_force
from xingji.govern.identity.commands import Said
from xingji.govern.identity.kinds import rank_of
from xingji.govern.identity.replaying import replayed
from xingji.govern.identity.rules import alone, joined, judge, survivor
from xingji.ports.identity_store import Act, ActKind, IdentityStore, Node, Outcome, Person

Change = tuple[int, int]
"""A root that was absorbed and the root that it is bound to now; 0: to none any more."""


class Meeting:
    """What a lot has read and changed so far."""

    def __init__(self, store: IdentityStore, limits: tuple[int, ...]) -> None:
        self._store, self._limits = store, limits
        self._next = store.next_number()
        self._persons: dict[int, Person] = {}
        self._before: dict[int, Person] = {}
        self._names: dict[int, str] = {}
        self.nodes: dict[str, Node] = {}
        self.new_names: set[str] = set()
        self.changed_names: set[str] = set()
        self.acts: dict[int, Act] = {}
        self.changes: list[Change] = []

    def read(self, names: Collection[str]) -> None:
        """Take in the nodes of names, where they are known."""
        found = self._store.nodes([name for name in names if name not in self.nodes])
        self.nodes |= found
        self._names |= {node.number: name for name, node in found.items()}

    def read_persons(self, names: Iterable[str]) -> None:
        """Take in the persons of names, all at once."""
        self.persons({self.nodes[name].number for name in names if name in self.nodes})

    def node(self, name: str) -> Node:
        """The node of a name, new where it was never seen."""
        found = self.nodes.get(name)
        if found is None:
            found = self.nodes[name] = Node(name, self._next)
            self._persons[self._next] = alone(self._next, rank_of(name))
            self._names[self._next] = name
            self._next += 1
            self.new_names.add(name)
        return found

    def come_together(self, weaker: str, stronger: str, place: Place, time_us: int) -> None:
        """An event has both ids; from the second time on this changes nothing."""
        node, other = self.node(weaker), self.node(stronger)
        if other.number in node.met:
            return
        act = Act(act_number(node.number, node.acts), other.number, place.offset, place.index, time_us)
        outcome, ground = Outcome.VOID, 0
        # Other acts than those of events are rare: only where there are any, the pair may have been parted.
        if node.acts == len(node.met) or act.number in in_force([*self._acts_between(act), act]):
            outcome, ground = self._judge(act)
        self._note(act, outcome, ground, met=(*node.met, other.number))

    def say(self, kind: ActKind, one: str, other: str, said: Said) -> None:
        """Somebody says that two ids are one person's, or that they are not."""
        weaker, stronger = self._ranked(one, other)
        act = self._said(self.node(weaker), self.node(stronger).number, kind, said)
        if kind is ActKind.BIND:
            self._note(act, *self._judge(act))
        else:
            self._take_back(act)

    def undo(self, number: int, said: Said) -> None:
        """Somebody takes back an act that there is."""
        target = self.act(number)
        assert target is not None
        name = self._name(target.weaker)
        self.read((name,))
        act = self._said(self.nodes[name], target.stronger, ActKind.UNDO, said)
        self._take_back(msgspec.structs.replace(act, target=number))

    def act(self, number: int) -> Act | None:
        """An act by its number, as it is by now."""
        return self.acts.get(number) or self._store.act(number)

    def persons(self, numbers: Collection[int]) -> dict[int, Person]:
        """The person of each node, as it is by now."""
        missing = [number for number in numbers if number not in self._persons]
        if missing:
            found = self._store.persons(missing)
            lone = [number for number in missing if number not in found]
            found |= {number: alone(number, rank) for number, rank in self.ranks(lone).items()}
            for person in found.values():
                if person.root not in self._persons:
                    self._persons.update(dict.fromkeys(person.numbers, person))
        return {number: self._persons[number] for number in numbers}

    def ranks(self, numbers: Collection[int]) -> dict[int, int]:
        """The rank of each node's kind."""
        return {number: rank_of(name) for number, name in self.names(numbers).items()}

    def names(self, numbers: Collection[int]) -> dict[int, str]:
        """The name of each node."""
        if missing := [number for number in numbers if number not in self._names]:
            self._names |= self._store.names(missing)
        return {number: self._names[number] for number in numbers}

    def acts_of(self, numbers: Collection[int]) -> list[Act]:
        """All acts with a side among the nodes of whole persons."""
        found = {act.number: act for act in self._store.acts_of(numbers)} | {
            act.number: act for act in self.acts.values() if act.weaker in numbers or act.stronger in numbers
        }
        return list(found.values())

    def changed_persons(self) -> tuple[list[Person], list[int]]:
        """Persons that differ from what the store has, and roots that are none any more."""
        now = {self._persons[number].root: self._persons[number] for number in self._before}
        gone = {person.root for person in self._before.values() if len(person.numbers) > 1} - now.keys()
        return list(now.values()), sorted(gone)

    @staticmethod
    def _said(node: Node, stronger: int, kind: ActKind, said: Said) -> Act:
        number, place = act_number(node.number, node.acts), said.place
        who, reason = said.command.who, said.command.reason
        return Act(number, stronger, place.offset, place.index, said.time_us, kind, who=who, reason=reason)

    def _judge(self, act: Act) -> tuple[Outcome, int]:
        persons = self.persons((act.weaker, act.stronger))
        theirs, mine = persons[act.weaker], persons[act.stronger]
        ranks = _rank(theirs, act.weaker), _rank(mine, act.stronger)
        verdict = judge(ranks, theirs, mine, self._limits, act.kind is ActKind.BIND)
        if verdict[0] is Outcome.BOUND:
            stays, absorbed = survivor(theirs, mine)
            self._put(joined(stays, absorbed))
            self.changes.append((absorbed.root, stays.root))
        return verdict

    def _put(self, person: Person) -> None:
        for number in person.numbers:
            self._before.setdefault(number, self._persons[number])
            self._persons[number] = person

    def _note(self, act: Act, outcome: Outcome, ground: int = 0, met: tuple[int, ...] | None = None) -> None:
        self.acts[act.number] = msgspec.structs.replace(act, outcome=outcome, ground=ground)
        name = self._name(act.weaker)
        node = self.nodes[name]
        met = node.met if met is None else met
        self.nodes[name] = Node(name, node.number, met, node.acts + 1)
        self.changed_names.add(name)

    def _take_back(self, act: Act) -> None:
        """Add an act that takes others back, and make anew whom that reaches, if it reaches anybody."""
        before = in_force(self._acts_between(act))
        self._note(act, Outcome.DONE)
        pair = self._acts_between(act)
        after = in_force(pair)
        for told in pair:
            if told.number in before - after:
                self.acts[told.number] = msgspec.structs.replace(told, outcome=Outcome.VOID, ground=0)
        if after - before or any(
            told.outcome is Outcome.BOUND for told in pair if told.number in before - after
        ):
            self._make_anew((act.weaker, act.stronger))

    def _make_anew(self, numbers: Collection[int]) -> None:
        replay, acts = replayed(self, numbers, self._limits)
        for act in acts:
            outcome, ground = replay.verdicts.get(act.number, (act.outcome, act.ground))
            if (outcome, ground) != (act.outcome, act.ground):
                self.acts[act.number] = msgspec.structs.replace(act, outcome=outcome, ground=ground)
        inside = sorted(replay.persons)
        old = {number: _parent(self._persons[number], number) for number in inside}
        new = {number: _parent(replay.persons[number], number) for number in inside}
        for number in inside:
            self._before.setdefault(number, self._persons[number])
        self._persons |= replay.persons
        differ = [number for number in inside if old[number] != new[number]]
        # All are let go before any is bound again, so that no order of binding can be a circle.
        self.changes += [(number, 0) for number in differ if old[number]]
        self.changes += [(number, new[number]) for number in differ if new[number]]

    def _acts_between(self, act: Act) -> list[Act]:
        """The acts of a pair, in their order."""
        person = self.persons((act.weaker,))[act.weaker]
        return by_pair(self.acts_of(person.numbers)).get((act.weaker, act.stronger), [])

    def _ranked(self, one: str, other: str) -> list[str]:
        """Two names, the weaker first; of one kind it is the id that was seen later."""
        return sorted((one, other), key=lambda name: (-rank_of(name), -self.node(name).number))

    def _name(self, number: int) -> str:
        return self.names((number,))[number]


def _rank(person: Person, number: int) -> int:
    return person.ranks[person.numbers.index(number)]


def _parent(person: Person, number: int) -> int:
    """The node that a node is bound to; 0: none."""
    place = person.numbers.index(number)
    return person.numbers[person.parents[place]] if place else 0
