"""The engine under test, asked as any caller asks it: a document in, a result out, on threads."""

from __future__ import annotations

from benchmarks.cases import Case, Result, Rows
from benchmarks.engine import THREADS
from xingji.adapters.threads import ThreadRunner
from xingji.analysis.engine import run_query
from xingji.lake.part import Snapshot
from xingji.model.parse import parse_query


class Ours:
    """Questions through `run_query`, over whatever snapshot."""

    def __init__(self, snapshot: Snapshot, load_s: float | None = None) -> None:
        self.snapshot, self.load_s = snapshot, load_s
        self._runner = ThreadRunner(THREADS)

    def ways(self, case: Case) -> tuple[str, ...]:
        return ("asked",)

    def ask(self, case: Case, way: str) -> Result:
        return run_query(parse_query(case.document), self.snapshot, runner=self._runner)

    def rows(self, case: Case, answer: Result) -> Rows:
        return case.rows(answer)

    def close(self) -> None:
        self._runner.close()
