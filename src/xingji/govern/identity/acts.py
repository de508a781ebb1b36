"""Which acts between two ids count: those that no later act has taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from xingji.ports.identity_store import ACT_BITS, Act, ActKind

Pair = tuple[int, int]
"""Weaker and stronger node."""


def act_number(weaker: int, place: int) -> int:
    """The number of an act: which of a node's acts it is, from 0.

    >>> act_number(3, 1) >> ACT_BITS
    3
    """
    return (weaker << ACT_BITS) + place


def in_force(acts: Sequence[Act]) -> set[int]:
    """The numbers of the acts of one pair, given in their order, that bring its ids together.

    An UNDO takes back one act, also another UNDO. An UNBIND takes back all that came before it, and what
    events say after it, until somebody binds the two again.
    """
    undone: set[int] = set()
    for act in reversed(acts):
        if act.kind is ActKind.UNDO and act.number not in undone:
            undone.add(act.target)
    found: set[int] = set()
    is_parted = False
    for act in acts:
        if act.number in undone:
            continue
        if act.kind is ActKind.UNBIND:
            found, is_parted = set(), True
        elif act.kind is ActKind.BIND:
            is_parted = False
            found.add(act.number)
        elif act.kind is ActKind.EVENT and not is_parted:
            found.add(act.number)
    return found


def by_pair(acts: Iterable[Act]) -> dict[Pair, list[Act]]:
    """Acts by the ids that they are between, in their order."""
    found: dict[Pair, list[Act]] = defaultdict(list)
    for act in sorted(acts, key=lambda act: act.number):
        found[act.weaker, act.stronger].append(act)
    return found
