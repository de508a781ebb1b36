"""`python -m benchmarks --size 20m`: questions to the engine and its peers, answers compared, times kept."""

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

from benchmarks.bandwidth import least_bytes, triad_bytes_per_s
from benchmarks.cases import CASES
from benchmarks.log import make_log, parse_size
from benchmarks.report import compare, run_facts, show_facts, table, write_json
from benchmarks.scaling import FIXED_SIZE, SIZES, scaling, scaling_table

RESULTS = Path(__file__).parent / "results"
_CONSOLE = Console(stderr=True)


def main() -> None:
    """Run what the command line asks for."""
    chosen = _arguments()
    sys.exit(_scale(chosen) if chosen.scaling else _compare(chosen))


def _compare(chosen: argparse.Namespace) -> int:
    home = chosen.cache / chosen.size
    log = make_log(home / "log", parse_size(chosen.size), _CONSOLE.log)
    engines = ["lake", *([] if chosen.ours_only else ["chdb", "duckdb"])]
    found = {engine: run_engine(engine, home, chosen) for engine in engines}
    bytes_per_s = triad_bytes_per_s()
    least = least_bytes(log.rows, log.rows_of_events())
    rows = compare(log, found["lake"], {name: found[name] for name in engines[1:]}, least, bytes_per_s)
    facts = run_facts(home, log, found, bytes_per_s)
    if not chosen.cases and not chosen.ours_only:
        write_json(RESULTS / "latest.json", rows)
    if not chosen.cases:
        write_json(RESULTS / f"run-{chosen.size}.json", facts)
    console = wide_console()
    console.print(table(rows))
    show_facts(facts, console)
    return 0 if all(row["equal"] is not False for row in rows) else 1


def _scale(chosen: argparse.Namespace) -> int:
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for size in (FIXED_SIZE, *SIZES):
        log = make_log(chosen.cache / size / "log", parse_size(size), _CONSOLE.log)
        found[size] = log.rows, run_engine("lake", chosen.cache / size, chosen)
    rows = scaling(found.pop(FIXED_SIZE)[1], found)
    write_json(RESULTS / "scaling.json", rows)
    wide_console().print(scaling_table(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    names = [case.name for case in CASES]
    add("--size", default="20m", help="events in the log: 2m, 5m, 20m, 50m (default 20m)")
    add("--cache", type=Path, default=default_cache(), help="where logs and tables are kept")
    add("--scaling", action="store_true", help="what our answers cost from 5 to 50 million events")
    add("--ours-only", action="store_true", help="leave the peers out, and latest.json as it is")
    add("--repeats", type=int, default=5, help="the best of so many warm times counts (default 5)")
    add("--patience", type=float, default=5, help="seconds each engine may wait for a calm machine")
    add("--cases", nargs="*", default=[], choices=names, metavar="CASE", help=", ".join(names))
    return parser.parse_args()


def wide_console() -> Console:
    """A console on which the tables fit, also when the output goes to a file."""
    return Console(width=max(Console().width, 110))


def default_cache() -> Path:
    """The user's cache folder, outside the source tree."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xingji-bench"


def run_engine(engine: str, home: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """What an engine answered, from a process of its own: none lives with another's memory and threads."""
    with tempfile.TemporaryDirectory() as folder, _CONSOLE.status(f"asking {engine}"):
        out = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.worker", engine, "--home", str(home), "--out", str(out)]
        command += ["--repeats", str(chosen.repeats), "--patience", str(chosen.patience)]
        command += ["--cases", *chosen.cases] if chosen.cases else []
        subprocess.run(command, check=True)
        return json.loads(out.read_text())  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
