"""The engine under test, asked as any caller asks it: a document in, a result out, on threads."""

from __future__ import annotations

import itertools

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

    def kept_bytes(self) -> dict[str, int]:
        """The memory of what all questions share, by name."""
        kept = dict.fromkeys(
            ("joined times", "joined events", "lists of events", "hours of rows", "sessions"), 0
        )
        buckets = map(self.snapshot.views, range(self.snapshot.n_buckets))
        for view in itertools.chain.from_iterable(buckets):
            kept["joined times"] += view.time.nbytes
            kept["joined events"] += view.event.nbytes
            for posting in (view.kept or {}).get("postings", {}).values():
                hours = posting.hours and posting.hours.codes
                arrays = (posting.rows, posting.time, posting.offsets, hours, posting.marks)
                kept["lists of events"] += sum(array.nbytes for array in arrays if array is not None)
            hours = (view.kept or {}).get("hours")
            kept["hours of rows"] += hours.codes.nbytes if hours else 0
            sessions = (view.kept or {}).get("sessions")
            arrays = (sessions.begin, sessions.end, sessions.offsets) if sessions else ()
            kept["sessions"] += sum(array.nbytes for array in arrays)
        return kept

    def close(self) -> None:
        self._runner.close()
