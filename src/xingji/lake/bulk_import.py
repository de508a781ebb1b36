"""Importing a file's worth of events at once: sorted runs first, then base files, then one commit.

Every step is durable before the next, so that an import that was killed goes on where it was.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import xxhash

from xingji.lake.arrow_columns import stack
from xingji.lake.import_progress import Built, load_progress, store_progress
from xingji.lake.intake import Intake, check_changes, check_events
from xingji.lake.prepared import PreparedColumns
from xingji.lake.rewriting import FileSource, Rewriter
from xingji.lake.spill import Place, Run, RunReader, write_run
from xingji.lake.tail import write_tail
from xingji.lake.wide import Wide, stack_wide
from xingji.lake.words import agree
from xingji.ports.lake_store import (
    LakeChange,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    WorkSession,
)

RUN_ROWS = 600_000
"""A run holds about so many rows: few enough that three of them fit in memory with room to spare."""
INTAKE_ROWS = 50_000
"""So many rows are taken in together: until then they have all columns of the input, most of them null."""
MOST_AHEAD = 3
"""Who adds tables faster than they are taken in waits once so many lots are under way."""
SMALL_IMPORT_ROWS = 200_000
"""An import of no more rows than this goes to the tail; base files of it would be many and tiny."""
LOT_ROWS = 256_000
"""Months of a bucket are built together up to so many rows: a column costs the same for few as for many."""
Report = Callable[[int, int], None]
Target = tuple[LakeTable, Place]
"""A bucket and month of a table."""
_SESSIONS = "import-"
_TAILS = {LakeTable.EVENTS: LakeTable.EVENTS_TAIL, LakeTable.USERS: LakeTable.USERS_TAIL}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `repeated_events` had the id, user and time of another and were dropped."""

    version: int
    events: int
    user_changes: int
    repeated_events: int


class Import:
    """One import, by its id; several processes may not work on it at once.

    `rows` and `user_rows` of the tables given so far are safe: a process that goes on with the import leaves
    out so many. `note` is what the caller said with the last of them.

    Raises:
        BusyError: another process works on the import.
    """

    def __init__(self, store: LakeStore, prepared: PreparedColumns, import_id: str, threads: int = 2) -> None:
        self._store, self._prepared, self._threads = store, prepared, threads
        self._import_id, self._batch_id = import_id, f"import {import_id}"
        self._session: WorkSession = store.session(session_name(import_id))
        self._scratch = Path(self._session.scratch)
        self._progress = load_progress(self._scratch, import_id)
        self._intake = Intake(store, store.version())
        self._taking = ThreadPoolExecutor(1, "intake")  # one, for the log's order is that of the input
        self._pool = ThreadPoolExecutor(threads, "import")
        self._writing: deque[tuple[Future[list[Run]], int, int, Any]] = deque()
        self._waiting: list[tuple[LakeTable, pa.Table]] = []
        self._lots: list[Future[list[tuple[LakeTable, Wide]]]] = []
        self._run_rows = 0
        self._taken = self._progress.rows
        self._given = (self._progress.rows, self._progress.user_rows)
        self._note = self._progress.note
        self.is_done = store.is_committed(self._batch_id)
        if self.is_done:
            self._session.end()

    @property
    def rows(self) -> int:
        return self._progress.rows

    @property
    def user_rows(self) -> int:
        return self._progress.user_rows

    @property
    def note(self) -> Any:
        return self._progress.note

    def add(self, events: pa.Table | None = None, users: pa.Table | None = None, note: Any = None) -> None:
        """Take the next event table and the next user changes.

        `note` (anything JSON can hold) describes the input up to here. An import that is done takes nothing.

        Raises:
            FieldError: a table is not what it should be; it is left out as a whole.
            StorageFullError: the disk has no room; what is safe stays so.
        """
        if self.is_done:
            return
        rows, user_rows = self._given
        if events is not None and events.num_rows:
            check_events(events)
            self._waiting.append((LakeTable.EVENTS, events))
            rows += events.num_rows
        if users is not None and users.num_rows:
            check_changes(users)
            self._waiting.append((LakeTable.USERS, users))
            user_rows += users.num_rows
        self._run_rows += rows + user_rows - sum(self._given)
        self._given, self._note = (rows, user_rows), note
        if self._run_rows >= RUN_ROWS:
            self._spill()
        elif sum(table.num_rows for _, table in self._waiting) >= INTAKE_ROWS:
            self._hand_in()

    def _hand_in(self) -> None:
        """Hand what waits to the thread that takes it in."""
        tables, self._waiting = self._waiting, []
        self._lots.append(self._taking.submit(self._take_in, tables))
        wait(self._lots[-1 - MOST_AHEAD : -MOST_AHEAD])

    def _spill(self) -> None:
        """Have everything given so far written as runs."""
        if self._waiting:
            self._hand_in()
        lots, self._lots, self._run_rows = self._lots, [], 0
        agreed = self._taking.submit(agree, self._store, self._intake)
        future = self._pool.submit(self._write_runs, lots, agreed, sum(self._given))
        self._writing.append((future, *self._given, self._note))
        while len(self._writing) > self._threads:
            self._record()

    def _take_in(self, tables: list[tuple[LakeTable, pa.Table]]) -> list[tuple[LakeTable, Wide]]:
        """The rows of tables; those that follow each other and look alike are taken in together."""
        rows: list[tuple[LakeTable, Wide]] = []
        for (table, _), alike in groupby(tables, key=lambda given: (given[0], given[1].schema)):
            pieces = stack([piece for _, piece in alike])
            if table is LakeTable.USERS:
                taken = self._intake.user_changes(pieces)
            else:
                taken = self._intake.events(pieces, self._batch_id, self._taken)
                self._taken += pieces.num_rows
            rows.append((table, taken))
        return rows

    def _write_runs(
        self, lots: list[Future[list[tuple[LakeTable, Wide]]]], agreed: Future[LakeVersion], number: int
    ) -> list[Run]:
        rows: dict[LakeTable, list[Wide]] = {}
        for lot in lots:
            for table, taken in lot.result():
                rows.setdefault(table, []).append(taken)
        n_buckets = agreed.result().n_buckets
        return [
            write_run(self._scratch, f"{table}-{number}.arrow", table, stack_wide(pieces), n_buckets)
            for table, pieces in rows.items()
        ]

    def _record(self) -> None:
        """Wait for the oldest runs being written, and note that they are safe."""
        future, rows, user_rows, note = self._writing.popleft()
        self._progress.runs += future.result()
        self._progress.rows, self._progress.user_rows, self._progress.note = rows, user_rows, note
        store_progress(self._scratch, self._progress)

    def save(self) -> None:
        """Make everything given so far safe."""
        if self._run_rows:
            self._spill()
        while self._writing:
            self._record()

    def finish(self, report: Report | None = None) -> Imported:
        """Put everything into the lake in one commit; `report` gets (files built, files to build).

        Raises:
            BusyError: a compaction, an erasure or another import is rewriting the base.
            CommitConflictError: somebody changed the base against the rules; try again.
            StorageFullError: the disk has no room; the import can go on later.
        """
        if self.is_done:
            return Imported(self._store.version().number, 0, 0, 0)
        self.save()
        version = agree(self._store, self._intake)
        if self._progress.rows + self._progress.user_rows <= SMALL_IMPORT_ROWS:
            built = [self._build_tail(table, version) for table in _TAILS]
            done = self._commit(built, "append")
        else:
            with self._store.rewriter():
                version = self._store.version()
                done = self._commit(self._build(version, report or _nobody), "overwrite")
        self._session.end()
        self.is_done = True
        return done

    def _build_tail(self, table: LakeTable, version: LakeVersion) -> Built:
        reader = RunReader(self._scratch)
        runs = [run for run in self._progress.runs if run.table is table]
        if not runs:
            return Built(table, (0, None))
        pieces = [piece for run in runs for piece in reader.all_rows(run)]
        rows = stack_wide(pieces)
        path = self._session.new_path(_TAILS[table])
        return Built(table, (0, None), [write_tail(self._store, _TAILS[table], rows, version, path)])

    def _build(self, version: LakeVersion, report: Report) -> list[Built]:
        """Base files of all places that the runs have rows of; those of an earlier try stay if they hold."""
        live = {file.path for file in version.files}
        built = [b for b in self._progress.built if all(file.path in live for file in b.remove)]
        known = {(b.table, b.place) for b in built}
        codes = {name: code for code, name in enumerate(version.event_names)}

        def prepare(file: LakeFile, rows: pa.Table) -> None:
            if file.table is LakeTable.EVENTS:
                self._prepared.put(file, rows, codes)

        rewriter = Rewriter(self._store, self._session, version, prepare)
        reader = RunReader(self._scratch)
        runs = self._progress.runs
        places = sorted({(run.table, place) for run in runs for place in run.places}, key=_in_turn)
        lots = self._lots_of([key for key in places if key not in known], version)
        futures = [self._pool.submit(self._build_places, rewriter, reader, version, lot) for lot in lots]
        for future in futures:
            report(len(built), len(places))
            built += future.result()
            self._progress.built = built
            store_progress(self._scratch, self._progress)
        report(len(built), len(places))
        return built

    def _lots_of(self, places: list[Target], version: LakeVersion) -> list[list[Target]]:
        """The places, in lots to be built at once: months of a bucket that have no files, and few rows."""
        rows: Counter[Target] = Counter()
        for run in self._progress.runs:
            for place, n_rows in zip(run.places, run.rows, strict=True):
                rows[run.table, place] += n_rows
        taken = {(file.table, (file.bucket, file.month)) for file in version.files}
        lots: list[list[Target]] = []
        size = 0
        for key in places:
            together = bool(lots) and key not in taken and lots[-1][0] not in taken
            alike = together and (key[0], key[1][0]) == (lots[-1][0][0], lots[-1][0][1][0])
            if alike and size + rows[key] <= LOT_ROWS:
                lots[-1].append(key)
                size += rows[key]
            else:
                lots.append([key])
                size = rows[key]
        return lots

    def _build_places(
        self, rewriter: Rewriter, reader: RunReader, version: LakeVersion, lot: list[Target]
    ) -> list[Built]:
        (table, (bucket, month)), places = lot[0], [place for _, place in lot]
        new = reader.sources(self._progress.runs, table, places)
        if len(lot) > 1:
            built = rewriter.build(bucket, [source.all_rows() for source in new])
            return [Built(table, (bucket, m), one.add, one.remove, one.repeated) for m, one in built.items()]
        old = [f for f in version.of(table) if (f.bucket, f.month) == (bucket, month)]
        done = rewriter.merge(
            table, bucket, month, old=[FileSource(self._store, file) for file in old], new=new
        )
        return [Built(table, (bucket, month), done.add, done.remove, done.repeated)]

    def _commit(self, built: list[Built], operation: str) -> Imported:
        change = LakeChange(
            self._batch_id,
            add=tuple(file for b in built for file in b.add),
            remove=tuple(file for b in built for file in b.remove),
            operation=operation,
        )
        version = self._store.commit(change)
        repeated = sum(b.repeated for b in built)
        return Imported(version.number, self._progress.rows - repeated, self._progress.user_rows, repeated)

    def close(self) -> None:
        """Stop working on the import; it can be taken up again where it was."""
        for pool in (self._taking, self._pool):
            pool.shutdown(cancel_futures=True)
        self._session.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def session_name(import_id: str) -> str:
    """The work session of an import."""
    return f"{_SESSIONS}{xxhash.xxh3_64_hexdigest(import_id.encode())}"


def is_importing(store: LakeStore) -> bool:
    """Whether an import goes on, or was interrupted: its runs name users by number."""
    return any(name.startswith(_SESSIONS) for name in store.sessions())


def _in_turn(target: Target) -> tuple[str, int, int]:
    table, (bucket, month) = target
    return table, bucket, -1 if month is None else month


def _nobody(done: int, total: int) -> None:
    """Whom progress is reported to when nobody asked."""


__all__ = ["RUN_ROWS", "SMALL_IMPORT_ROWS", "Import", "Imported", "is_importing", "session_name"]
