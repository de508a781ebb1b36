"""The port to the ledger: what became of every accepted event, by minute and reason."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

MINUTE_US = 60_000_000


class Fate(StrEnum):
    """What became of an event."""

    STORED = "stored"
    REPEATED = "repeated"
    """An event of its id is stored already."""
    QUARANTINED = "quarantined"


class Line(NamedTuple):
    """Events of one fate received in one minute; `minute`: minutes since the epoch; `reason`: why they are
    quarantined, else empty."""

    minute: int
    fate: Fate
    reason: str = ""


class Ledger(Protocol):
    """Kept lot by lot: a lot is counted once, however often it comes."""

    @property
    def lot(self) -> int:
        """The last lot that was counted; 0 before the first."""
        ...

    def commit(self, lot: int, counts: Mapping[Line, int]) -> None:
        """Add a lot's counts, durably; below zero where events left quarantine.

        Raises:
            FieldError: the lot is below the last one counted.
            StorageFullError: the disk has no room; nothing was counted.
        """
        ...

    def counts(self, first_minute: int, end_minute: int) -> dict[Line, int]:
        """What was counted in the minutes [first, end), in order of the lines."""
        ...

    def totals(self) -> dict[Fate, int]:
        """How many events had each fate, ever."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
