"""Persons made anew from the acts between their ids: how taking back is done.

Undo equals replaying the whole log without what was taken back. Only persons that this can reach are
replayed: an act between one of them and somebody else was refused then, and as long as it is certain to be
refused again, that somebody is not reached. Persons only grow while nothing is taken back, so that what was
refused once is refused whenever the same two ids come together again; hence the first time is all that is
kept of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xingji.govern.identity.acts import by_pair, in_force
from xingji.govern.identity.rules import Verdict, alone, is_somebody, joined, judge, survivor, value_of
from xingji.ports.identity_store import Act, ActKind, Outcome, Person

_TELLING = (ActKind.EVENT, ActKind.BIND)


class Acts(Protocol):
    """What is known of persons and acts."""

    def persons(self, numbers: Collection[int]) -> dict[int, Person]:
        """The person of each node."""
        ...

    def ranks(self, numbers: Collection[int]) -> dict[int, int]:
        """The rank of each node's kind."""
        ...

    def acts_of(self, numbers: Collection[int]) -> list[Act]:
        """All acts with a side among the nodes of whole persons."""
        ...


@dataclass(slots=True)
class Replay:
    """Persons made anew: each node's person, what came of each act, and nodes beyond that are reached."""

    persons: dict[int, Person]
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)


def replayed(known: Acts, numbers: Iterable[int], limits: tuple[int, ...]) -> tuple[Replay, list[Act]]:
    """The persons of some nodes, and all whom this reaches, made anew from the acts in force; with those
    acts."""
    persons = known.persons(set(numbers))
    while True:
        inside = {number for person in persons.values() for number in person.numbers}
        acts = known.acts_of(inside)
        sides = {number for act in acts for number in (act.weaker, act.stronger)}
        ranks = known.ranks(sides | inside)
        replay = _replay(inside, acts, ranks, limits)
        if not replay.reached:
            return replay, acts
        persons |= known.persons(replay.reached)


def _replay(inside: set[int], acts: list[Act], ranks: Mapping[int, int], limits: tuple[int, ...]) -> Replay:
    replay = Replay({number: alone(number, ranks[number]) for number in inside})
    counting = {number for pair in by_pair(acts).values() for number in in_force(pair)}
    for act in sorted(acts, key=lambda act: (act.offset, act.index, ranks[act.weaker])):
        if act.kind not in _TELLING:
            continue
        if act.number not in counting:
            replay.verdicts[act.number] = Outcome.VOID, 0
        elif act.weaker in inside and act.stronger in inside:
            replay.verdicts[act.number] = _again(replay.persons, act, ranks, limits)
        elif _is_surely_refused(act, replay.persons, ranks, limits):
            replay.verdicts[act.number] = act.outcome, act.ground
        else:
            replay.reached.add(act.stronger if act.weaker in inside else act.weaker)
    return replay


def _again(
    persons: dict[int, Person], act: Act, ranks: Mapping[int, int], limits: tuple[int, ...]
) -> Verdict:
    theirs, mine = persons[act.weaker], persons[act.stronger]
    is_said = act.kind is ActKind.BIND
    verdict = judge((ranks[act.weaker], ranks[act.stronger]), theirs, mine, limits, is_said)
    if verdict[0] is Outcome.BOUND:
        person = joined(*survivor(theirs, mine))
        persons.update(dict.fromkeys(person.numbers, person))
    return verdict


def _is_surely_refused(
    act: Act, persons: Mapping[int, Person], ranks: Mapping[int, int], limits: tuple[int, ...]
) -> bool:
    """Whether an act between a replayed person and another, who is as ever, is refused for its old reason.

    Of the other person's past it is known only that the reason held on its side. A value of an exclusive kind
    is a node, and thus nobody else's.
    """
    is_weaker_mine = act.weaker in persons
    mine = persons[act.weaker if is_weaker_mine else act.stronger]
    if act.outcome is Outcome.SHARED:
        return not is_weaker_mine or is_somebody(mine)
    if act.outcome is Outcome.DIFFERENT:
        return value_of(mine, act.ground) != 0
    if act.outcome is Outcome.LIMIT:
        other = act.stronger if is_weaker_mine else act.weaker
        return mine.ranks.count(act.ground) + (ranks[other] == act.ground) > limits[act.ground]
    return False
