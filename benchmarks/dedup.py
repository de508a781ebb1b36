"""`python -m benchmarks.dedup`: what it costs to know event ids again, with ten million of them or a hundred.

Ids are random, and spread over seven days of received time. They come through `split` and `commit`, as those
of a loader do, until there are enough; the folder is kept, and the next run goes on from it. Then lots of
3,000 are timed: new ones while merges go on, new ones when those are done, and repeats.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.__main__ import default_cache
from benchmarks.log import parse_size
from benchmarks.report import write_json
from xingji.govern.dedup import HORIZON_US, SeenIds
from xingji.govern.dedup.keys import Int64s, Uint64s

RESULTS = Path(__file__).parent / "results"
START_US = 1_780_000_000_000_000
LOT_IDS, FIRST_LOT_IDS = 3_000, 30_000
"""Ids of a lot that is timed, and of one that is not."""
SAMPLE = 400
"""So many lots of each kind are timed."""
_CONSOLE = Console(stderr=True)


def main() -> None:
    """Fill, measure, and write what was found."""
    chosen = _arguments()
    folder = chosen.cache / f"dedup-{chosen.size}"
    if chosen.afresh:
        shutil.rmtree(folder, ignore_errors=True)
    before = memory_bytes()
    started = time.perf_counter()
    run = Run(folder, parse_size(chosen.size))
    opened_s = time.perf_counter() - started
    if not run.fill(chosen.seconds):
        _CONSOLE.print(f"{run.seen.n_ids:,} ids after {chosen.seconds} s; the next run goes on from here")
        run.close()
        sys.exit(3)
    found = {"ids": run.seen.n_ids, "opened_with_all_s": round(opened_s, 3)} | run.measure()
    held = memory_bytes()
    found |= {f"{name}_mb": round((held[name] - before[name]) / 1e6, 1) for name in held}
    run.close()
    write_json(RESULTS / f"dedup-{chosen.size}.json", found)
    print(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dedup", description=__doc__)
    parser.add_argument("--size", default="10m", help="ids that are there: 10m, 100m (default 10m)")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where they are kept")
    parser.add_argument("--seconds", type=float, default=3_600, help="how long to fill, at most, in one run")
    parser.add_argument("--afresh", action="store_true", help="begin with none")
    return parser.parse_args()


def memory_bytes() -> dict[str, int]:
    """What is resident of this process: private memory, and files that are mapped."""
    with open("/proc/self/smaps_rollup") as file:
        kilobytes = {line.split()[0]: int(line.split()[1]) for line in file if line.endswith("kB\n")}
    private = kilobytes["Anonymous:"] * 1024
    return {"private": private, "mapped": kilobytes["Rss:"] * 1024 - private}


def lot_keys(lot: int, n_ids: int) -> Uint64s:
    """The keys of a lot, the same whenever they are asked for."""
    return np.random.default_rng(lot).integers(0, 2**64, (n_ids, 2), dtype=np.uint64)


class Run:
    """One folder of ids, and how many ids were written to reach its state."""

    def __init__(self, folder: Path, n_ids: int) -> None:
        self.seen = SeenIds(folder / "seen")
        self._note = folder / "written.json"
        self._written = json.loads(self._note.read_text()) if self._note.exists() else 0
        self._n_ids = n_ids

    def close(self) -> None:
        """Let go of the folder, and note what was written."""
        self._note.write_text(json.dumps(self._written + self.seen.n_written))
        self.seen.close()

    @property
    def _next(self) -> int:
        return 0 if self.seen.lot is None else self.seen.lot + 1

    def fill(self, seconds: float) -> bool:
        """Add lots until there are enough ids; whether there are."""
        until = time.perf_counter() + seconds
        while self.seen.n_ids < self._n_ids and time.perf_counter() < until:
            lot = self._next
            keys = lot_keys(lot, FIRST_LOT_IDS)
            assert self.seen.split(lot, keys, self._received_us(FIRST_LOT_IDS)).all()
            self.seen.commit(lot)
            if lot % 200 == 0:
                _CONSOLE.log(f"{self.seen.n_ids:,} ids, {self.seen.n_runs} runs")
        return self.seen.n_ids >= self._n_ids

    def _received_us(self, n: int) -> Int64s:
        """When the next ids are received: time goes on as ids come, a horizon for all of them."""
        return np.full(n, START_US + self.seen.n_ids * HORIZON_US // self._n_ids)

    def measure(self) -> dict[str, Any]:
        """Times of splits and commits, in ms and µs an id, and what is on the disk."""
        filled = self._next
        splits, commits = self._live()
        found = {"runs_live": self.seen.n_runs}
        found |= {"split_live": _spread(splits), "commit_live": _spread(commits)}
        while self.seen.tidy():
            pass
        dice = np.random.default_rng(0)
        old = dice.integers(filled * 3 // 4, filled, SAMPLE)
        found |= {
            "runs_tidy": self.seen.n_runs,
            "split_new": self._splits(lambda at: lot_keys(1_000_000 + at, LOT_IDS), True),
            "split_repeats": self._splits(lambda at: lot_keys(int(old[at]), FIRST_LOT_IDS)[:LOT_IDS], False),
            "bytes_an_id": round(self.seen.bytes_on_disk / self.seen.n_ids, 2),
            "times_written": round((self._written + self.seen.n_written) / self.seen.n_ids, 2),
        }
        return found

    def _live(self) -> tuple[list[float], list[float]]:
        """Seconds of splits and commits of new lots, each followed by the next."""
        splits, commits = [], []
        for _ in range(SAMPLE):
            lot = self._next
            keys, received_us = lot_keys(lot, LOT_IDS), self._received_us(LOT_IDS)
            splits.append(_seconds(lambda: self.seen.split(lot, keys, received_us)))  # noqa: B023 (called at once)
            commits.append(_seconds(lambda: self.seen.commit(lot)))  # noqa: B023
        return splits, commits

    def _splits(self, keys_of: Callable[[int], Uint64s], are_new: bool) -> dict[str, float]:
        """Splits that are not committed, on one core; whether the answers are right is checked."""
        received_us, seconds, cpu_s = self._received_us(LOT_IDS), list[float](), 0.0
        for at in range(SAMPLE):
            keys = keys_of(at)
            started, cpu_started_s = time.perf_counter(), time.process_time()
            fresh = self.seen.split(self._next, keys, received_us)
            seconds.append(time.perf_counter() - started)
            cpu_s += time.process_time() - cpu_started_s
            assert fresh.all() if are_new else not fresh.any()
        return _spread(seconds) | {"cpu_us_an_id": round(cpu_s * 1e6 / SAMPLE / LOT_IDS, 2)}


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _spread(seconds: list[float]) -> dict[str, float]:
    """Milliseconds of a lot, and microseconds an id at the median."""
    shares = {"median_ms": 50, "p99_ms": 99, "most_ms": 100}
    found = {name: round(float(np.percentile(seconds, share)) * 1e3, 2) for name, share in shares.items()}
    return found | {"us_an_id": round(float(np.median(seconds)) * 1e6 / LOT_IDS, 2)}


if __name__ == "__main__":
    main()
