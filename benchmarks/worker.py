"""One engine in a process of its own: opens the log, answers every question, writes answers and times."""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from functools import partial
from pathlib import Path

import psutil

from benchmarks.cases import CASES, Case
from benchmarks.engine import Engine, Opener
from benchmarks.log import Log, make_log
from benchmarks.timing import Patience, best_of

OPENERS = {
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
    parser.add_argument("--patience", type=float, default=0.0, help="seconds to wait for a calm machine")
    parser.add_argument("--cases", nargs="*", default=[])
    chosen = parser.parse_args()
    log = make_log(chosen.home / "log", 0, lambda _: None)
    started = time.perf_counter()
    engine = open_engine(chosen.engine, chosen.home, log)
    opened_s = time.perf_counter() - started
    engine.ask(CASES[0], engine.ways(CASES[0])[0])
    cold_s = time.time() - psutil.Process().create_time()
    patience = Patience(chosen.patience)
    names = chosen.cases or [case.name for case in CASES]
    found = {
        case.name: _answer(engine, case, chosen.repeats, patience) for case in CASES if case.name in names
    }
    known = {"open_s": opened_s, "cold_s": cold_s, "load_s": engine.load_s, "cases": found, **_memory()}
    known["kept_bytes"] = engine.kept_bytes()
    engine.close()
    chosen.out.write_text(json.dumps(known))


def open_engine(name: str, home: Path, log: Log) -> Engine:
    """The named engine over the log of a home folder."""
    module, function = OPENERS[name]
    opener: Opener = getattr(importlib.import_module(module), function)
    return opener(home / name, log)


def _answer(engine: Engine, case: Case, repeats: int, patience: Patience) -> dict[str, object]:
    """The answer by the fastest way, and the time of each; raises ValueError when two ways differ."""
    timed = {way: best_of(partial(engine.ask, case, way), repeats, patience) for way in engine.ways(case)}
    rows = {way: engine.rows(case, one.answer) for way, one in timed.items()}
    best = min(timed, key=lambda way: timed[way].best_s)
    if any(other != rows[best] for other in rows.values()):
        raise ValueError(f"{case.name} has different answers by {' and '.join(rows)}")
    return {
        "best_s": timed[best].best_s,
        "first_s": timed[best].first_s,
        "others": timed[best].others,
        "ways_s": {way: one.best_s for way, one in timed.items()},
        "rows": rows[best],
    }


def _memory() -> dict[str, int]:
    """Resident bytes at the end, those of them that are no file's, and the most there ever were."""
    now = psutil.Process().memory_info()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"resident_bytes": now.rss, "private_bytes": now.rss - now.shared, "peak_bytes": peak}


if __name__ == "__main__":
    main()
