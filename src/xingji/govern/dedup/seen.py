"""The ids that were seen: sorted runs, a small one for each lot, merged so that there are few.

Times are whole seconds of when events were received: an id is a repeat while no more than the horizon lies
between its first copy and this one. Runs hold ids of one day, so that a day beyond the horizon goes whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from xingji.govern.dedup.keys import Keys, Mask
from xingji.govern.dedup.run import Run, sorted_keys
from xingji.model.errors import DamagedFileError
from xingji.ports.local_file import make_folder, replace_synced, when_full

HORIZON_S = 7 * 86_400
_MANIFEST = "seen.json"
_DAY_S = 86_400
_FAN = 8
"""So many runs of like size become one: an id is written again once for each power of eight."""


class _Listed(msgspec.Struct):
    """A run of the manifest: its file, the day of its ids, how often it was merged, and the lot it is of
    where that is one alone."""

    name: str
    day: int
    tier: int = 0
    lot: int = 0


class _Manifest(msgspec.Struct):
    lot: int = 0
    next_number: int = 1
    latest_s: int = 0
    runs: list[_Listed] = []


class SeenIds:
    """The ids of one project in a folder; stands at the last lot that was committed, whatever happened."""

    def __init__(self, folder: Path, horizon_s: int = HORIZON_S) -> None:
        """Raises DamagedFileError for a manifest or a run that is not what was written."""
        make_folder(folder)
        self._folder, self._horizon_s = folder, horizon_s
        self._manifest = self._read_manifest()
        self._runs = {listed.name: Run(folder / listed.name) for listed in self._manifest.runs}
        self._remove_strays()
        self._fresh: dict[int, Keys] = {}

    @property
    def lot(self) -> int:
        """The last lot that was committed; 0: none yet."""
        return self._manifest.lot

    @property
    def n_ids(self) -> int:
        """Ids held, those beyond the horizon included as long as their day is."""
        return sum(run.n_keys for run in self._runs.values())

    @property
    def n_bytes(self) -> int:
        """What the runs take on disk."""
        return sum(run.n_bytes for run in self._runs.values())

    def split(self, lot: int, ids: Sequence[bytes], received_s: Sequence[int]) -> Mask:
        """Which events of a lot are no repeats (`bool[n]`): of copies within the horizon the first is kept.

        `ids`: 16 bytes each, in log order. A lot that was committed already gets the answer that it got then.
        Ask once a lot, and `commit` it before the next.
        """
        if not ids:
            return np.zeros(0, np.bool_)
        keys = Keys.of(ids, received_s)
        seen_s = np.full(len(keys), -1, np.int64)
        for listed in self._manifest.runs:
            if listed.lot != lot:  # what the lot itself left before a crash is not "seen before"
                seen_s = np.maximum(seen_s, self._runs[listed.name].latest_s(keys))
        fresh = (seen_s < 0) | (keys.received_s.astype(np.int64) - seen_s > self._horizon_s)
        fresh &= self._first_within(keys, fresh)
        self._fresh = {lot: keys.take(fresh)}
        return fresh

    def _first_within(self, keys: Keys, fresh: Mask) -> Mask:
        """Of copies within a lot, those that are the first, or beyond the horizon of the one kept before."""
        places = np.flatnonzero(fresh)
        chosen = keys.take(places)
        order = np.lexsort((places, chosen.low, chosen.high))
        repeats = chosen.take(order).repeats_before()
        kept = fresh.copy()
        if not repeats.any():
            return kept
        last_s = 0
        for at, repeat in zip(places[order].tolist(), repeats.tolist(), strict=True):
            now_s = int(keys.received_s[at])
            if repeat and now_s - last_s <= self._horizon_s:
                kept[at] = False
            else:
                last_s = now_s
        return kept

    def commit(self, lot: int) -> None:
        """Make the lot's fresh ids durable; a lot that is committed already changes nothing."""
        keys = self._fresh.pop(lot, Keys.of([], []))
        if lot <= self._manifest.lot:
            return
        manifest = msgspec.convert(msgspec.to_builtins(self._manifest), _Manifest)
        manifest.lot = lot
        for day in np.unique(keys.received_s // _DAY_S).tolist():
            mine = sorted_keys(keys.take(keys.received_s // _DAY_S == day))
            self._add(manifest, mine, _Listed("", day, 0, lot))
        self._merge(manifest)
        self._drop_days(manifest)
        manifest.latest_s = max(manifest.latest_s, int(keys.received_s.max(initial=0)))
        self._swap(manifest)

    def _add(self, manifest: _Manifest, keys: Keys, listed: _Listed) -> None:
        listed.name = f"{manifest.next_number:010d}.run"
        manifest.next_number += 1
        (self._folder / listed.name).unlink(missing_ok=True)
        self._runs[listed.name] = Run.write(self._folder / listed.name, keys)
        manifest.runs.append(listed)

    def _merge(self, manifest: _Manifest) -> None:
        """Make one run of many of a day and tier; not of the newest lot's, which a repeat asks for."""
        while True:
            old = [listed for listed in manifest.runs if listed.lot != manifest.lot]
            old.sort(key=lambda listed: (listed.day, listed.tier))
            groups = itertools.groupby(old, key=lambda listed: (listed.day, listed.tier))
            crowded = next((found for _, group in groups if len(found := list(group)) >= _FAN), None)
            if crowded is None:
                return
            merged = sorted_keys(Keys.joined([self._runs[listed.name].keys for listed in crowded]))
            manifest.runs = [listed for listed in manifest.runs if listed not in crowded]
            self._add(manifest, merged, _Listed("", crowded[0].day, crowded[0].tier + 1))

    def _drop_days(self, manifest: _Manifest) -> None:
        """Let go of days that no event can be a repeat of: those that were too old before this lot, less one,
        so that the lot gets the same answers should it come again, and so does one with an earlier clock."""
        oldest = (manifest.latest_s - self._horizon_s) // _DAY_S - 1
        manifest.runs = [listed for listed in manifest.runs if listed.day >= oldest]

    def _swap(self, manifest: _Manifest) -> None:
        """Put a manifest in force, durably, and let go of what it does not name."""
        with when_full(self._folder, "note which ids were seen"):
            replace_synced(self._folder / _MANIFEST, msgspec.json.encode(manifest))
        self._manifest = manifest
        named = {listed.name for listed in manifest.runs}
        self._runs = {name: run for name, run in self._runs.items() if name in named}
        self._remove_strays()

    def _remove_strays(self) -> None:
        for path in self._folder.glob("*.run"):
            if path.name not in self._runs:
                path.unlink()

    def forget(self, ids: Sequence[bytes]) -> None:
        """Take ids out of every run, durably; nothing is left of them on the disk when it returns."""
        gone = Keys.of(ids, [0] * len(ids))
        manifest = msgspec.convert(msgspec.to_builtins(self._manifest), _Manifest)
        for listed in list(manifest.runs):
            keys = self._runs[listed.name].keys
            left = ~_are_among(keys, gone)
            if not left.all():
                manifest.runs.remove(listed)
                self._add(manifest, keys.take(left), _Listed("", listed.day, listed.tier, listed.lot))
        self._swap(manifest)

    def check(self) -> None:
        """Raise DamagedFileError for the first run whose content is not what was written."""
        for run in self._runs.values():
            run.check()

    def _read_manifest(self) -> _Manifest:
        path = self._folder / _MANIFEST
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Manifest)
        except FileNotFoundError:
            return _Manifest()
        except (msgspec.DecodeError, msgspec.ValidationError) as fault:
            raise DamagedFileError(str(path), str(fault)) from fault


def _are_among(keys: Keys, others: Keys) -> Mask:
    """Which of some keys have the id of one of the others."""
    pair = np.dtype([("high", np.uint64), ("low", np.uint64)])
    mine, theirs = np.empty(len(keys), pair), np.empty(len(others), pair)
    for name in ("high", "low"):
        mine[name], theirs[name] = getattr(keys, name), getattr(others, name)
    return np.isin(mine, theirs)
