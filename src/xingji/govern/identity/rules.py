"""When two ids become one person's, and when not; values in, values out.

An event is its strongest id's. Each weaker id beside it is bound to that id's person
(a) where the weaker id's own person has no id of a person: a device before its first login;
(b) not where it is a device's, and its person has such an id: a shared device stays with who used it first;
(c) otherwise where the two persons hold no different values of an exclusive kind;
and never where a person would get more ids of one of the two kinds than it may have. A person's word
(`is_said`) is bound by exclusive kinds alone.
"""

from __future__ import annotations

from xingji.govern.identity.kinds import DEVICE, EXCLUSIVE
from xingji.ports.identity_store import Outcome, Person

Verdict = tuple[Outcome, int]
"""What comes of two ids that came together, and the rank of the kind that was the reason."""


def alone(number: int, rank: int) -> Person:
    """A person of one node."""
    return Person((number,), (rank,), (0,))


def is_somebody(person: Person) -> bool:
    """Whether one of its ids is a person's, not a device's; the root is always of the strongest kind."""
    return person.ranks[0] < DEVICE


def value_of(person: Person, rank: int) -> int:
    """The node that is a person's value of an exclusive kind; 0: it has none."""
    return next((n for n, kind in zip(person.numbers, person.ranks, strict=True) if kind == rank), 0)


def judge(
    ranks: tuple[int, int], theirs: Person, mine: Person, limits: tuple[int, ...], is_said: bool
) -> Verdict:
    """What comes of two ids of the given ranks, the weaker first; `theirs`: the weaker's person, `mine`: the
    stronger's."""
    if theirs.root == mine.root:
        return Outcome.SAME, 0
    if not is_said and ranks[0] >= DEVICE and is_somebody(theirs):
        return Outcome.SHARED, 0
    if is_somebody(theirs):
        for rank in EXCLUSIVE:
            one, other = value_of(theirs, rank), value_of(mine, rank)
            if one and other and one != other:
                return Outcome.DIFFERENT, rank
    if not is_said:
        for rank in reversed(ranks):
            if theirs.ranks.count(rank) + mine.ranks.count(rank) > limits[rank]:
                return Outcome.LIMIT, rank
    return Outcome.BOUND, 0


def survivor(theirs: Person, mine: Person) -> tuple[Person, Person]:
    """Of two persons that become one: whose root stays, and who is absorbed.

    The stronger id's, where the weaker's person is nobody yet; else who has the stronger root; of equal ones,
    whose root was seen first.
    """
    if not is_somebody(theirs) or (mine.ranks[0], mine.root) < (theirs.ranks[0], theirs.root):
        return mine, theirs
    return theirs, mine


def joined(stays: Person, absorbed: Person) -> Person:
    """One person of two: the absorbed root is bound to the root that stays."""
    shift = len(stays.numbers)
    parents = (0, *(parent + shift for parent in absorbed.parents[1:]))
    return Person(stays.numbers + absorbed.numbers, stays.ranks + absorbed.ranks, stays.parents + parents)
