"""The port to where it is kept which ids belong to which person; what decides is in `govern.identity`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Person:
    """One person: `root` is the id, as `kind:value`, whose name the person's events bear; `exclusive` has the
    value of each exclusive kind; `strength` is the rank of the strongest kind among the ids, from 0."""

    number: int
    root: str
    exclusive: Mapping[str, str]
    strength: int


@dataclass(frozen=True, slots=True)
class Bind:
    """What became of two ids that came together: `outcome` is `bound`, or why they were not."""

    offset: int
    index: int
    weaker: str
    stronger: str
    outcome: str


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """What a lot changes: persons that are new or differ, persons that are no more and who has their ids,
    persons of new ids, the binds in order, and `answer`, which a lot that comes again is given once more."""

    persons: Iterable[Person]
    absorbed: Mapping[int, int]
    nodes: Mapping[str, int]
    binds: Iterable[Bind]
    answer: bytes


class IdentityStore(Protocol):
    """The ids of one project; stands at the last lot that was saved."""

    @property
    def lot(self) -> int:
        """The last lot that was saved; 0: none yet."""
        ...

    def answer(self) -> bytes:
        """What the last lot was answered."""
        ...

    def next_number(self) -> int:
        """A number from which on no person has one."""
        ...

    def persons_of(self, names: Iterable[str]) -> dict[str, Person]:
        """The person of each id that is known."""
        ...

    def ids_of(self, name: str) -> list[str]:
        """All ids of the person of an id; none where it is unknown."""
        ...

    def binds_of(self, name: str) -> list[Bind]:
        """What became of an id, in the order of the log."""
        ...

    def save(self, lot: int, change: IdentityChange) -> None:
        """Make a lot's changes durable, all or none."""
        ...

    def close(self) -> None: ...
