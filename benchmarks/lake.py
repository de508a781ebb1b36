"""The lake under test: most of the log imported, the newest hundredth appended and not yet compacted."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from benchmarks.log import Log
from benchmarks.ours import Ours
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.govern.files import read_events
from xingji.lake.lake import Lake

TAIL_BATCHES = 5


def open_lake(folder: Path, log: Log) -> Ours:
    """The engine over a lake in `folder`, loaded unless it is there already."""
    done = folder / "loaded.json"
    load_s = None
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lake = new_lake(folder)
        load_s = load(lake, log)
        done.write_text(json.dumps({"import_s": load_s, "rows": log.rows - log.tail_rows}))
    return Ours(new_lake(folder).snapshot(), load_s)


def new_lake(folder: Path) -> Lake:
    """The lake of a folder, made if there is none."""
    return Lake(IcebergLocalStore(folder / "lake"), folder / "prepared")


def load(lake: Lake, log: Log) -> float:
    """Import what is not fresh and append the rest, in TAIL_BATCHES; the seconds that the import took."""
    started = time.perf_counter()
    fresh: list[pa.Table] = []
    left = log.rows - log.tail_rows
    with lake.begin_import("base") as bulk:
        for table in tables(log):
            bulk.add(table.slice(0, left)) if left else None
            fresh += [table.slice(left)] if left < table.num_rows else []
            left = max(left - table.num_rows, 0)
        bulk.finish()
    import_s = time.perf_counter() - started
    tail = pa.concat_tables(fresh, promote_options="default")
    step = -(-tail.num_rows // TAIL_BATCHES)
    for number, start in enumerate(range(0, tail.num_rows, step)):
        lake.append(f"fresh-{number}", tail.slice(start, step))
    return import_s


def tables(log: Log) -> Iterator[pa.Table]:
    """The log as event tables, as a reader of files hands them on."""
    for file in log.files:
        for block in read_events(file):
            yield block.table
