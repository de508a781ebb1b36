"""Lots: which entries of the log are taken in together, project by project, and how far the log is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from xingji.ports.event_log import EventLog, LogEntry
from xingji.ports.ledger import Line
from xingji.ports.lot_book import Lot, LotBook

LOT_BYTES = 8 << 20
"""Bodies of one lot: so many that commits are few, so few that a lot is done within a second."""


class TakesEntries(Protocol):
    """Takes the entries of one project in; see `ProjectLoader`."""

    def load(self, lot: int, entries: list[LogEntry]) -> dict[Line, int]:
        """Store what the entries hold, durably, once for a lot."""
        ...


class Loader:
    """Takes the entries of a log in, in order, each in one lot.

    Where a lot ends is noted before it is handled; the newest is handled again after a restart, since nobody
    noted that it was done.
    """

    def __init__(
        self,
        log: EventLog,
        book: LotBook,
        project: Callable[[str], TakesEntries],
        lot_bytes: int = LOT_BYTES,
    ) -> None:
        """`project`: who takes the entries of a project in."""
        self._log, self._book, self._project, self._lot_bytes = log, book, project, lot_bytes
        self._done = 0

    def step(self) -> int:
        """Take the next lot in, or the newest that may not be done; gives how many entries it has, 0 where
        there is nothing new.

        Raises:
            StorageFullError, TransientError: nothing is lost; do it again later.
        """
        newest = self._book.newest()
        if newest is not None and newest.number != self._done:
            return self._take_in(newest, self._entries_of(newest))
        after = newest.last if newest else self._log.first_offset() - 1
        entries = self._log.read(after, self._lot_bytes)
        if not entries:
            return 0
        lot = Lot(newest.number + 1 if newest else 1, after, entries[-1].offset)
        self._book.begin(lot)
        return self._take_in(lot, entries)

    def _entries_of(self, lot: Lot) -> list[LogEntry]:
        """The entries of a lot that was cut earlier, perhaps with another setting."""
        entries: list[LogEntry] = []
        after = lot.after
        while after < lot.last and (more := self._log.read(after, self._lot_bytes)):
            entries += [entry for entry in more if entry.offset <= lot.last]
            after = more[-1].offset
        return entries

    def _take_in(self, lot: Lot, entries: Sequence[LogEntry]) -> int:
        of_project: dict[str, list[LogEntry]] = {}
        for entry in entries:
            of_project.setdefault(entry.batch.project, []).append(entry)
        for project, own in of_project.items():
            self._project(project).load(lot.number, own)
        self._done = lot.number
        return len(entries)


def safe_to_trim(book: LotBook) -> int:
    """The offset up to which every entry is stored, durably: those of the newest lot may not be."""
    newest = book.newest()
    return newest.after if newest else 0
