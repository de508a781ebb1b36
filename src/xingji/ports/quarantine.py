"""The port to quarantine: events that could not be stored, as the bytes that came, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from xingji.ports.event_log import Form


class Spot(NamedTuple):
    """Where an event stood: the log's offset of its request, and its number there from 0."""

    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Held:
    """An event in quarantine; or a whole request that could not be read (`is_entry`), of `n_events`.

    `received_us`: when it was received; `reason`: a stable code; `message`: what was found and is allowed;
    `body`: as it came, in `form`.
    """

    spot: Spot
    received_us: int
    reason: str
    message: str
    body: bytes
    form: Form
    n_events: int = 1
    is_entry: bool = False


class Quarantine(Protocol):
    """Kept lot by lot: a lot that comes again finds what it found at first."""

    @property
    def lot(self) -> int:
        """The last lot that was committed; 0 before the first."""
        ...

    def commit(self, lot: int, held: Sequence[Held], released: Iterable[Spot] = ()) -> None:
        """Take events in and let others go, durably; once more is no harm.

        Raises:
            FieldError: the lot is below the last one committed.
            StorageFullError: the disk has no room; nothing was changed.
        """
        ...

    def before(self, lot: int, spots: Iterable[Spot]) -> list[Held]:
        """Of some events, those that were in quarantine before a lot: the next one, or the last again."""
        ...

    def page(self, after: Spot | None, limit: int, reason: str | None = None) -> list[Held]:
        """Events in order of their spots, those behind `after`, `limit` at most; of one reason, or of all."""
        ...

    def reasons(self) -> dict[str, int]:
        """How many events are held for each reason."""
        ...

    def forget(self, spots: Iterable[Spot]) -> int:
        """Remove events for good, between lots; gives how many there were.

        Raises:
            TransientError: something of them may still be on the disk; once more finishes it.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
