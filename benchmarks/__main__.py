"""`python -m benchmarks --size 20m`: every question to the engine and its peers, the answers compared, the times written."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.log import make_log, parse_size
from benchmarks.report import compare, table, write_results

RESULTS = Path(__file__).parent / "results"
_CONSOLE = Console(stderr=True)


def main() -> None:
    """Run what the command line asks for."""
    chosen = _arguments()
    home = chosen.cache / chosen.size
    log = make_log(home / "log", parse_size(chosen.size), _CONSOLE.log)
    subject = "arrays" if chosen.in_memory else "lake"
    engines = [subject, *([] if chosen.ours_only else ["chdb", "duckdb"])]
    found = {engine: run_engine(engine, home, chosen) for engine in engines}
    rows = compare(log, found[subject], {name: found[name] for name in engines[1:]})
    if not chosen.cases and not chosen.ours_only:
        write_results(RESULTS / ("in_memory.json" if chosen.in_memory else "latest.json"), rows)
    Console().print(table(rows))
    sys.exit(0 if all(row["equal"] is not False for row in rows) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", default="20m", help="events in the log: 2m, 5m, 20m, 50m (default 20m)")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where logs and tables are kept")
    parser.add_argument("--in-memory", action="store_true", help="ask over mapped arrays instead of the lake")
    parser.add_argument(
        "--ours-only", action="store_true", help="leave the peers out; compares and writes nothing"
    )
    parser.add_argument(
        "--repeats", type=int, default=5, help="the best of so many warm times counts (default 5)"
    )
    parser.add_argument(
        "--patience", type=float, default=5, help="seconds each engine may wait for a calm machine"
    )
    names = [case.name for case in CASES]
    parser.add_argument(
        "--cases", nargs="*", default=[], choices=names, metavar="CASE", help=", ".join(names)
    )
    return parser.parse_args()


def default_cache() -> Path:
    """The user's cache folder, outside the source tree."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xingji-bench"


def run_engine(engine: str, home: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """What an engine answered, from a process of its own, so that none lives with another's memory and threads."""
    with tempfile.TemporaryDirectory() as folder, _CONSOLE.status(f"asking {engine}"):
        out = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.worker", engine, "--home", str(home), "--out", str(out)]
        command += ["--repeats", str(chosen.repeats), "--patience", str(chosen.patience)]
        command += ["--cases", *chosen.cases] if chosen.cases else []
        subprocess.run(command, check=True)
        return json.loads(out.read_text())  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
