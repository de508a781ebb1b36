"""`python -m benchmarks.loading`: how fast `xingji import` loads the simulated bank, and an event's bytes.

The bank carries every property of its tracking plan and random event ids; both formats are loaded by the
command line as a user would, so that the start of the process counts too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.columns import parquet_bytes, per_event, prepared_bytes
from benchmarks.log import DAYS, TODAY, parse_size

RESULT = Path(__file__).parent / "results" / "loading.json"
_XINGJI = Path(sys.executable).parent / "xingji"


def main() -> None:
    """Load the bank from both formats and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--size", default="12m", help="events in the Parquet file (default 12m)")
    parser.add_argument("--ndjson", default="2m", help="events in the NDJSON file (default 2m)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "parquet": _load(Path(folder), "bank.parquet", parse_size(chosen.size)),
            "ndjson": _load(Path(folder), "bank.ndjson", parse_size(chosen.ndjson)),
        }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    for name, one in found.items():
        _show(name, one)


def _load(folder: Path, name: str, events: int) -> dict[str, Any]:
    file, home = folder / name, folder / f"home-{name}"
    _say(
        ["simulate", "--events", str(events), "--days", str(DAYS), "--today", str(TODAY), "--out", str(file)],
        home,
    )
    started = time.perf_counter()
    said = _say(["import", "--json", str(file)], home)
    seconds = time.perf_counter() - started
    rows = json.loads(said.splitlines()[-1])["stored"]
    (events_folder,) = home.rglob("warehouse/events/data")
    (prepared,) = home.rglob("prepared")
    stored = parquet_bytes(events_folder)
    return {
        "rows": rows,
        "seconds": round(seconds, 3),
        "events_per_s": round(rows / seconds),
        "bytes_an_event": round(sum(stored.values()) / rows, 2),
        "columns": {name: round(n, 3) for name, n in per_event(stored, rows)},
        "prepared": {name: round(n, 3) for name, n in per_event(prepared_bytes(prepared), rows)},
    }


def _say(words: list[str], home: Path) -> str:
    environment = {**os.environ, "XINGJI_HOME": str(home), "XINGJI_THREADS": "2"}
    done = subprocess.run([_XINGJI, *words], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def _show(name: str, one: dict[str, Any]) -> None:
    console = Console()
    console.print(
        f"{name}: {one['rows']:,} events in {one['seconds']:.1f} s, {one['events_per_s']:,} a second"
    )
    shown = Table(title=f"{one['bytes_an_event']} bytes an event in the lake", title_justify="left")
    shown.add_column("column")
    shown.add_column("bytes", justify="right")
    for column, size in list(one["columns"].items())[:25]:
        shown.add_row(column, f"{size:.2f}")
    console.print(shown)


if __name__ == "__main__":
    main()
