"""`python -m benchmarks.commits`: a day of appends to a lake, what each costs, and how long its tail gets.

Every ten seconds a batch of the simulated bank's events arrives; after each, the small files of the tail are
merged when they are many, and every hour what nobody needs is collected, as a server would do. Then appends
go on beside the largest merge there is, done by another thread and by another process.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.log import TODAY
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake.lake import Lake
from xingji.lake.tail import CROWDED, MERGED_ROWS
from xingji.loan import Simulation, SimulationConfig
from xingji.model.event_table import EVENT, EVENT_ID, PREFIX, RECEIVED_AT, TIME, USER
from xingji.ports.lake_store import LakeTable

RESULT = Path(__file__).parent / "results" / "commits.json"
ROUNDS = 6
"""So many merges are appended beside, by each kind of helper."""
PAUSE_SECONDS = 0.02
_OWN = {USER, EVENT, TIME, EVENT_ID, RECEIVED_AT}


def main() -> None:
    """Append for a day and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits", description=__doc__)
    parser.add_argument("--commits", type=int, default=8_640, help="appends (default: one every ten seconds)")
    parser.add_argument("--events", type=int, default=200, help="events in each (default 200)")
    parser.add_argument("--merge", type=Path, metavar="HOME", help="only merge the tail of the lake there")
    chosen = parser.parse_args()
    if chosen.merge:
        lake = _open(chosen.merge)
        print("ready", flush=True)
        lake.merge_tails()
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.commits, chosen.events)
        for helper in (Thread, Process):
            found |= beside(Path(folder), helper, chosen.events)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def measure(folder: Path, commits: int, events: int) -> dict[str, Any]:
    """Milliseconds of appends and merges, and the files of the tail."""
    lake = _open(folder)
    store = lake.store
    batches = cycle(_batches(events))
    appends, merges, files = [], [], []
    for number in range(commits):
        appends.append(_seconds(lambda number=number: lake.append(f"batch {number}", next(batches))))
        before = store.version().number
        seconds = _seconds(lake.merge_tails)
        if store.version().number > before:
            merges.append(seconds)
        files.append(len(store.version().of(LakeTable.EVENTS_TAIL)))
        if number % 360 == 359:
            lake.collect()
    return {
        "commits": commits,
        "events_each": events,
        "append_ms": _spread(appends),
        "append_ms_last_hour": _spread(appends[-360:]),
        "merges": len(merges),
        "merge_ms": _spread(merges),
        "tail_files_at_most": max(files),
    }


def beside(folder: Path, helper: type[Thread | Process], events: int) -> dict[str, Any]:
    """Milliseconds of appends while a helper merges as many rows as are ever merged at once."""
    batches, seconds = _batches(events), []
    for number in range(ROUNDS):
        home = folder / f"{helper.__name__} {number}"
        lake = _crowded(home, batches)
        merge = helper(home, lake)
        while merge.goes_on():
            seconds.append(_seconds(partial(lake.append, f"beside {len(seconds)}", batches[0])))
            time.sleep(PAUSE_SECONDS)
        shutil.rmtree(home)
    return {f"append_beside_{helper.__name__.lower()}_ms": _spread(seconds)}


def _crowded(home: Path, batches: list[pa.Table]) -> Lake:
    """A lake whose tail has as many files as are merged, and together as many rows."""
    lake, rows = _open(home), MERGED_ROWS // CROWDED
    large = pa.concat_tables(batches).combine_chunks()
    assert large.num_rows >= rows
    for number in range(CROWDED):
        lake.append(f"large {number}", large.slice(0, rows))
    return lake


class Thread:
    """A merge in this process."""

    def __init__(self, _: Path, lake: Lake) -> None:
        self._thread = threading.Thread(target=lake.merge_tails)
        self._thread.start()

    def goes_on(self) -> bool:
        return self._thread.is_alive()


class Process:
    """A merge in another process."""

    def __init__(self, home: Path, _: Lake) -> None:
        command = [sys.executable, "-m", "benchmarks.commits", "--merge", str(home)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout
        self._process.stdout.readline()

    def goes_on(self) -> bool:
        return self._process.poll() is None


def _open(home: Path) -> Lake:
    return Lake(IcebergLocalStore(home / "lake"), home / "prepared")


def _batches(events: int) -> list[pa.Table]:
    bank = Simulation(SimulationConfig(today=TODAY, events=50_000, days=30)).event_batches()
    table = pa.Table.from_batches(bank).unify_dictionaries()
    named = [name if name in _OWN else PREFIX + name for name in table.schema.names]
    table = table.rename_columns(named)
    return [table.slice(at, events) for at in range(0, table.num_rows - events, events)]


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    shares = {"median": 50, "p99": 99, "most": 100}
    return {name: round(float(np.percentile(seconds, share)) * 1e3, 1) for name, share in shares.items()}


if __name__ == "__main__":
    main()
