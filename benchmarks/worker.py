"""One engine in a process of its own: opens the log, answers every question, writes what it answered and how fast."""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from pathlib import Path

import psutil

from benchmarks.cases import CASES
from benchmarks.engine import Engine, Opener
from benchmarks.log import Log, make_log
from benchmarks.timing import best_of

OPENERS = {
    "arrays": ("benchmarks.ours", "open_arrays"),
    "lake": ("benchmarks.lake", "open_lake"),
    "chdb": ("benchmarks.chdb_peer", "open_chdb"),
    "duckdb": ("benchmarks.duckdb_peer", "open_duckdb"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=OPENERS)
    parser.add_argument("--home", type=Path, required=True, help="the folder of one size in the cache")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cases", nargs="*", default=[])
    chosen = parser.parse_args()
    log = make_log(chosen.home / "log", 0, lambda _: None)
    started = time.perf_counter()
    engine = open_engine(chosen.engine, chosen.home, log)
    opened_s = time.perf_counter() - started
    found = _answers(engine, chosen.repeats, chosen.cases)
    known = {"open_s": opened_s, "load_s": engine.load_s, "cases": found, **_memory()}
    engine.close()
    chosen.out.write_text(json.dumps(known))


def open_engine(name: str, home: Path, log: Log) -> Engine:
    """The named engine over the log of a home folder."""
    module, function = OPENERS[name]
    opener: Opener = getattr(importlib.import_module(module), function)
    return opener(home / name, log)


def _answers(engine: Engine, repeats: int, names: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for case in CASES:
        if names and case.name not in names:
            continue
        timed = best_of(lambda case=case: engine.ask(case), repeats)  # type: ignore[misc]
        rows = engine.rows(case, timed.answer)
        found[case.name] = {"best_s": timed.best_s, "first_s": timed.first_s, "others": timed.others, "rows": rows}
    return found


def _memory() -> dict[str, int]:
    """Resident bytes at the end, those of them that are no file's, and the most there ever were."""
    now = psutil.Process().memory_info()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"resident_bytes": now.rss, "private_bytes": now.rss - now.shared, "peak_bytes": peak}


if __name__ == "__main__":
    main()


__all__ = ["Log", "main"]
