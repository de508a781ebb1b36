"""A log as the reference reads it: one record an event, one record a change of a user."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One event; `seq` is its place in the log."""

    user: str
    event: str
    time_us: int
    seq: int
    properties: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def position(self) -> tuple[int, int]:
        """By what a unit's events are ordered."""
        return self.time_us, self.seq


@dataclass(frozen=True)
class UserChange:
    """From `time_us` on, the user's property has this value (None: it is unset)."""

    user: str
    time_us: int
    name: str
    value: object
