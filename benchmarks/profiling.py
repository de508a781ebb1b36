"""`python -m benchmarks.profiling --home FOLDER funnel`: where our time goes, by function, on one thread."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.log import make_log
from benchmarks.worker import open_engine
from xingji.analysis.engine import run_query
from xingji.model.parse import parse_query


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("cases", nargs="*", default=[case.name for case in CASES])
    parser.add_argument("--home", type=Path, required=True, help="the folder of one size in the cache")
    parser.add_argument("--lines", type=int, default=18)
    chosen = parser.parse_args()
    engine = open_engine("lake", chosen.home, make_log(chosen.home / "log", 0, lambda _: None))
    for case in CASES:
        if case.name not in chosen.cases:
            continue
        query, snapshot = parse_query(case.document), engine.snapshot  # type: ignore[attr-defined]
        run_query(query, snapshot)
        started = time.perf_counter()
        run_query(query, snapshot)
        sys.stdout.write(f"\n== {case.name}: {time.perf_counter() - started:.3f} s on one thread\n")
        profile = cProfile.Profile()
        profile.runcall(run_query, query, snapshot)
        pstats.Stats(profile).sort_stats("tottime").print_stats(chosen.lines)


if __name__ == "__main__":
    main()
