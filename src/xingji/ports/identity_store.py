"""The port to where it is kept which ids belong together; what decides is in `govern.identity`.

An id is a *node*: it has a name, `kind:value`, and a number, given in the order in which ids were first seen.
A *person* is a tree of nodes. An *act* is what brought two nodes together or parted them, and what came of
it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from typing import Protocol

import msgspec

ACT_BITS = 24
"""An act's number is its weaker node's, shifted by so many bits, plus which of that node's acts it is."""


class Node(msgspec.Struct, frozen=True, gc=False):
    """An id; `met` has the numbers of the stronger ids that events brought it together with, `acts` says how
    many acts it was the weaker side of."""

    name: str
    number: int
    met: tuple[int, ...] = ()
    acts: int = 0


class Person(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Nodes that belong together, the root first: their numbers, the ranks of their kinds (0 is the
    strongest), and the place in `numbers` of the node that each was bound to, 0 for the root."""

    numbers: tuple[int, ...]
    ranks: tuple[int, ...]
    parents: tuple[int, ...]

    @property
    def root(self) -> int:
        """The node whose name the person bears."""
        return self.numbers[0]


class ActKind(IntEnum):
    """What an act is."""

    EVENT = 0
    """Events had both ids: the first of them; later ones are the same act."""
    BIND = 1
    """Somebody said that both are one person's."""
    UNBIND = 2
    """Somebody said that they are not, whatever events say."""
    UNDO = 3
    """Somebody took back another act."""


class Outcome(IntEnum):
    """What came of an act."""

    BOUND = 0
    SAME = 1
    """Both were one person's already."""
    SHARED = 2
    """A device that somebody else used first."""
    DIFFERENT = 3
    """The persons hold different values of an exclusive kind."""
    LIMIT = 4
    """The person would have more ids of a kind than it may."""
    VOID = 5
    """Taken back."""
    DONE = 6
    """Of acts that take back or part."""


class Act(msgspec.Struct, frozen=True, gc=False):
    """One act between two nodes, at its place in the log.

    `time_us`: the event's or command's time, µs since the epoch; `ground`: the rank of the kind that was
    DIFFERENT or at its LIMIT; `target`: the number of the act that is taken back; `who` and `reason` are a
    person's who gave a command.
    """

    number: int
    stronger: int
    offset: int
    index: int
    time_us: int
    kind: ActKind = ActKind.EVENT
    outcome: Outcome = Outcome.BOUND
    ground: int = 0
    target: int = 0
    who: str = ""
    reason: str = ""

    @property
    def weaker(self) -> int:
        """The number of the weaker node."""
        return self.number >> ACT_BITS


class Denied(msgspec.Struct, frozen=True):
    """An id that identifies nobody, since a place in the log."""

    name: str
    offset: int
    time_us: int
    who: str = ""
    reason: str = ""


class IdentityChange(msgspec.Struct, frozen=True):
    """What a lot changes.

    `new_nodes` and `nodes` (those that differ); `persons` that are new or differ, a node that is alone again
    among them; `gone`: roots that are roots of no more than themselves, or of nothing, now; `acts` that are
    new or differ; ids that are denied or allowed again, in order; and `answer`, which is kept for the lot to
    be asked again.
    """

    answer: bytes
    new_nodes: Iterable[Node] = ()
    nodes: Iterable[Node] = ()
    persons: Iterable[Person] = ()
    gone: Iterable[int] = ()
    acts: Iterable[Act] = ()
    denied: Iterable[Denied] = ()
    allowed: Iterable[str] = ()


class IdentityStore(Protocol):
    """The ids of one project; stands at the last lot that was saved, whatever happened."""

    @property
    def lot(self) -> int:
        """The last lot that was saved; 0: none yet."""
        ...

    def answer(self) -> bytes:
        """The answer that was kept with the last lot."""
        ...

    def next_number(self) -> int:
        """The number of the next new node; a number is never given twice."""
        ...

    def rules(self) -> bytes:
        """What `set_rules` was given; empty before."""
        ...

    def set_rules(self, rules: bytes) -> None:
        """Note, durably, by which rules persons are made."""
        ...

    def nodes(self, names: Collection[str]) -> dict[str, Node]:
        """The nodes that are known, by name."""
        ...

    def names(self, numbers: Collection[int]) -> dict[int, str]:
        """The names of nodes, by number."""
        ...

    def persons(self, numbers: Collection[int]) -> dict[int, Person]:
        """The person of each node that is not alone."""
        ...

    def acts_of(self, numbers: Collection[int]) -> list[Act]:
        """All acts with a side among the nodes of whole persons."""
        ...

    def act(self, number: int) -> Act | None:
        """An act by its number."""
        ...

    def denied(self) -> list[Denied]:
        """The ids that identify nobody, in the order in which they were denied."""
        ...

    def save(self, lot: int, change: IdentityChange) -> None:
        """Make a lot's changes durable, all or none."""
        ...

    def erase(self, numbers: Collection[int], left: Mapping[int, tuple[int, ...]]) -> None:
        """Remove whole persons: nodes, names, acts, denials; nothing is left of them on the disk when it
        returns.

        `left`: what other nodes have met without them.

        Raises:
            TransientError: they are removed, and something of them may still be on the disk; once more, also
                of nobody, finishes it.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
