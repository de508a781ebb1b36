"""The ids that were seen: sorted runs in a folder, a small one for each lot, merged as more of them come.

An event is a repeat where a stored copy of its id was received within the horizon of it, before or after. A
run holds the ids of one slice of received time, an eighth of the horizon: no id is twice in it, and what is
too old goes as whole files. A manifest names the runs, put in place by one rename when they are durable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from xingji.govern.dedup.crowd import tier_of
from xingji.govern.dedup.keys import NO_KEYS, Ids, Int64s, Mask, Uint64s
from xingji.govern.dedup.look_up import find
from xingji.govern.dedup.lot import first_copies
from xingji.govern.dedup.manifest import Entry, Manifest
from xingji.govern.dedup.merge import Merge
from xingji.govern.dedup.page import LONGEST_SLICE_US
from xingji.govern.dedup.shelf import Shelf
from xingji.govern.dedup.upkeep import Upkeep
from xingji.model.errors import FieldError

DAY_US = 86_400_000_000
HORIZON_US = 7 * DAY_US
LATE_US = DAY_US
SLICES = 8
"""So many slices make up the horizon."""
LEAPS = 28
"""From one lot to the next, ids become older by at most this fraction of the horizon."""


@dataclass(frozen=True, slots=True)
class _Lot:
    """A lot between its split and its commit: what is to be stored of it, and its latest received time."""

    number: int
    fresh: Ids
    latest_us: int | None


class SeenIds:
    """The ids of a project's stored events, in a folder of its own; for one thread at a time.

    Each lot is split once, and committed when its fresh events are stored or sure to be.
    """

    def __init__(self, folder: Path, horizon_us: int = HORIZON_US, late_us: int = LATE_US) -> None:
        """Opens the folder as the last commit left it, whatever happened since.

        `late_us`: an event received so much before the latest is still compared with all copies within its
        horizon: clocks are put right, and quarantined events come again under their first received time.

        Raises:
            BusyError: another process has it open.
            DamagedFileError: the manifest, or a run's header or index, is not what was written.
        """
        self._horizon_us, self._kept_us = horizon_us, horizon_us + late_us
        self._slice_us = min(max(horizon_us // SLICES, 1), LONGEST_SLICE_US)
        self._shelf = Shelf(folder)
        self._upkeep = Upkeep(self._shelf)
        self._pending: _Lot | None = None

    def close(self) -> None:
        """Let go of the folder; what was split and not committed is gone, and merges will begin anew."""
        self._upkeep.abandon()
        self._shelf.close()

    @property
    def lot(self) -> int | None:
        """The last lot that was committed; None before the first."""
        return self._shelf.manifest.lot

    @property
    def n_ids(self) -> int:
        """How many ids are held; some may be older than they need be."""
        return sum(entry.n_ids for entry in self._shelf.manifest.runs)

    @property
    def n_runs(self) -> int:
        """In how many runs an id is looked for."""
        return len(self._shelf.manifest.runs)

    @property
    def n_written(self) -> int:
        """How many ids were written since it was opened, each as often as it was, merges included."""
        return self._shelf.n_written

    @property
    def bytes_on_disk(self) -> int:
        """What the files take, unfinished ones and those not yet removed included."""
        return self._shelf.n_bytes

    def split(self, lot: int, keys: Uint64s, received_us: Int64s) -> Mask:
        """Which events of a lot are to be stored (`bool[n]`): of copies within the horizon, the first.

        `lot`: above the last one committed; or that one again, which gets the answer that it got then.
        `keys: uint64[n, 2]`, `received_us: int64[n]`, in the order of the log: of the events that will be
        stored unless they are repeats, so of no quarantined ones. Nothing is changed before `commit`.

        Raises:
            FieldError: the lot is below the last one committed.
            DamagedFileError: a page that had to be read is not what was written.
        """
        if self.lot is not None and lot < self.lot:
            raise FieldError("lot", lot, f"{self.lot}, the last one committed, or above")
        ids = Ids(keys[:, 0], keys[:, 1], received_us)
        order = ids.order()
        ids = ids.take(order)
        fresh = first_copies(ids, self._seen_before(lot, ids), self._horizon_us)
        self._pending = _Lot(lot, ids.take(fresh), int(received_us.max()) if len(ids) else None)
        answer = np.empty(len(ids), np.bool_)
        answer[order] = fresh
        return answer

    def _seen_before(self, lot: int, ids: Ids) -> Mask:
        """Which ids earlier lots stored within the horizon of them."""
        seen = np.zeros(len(ids), np.bool_)
        if not len(ids):
            return seen
        first_us = int(ids.received_us.min()) - self._horizon_us
        last_us = int(ids.received_us.max()) + self._horizon_us
        manifest = self._shelf.manifest
        is_again = lot == manifest.lot
        runs = [
            self._shelf.run(entry)
            for entry in manifest.runs
            if entry.base_us <= last_us
            and first_us < entry.base_us + entry.width_us
            and not (is_again and entry.commit == manifest.commits)
        ]
        found = find(runs, ids)
        is_near = np.abs(ids.received_us[found.places] - found.received_us) <= self._horizon_us
        seen[found.places[is_near]] = True
        return seen

    def commit(self, lot: int, unstored: Uint64s = NO_KEYS) -> None:
        """Note durably that the lot's fresh events are stored, but for some (`unstored: uint64[n, 2]`, their
        keys); to do so once more is no harm.

        Raises:
            FieldError: the lot is not the one that was split last.
            StorageFullError: the disk has no room; nothing is changed, and it can be tried again.
            DamagedFileError: a run that was being merged is not what was written; nothing is changed.
        """
        pending = self._pending
        if pending is None or pending.number != lot:
            allowed = "a lot that was split" if pending is None else f"{pending.number}, the one split last"
            raise FieldError("lot", lot, allowed)
        if lot != self.lot:
            self._upkeep.advance(len(pending.fresh))
            without = Ids(unstored[:, 0], unstored[:, 1], np.zeros(len(unstored), np.int64))
            stored = pending.fresh.take(~pending.fresh.are_among(without)) if len(without) else pending.fresh
            self._commit(_Lot(lot, stored, pending.latest_us))
        self._pending = None

    def _commit(self, lot: _Lot) -> None:
        """Write the lot's runs, and name them and the merges that are finished."""
        before = self._shelf.manifest
        age = before.age
        if lot.latest_us is not None:
            age = age.after(lot.latest_us, max(self._horizon_us // LEAPS, 1))
        added: list[Entry] = []
        try:
            for base_us, ids in self._slices(lot.fresh):
                number, tier = self._shelf.new_number(), tier_of(len(ids))
                commit = before.commits + 1
                added.append(Entry(number, len(ids), base_us, self._slice_us, tier, commit, age.age_us))
                self._shelf.write(added[-1], ids)
            now = replace(before, lot=lot.number, commits=before.commits + 1, age=age)
            self._name(replace(now, runs=(*self._kept(), *added)), added)
        except BaseException:
            self._shelf.discard(added)
            raise

    def _slices(self, ids: Ids) -> Iterator[tuple[int, Ids]]:
        """The ids of each slice of received time, with its beginning."""
        bases_us = ids.received_us - ids.received_us % self._slice_us
        for base_us in np.unique(bases_us).tolist():
            yield base_us, ids.take(bases_us == base_us)

    def _kept(self) -> tuple[Entry, ...]:
        """The runs after merges, without those that are too old for any event that may still come."""
        # By the age before this lot: were the lot asked again, what it was compared with must still be there.
        manifest = self._shelf.manifest
        return tuple(
            entry
            for entry in self._upkeep.replaced(manifest.runs)
            if manifest.age.age_us - entry.age_us <= self._kept_us or self._upkeep.is_busy(entry)
        )

    def _name(self, manifest: Manifest, added: list[Entry]) -> None:
        kept = {entry.number for entry in manifest.runs}
        merged = [entry for entry in self._upkeep.finished if entry.number in kept]
        self._shelf.name(manifest, [*merged, *added])
        self._shelf.discard(entry for entry in self._upkeep.finished if entry.number not in kept)
        self._upkeep.settle()
        self._shelf.remove_unnamed()

    def tidy(self) -> bool:
        """Take merges a step further, for whoever has nothing else to do; whether there is more to be done.

        Raises:
            DamagedFileError: a run that was being merged is not what was written.
        """
        self._upkeep.advance(0)
        if self._upkeep.finished:
            manifest = self._shelf.manifest
            self._name(replace(manifest, runs=self._upkeep.replaced(manifest.runs)), [])
        self._shelf.remove_unnamed()
        return not self._upkeep.is_idle

    def forget(self, keys: Uint64s) -> int:
        """Take ids (`uint64[n, 2]`) out of every file, durably, between lots; how many there were.

        Done again after a crash, it does what is left to be done. The lot before it is not to be asked again:
        its repeats of forgotten ids would be fresh.

        Raises:
            StorageFullError: the disk has no room for another copy of a run; nothing is changed.
            DamagedFileError: a run that had to be read is not what was written; nothing is changed.
        """
        ids = Ids(keys[:, 0], keys[:, 1], np.zeros(len(keys), np.int64))
        ids = ids.take(ids.order())
        ids = ids.take(~ids.repeats())
        found = self._counts(ids)
        self._pending = None
        self._upkeep.abandon(found.__contains__)
        manifest = self._shelf.manifest
        rewritten: list[Entry] = []
        try:
            for entry in manifest.runs:
                if n_left := entry.n_ids - found.get(entry.number, entry.n_ids):
                    rewritten.append(self._rewrite(entry, ids, n_left))  # noqa: PERF401 (kept if the next fails)
            left = (entry for entry in manifest.runs if entry.number not in found)
            now = replace(manifest, runs=(*self._upkeep.replaced(tuple(left)), *rewritten))
            self._name(now, rewritten)
        except BaseException:
            self._shelf.discard(rewritten)
            raise
        self._shelf.remove_all_unnamed()
        return sum(found.values())

    def _counts(self, ids: Ids) -> dict[int, int]:
        """In which runs there are any of the ids, by number, and how many."""
        entries = self._shelf.manifest.runs
        found = find([self._shelf.run(entry) for entry in entries], ids)
        return Counter(entries[at].number for at in found.runs.tolist())

    def _rewrite(self, entry: Entry, forgotten: Ids, n_left: int) -> Entry:
        """A durable run of what is left of one."""
        fresh = replace(entry, number=self._shelf.new_number(), n_ids=n_left)
        merge = Merge([self._shelf.run(entry)], self._shelf.folder / fresh.file, forgotten)
        try:
            merge.finish()
        except BaseException:
            merge.abandon()
            raise
        self._shelf.n_written += n_left
        return fresh

    def check(self) -> None:
        """Read everything.

        Raises:
            DamagedFileError: the first run found that is not what was written, named.
        """
        for entry in self._shelf.manifest.runs:
            self._shelf.run(entry).check()
