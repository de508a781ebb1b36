"""Making one run of several, some thousand ids at a time, so that no lot waits for long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xingji.govern.dedup.keys import NO_IDS, Ids
from xingji.govern.dedup.page import PAGE_IDS, pages_for
from xingji.govern.dedup.run import Run
from xingji.govern.dedup.run_writer import RunWriter


class _Cursor:
    """Reads a run from its first id to its last."""

    def __init__(self, run: Run) -> None:
        self._run, self._page = run, 0
        self._held = NO_IDS

    def fill(self, n_pages: int) -> bool:
        """Hold some ids; whether there were any left."""
        if not len(self._held) and self.is_bounded:
            end = min(self._page + n_pages, self._run.n_pages)
            self._held, self._page = self._run.ids(self._page, end), end
        return bool(len(self._held))

    @property
    def is_bounded(self) -> bool:
        """Whether there are more ids than those held: what is beyond them cannot be merged yet."""
        return self._page < self._run.n_pages

    @property
    def last(self) -> tuple[int, int]:
        """The last key held."""
        return int(self._held.high[-1]), int(self._held.low[-1])

    def take(self, bound: tuple[int, int] | None) -> Ids:
        """Let go of the ids up to a bound, or of all that are held."""
        count = len(self._held) if bound is None else self._held.count_up_to(bound)
        taken, self._held = self._held.slice(0, count), self._held.slice(count, len(self._held))
        return taken


class Merge:
    """One run made of several of a slice, without the keys that are to be forgotten."""

    def __init__(self, runs: Sequence[Run], path: Path, forgotten: Ids = NO_IDS) -> None:
        """`forgotten`: in order.

        Raises:
            StorageFullError: the disk has no room; so may every step.
        """
        self.runs, self._forgotten = tuple(runs), forgotten
        self._cursors = [_Cursor(run) for run in runs]
        self._writer = RunWriter(path, runs[0].base_us, sum(run.n_ids for run in runs))

    @property
    def path(self) -> Path:
        """The file of the new run."""
        return self._writer.path

    def step(self, n_ids: int) -> bool:
        """Merge about so many ids more, at most twice as many; whether the new run is finished, and durable.

        Raises:
            DamagedFileError: a run to be merged is not what was written.
        """
        taken = 0
        while self._cursors and taken < n_ids:
            ids = self._next(pages_for(n_ids // len(self._cursors)) or 1)
            taken += len(ids)
            self._writer.add(ids.take(~ids.are_among(self._forgotten)) if len(self._forgotten) else ids)
        return not self._cursors and self._writer.end_some()

    def _next(self, n_pages: int) -> Ids:
        """The ids up to the key beyond which some run would have to be read on."""
        self._cursors = [cursor for cursor in self._cursors if cursor.fill(n_pages)]
        bound = min((cursor.last for cursor in self._cursors if cursor.is_bounded), default=None)
        parts = [part for cursor in self._cursors if len(part := cursor.take(bound))]
        if len(parts) < 2:
            return parts[0] if parts else NO_IDS
        joined = Ids.joined(parts)
        return joined.take(joined.order())

    def finish(self) -> None:
        """Merge all that is left."""
        while not self.step(PAGE_IDS * 512):
            pass

    def abandon(self) -> None:
        """Stop, and leave nothing behind."""
        self._writer.abandon()
