"""Merging while lots go on: every commit takes each merge a step further, as long as the lot is large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xingji.govern.dedup.crowd import crowds
from xingji.govern.dedup.manifest import Entry
from xingji.govern.dedup.merge import Merge
from xingji.govern.dedup.shelf import Shelf
from xingji.model.errors import StorageFullError

WORK_RATE = 4
"""Each merge is taken on by so many times the ids that a lot adds: eight runs are one long before there are
eight more of their kind."""
LEAST_STEP_IDS = 16_384
ROOM = 2
"""A merge begins where the disk has room for so many times what it will take."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A merge under way: what it reads, by number, and what will be there instead."""

    merge: Merge
    inputs: frozenset[int]
    entry: Entry


class Upkeep:
    """The merges under way on a shelf, and those that are finished but not yet named."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._jobs: list[_Job] = []
        self._done: list[_Job] = []

    @property
    def finished(self) -> list[Entry]:
        """The runs that wait to be named, in place of those that went into them."""
        return [job.entry for job in self._done]

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing left to merge or to name."""
        return not (self._jobs or self._done)

    def replaced(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """The entries, with finished merges in place of what went into them."""
        gone = frozenset[int]().union(*(job.inputs for job in self._done))
        return (*(entry for entry in entries if entry.number not in gone), *self.finished)

    def is_busy(self, entry: Entry) -> bool:
        """Whether a merge reads the run."""
        return any(entry.number in job.inputs for job in self._jobs)

    def settle(self) -> None:
        """Note that finished merges were named."""
        self._done = []

    def advance(self, n_new_ids: int) -> None:
        """Begin the merges that are due, and take each a step further, for a lot of so many new ids.

        Raises:
            DamagedFileError: a run to be merged is not what was written.
        """
        self._begin()
        n_ids = max(WORK_RATE * n_new_ids, LEAST_STEP_IDS)
        for job in list(self._jobs):
            try:
                is_finished = job.merge.step(n_ids)
            except StorageFullError:
                # Lots can go on without it; it begins anew when there is room.
                self._drop(job)
                continue
            if is_finished:
                self._jobs.remove(job)
                self._done.append(job)
                self._shelf.n_written += job.entry.n_ids

    def _begin(self) -> None:
        manifest = self._shelf.manifest
        busy = {number for job in (*self._jobs, *self._done) for number in job.inputs}
        for crowd in crowds(manifest.runs, busy, manifest.commits):
            runs = [self._shelf.run(entry) for entry in crowd]
            if self._shelf.free_bytes > ROOM * sum(run.n_bytes for run in runs):
                entry = _merged(crowd, self._shelf.new_number())
                merge = Merge(runs, self._shelf.folder / entry.file)
                self._jobs.append(_Job(merge, frozenset(entry.number for entry in crowd), entry))

    def _drop(self, job: _Job) -> None:
        self._jobs.remove(job)
        job.merge.abandon()

    def abandon(self, is_wanted: Callable[[int], bool] = lambda _: True) -> None:
        """Give up the merges that read any run whose number is wanted, and leave nothing of them."""
        for job in [job for job in self._jobs if any(map(is_wanted, job.inputs))]:
            self._drop(job)
        for job in [job for job in self._done if any(map(is_wanted, job.inputs))]:
            self._done.remove(job)
            self._shelf.discard([job.entry])


def _merged(crowd: list[Entry], number: int) -> Entry:
    """The entry of a run made of several."""
    return Entry(
        number=number,
        n_ids=sum(entry.n_ids for entry in crowd),
        base_us=crowd[0].base_us,
        width_us=crowd[0].width_us,
        tier=max(entry.tier for entry in crowd) + 1,
        commit=max(entry.commit for entry in crowd),
        age_us=max(entry.age_us for entry in crowd),
    )
