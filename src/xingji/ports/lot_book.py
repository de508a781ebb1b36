"""The port to the book of lots: which entries of the log are handled together, noted before they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lot:
    """The entries with offsets in (`after`, `last`]; numbers rise by one from 1."""

    number: int
    after: int
    last: int


class LotBook(Protocol):
    """Says where the newest lot begins and ends, so that it is cut the same way after a crash."""

    def newest(self) -> Lot | None:
        """The lot that was begun last, perhaps not yet done; all before it are. None before the first."""
        ...

    def begin(self, lot: Lot) -> None:
        """Note durably that the newest lot is done and that this one begins.

        Raises:
            FieldError: it does not follow the newest: its number is not the next, or it leaves entries out.
            StorageFullError: the disk has no room; nothing was noted.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
