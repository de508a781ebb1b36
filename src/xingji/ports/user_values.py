"""The port to users' properties as they are now, which operations such as an increment build on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Values = Mapping[str, Any]
"""A user's properties by name; values as JSON has them."""


class UserValues(Protocol):
    """Kept lot by lot: a lot that comes again finds what it found at first."""

    @property
    def lot(self) -> int:
        """The last lot that was committed; 0 before the first."""
        ...

    def before(self, lot: int, users: Iterable[str]) -> dict[str, Values]:
        """The properties that users had before a lot: the one after the last committed, or the last again.

        Users of whom nothing is known are left out.
        """
        ...

    def commit(self, lot: int, changed: Mapping[str, Values]) -> None:
        """Keep, durably, all properties of the users whom a lot changed; once more is no harm.

        Raises:
            FieldError: the lot is below the last one committed.
            StorageFullError: the disk has no room; nothing was changed.
        """
        ...

    def forget(self, users: Iterable[str]) -> None:
        """Remove users for good, between lots.

        Raises:
            TransientError: something of them may still be on the disk; once more finishes it.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
