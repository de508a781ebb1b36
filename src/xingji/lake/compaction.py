"""Compaction: the tail moves into the base, the rows of merged users to their survivors, in one commit.

What it has done so far is noted durably, so that one that was killed goes on; answers are the same before,
during and after.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import xxhash

from xingji.lake.arrow_file import read_table, write_table
from xingji.lake.bucket import bucket_of
from xingji.lake.bulk_import import Report, is_importing
from xingji.lake.data_file import read_groups, read_rows
from xingji.lake.import_progress import Built
from xingji.lake.overrides import Overrides, lodgings_in, read_overrides, write_overrides
from xingji.lake.pairs import distinct_pairs
from xingji.lake.prepared import PreparedColumns
from xingji.lake.relocation import Relocation
from xingji.lake.rewriting import FileSource, Rewriter
from xingji.lake.spill import Place, Run, RunReader, write_run
from xingji.lake.wide import Wide
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import (
    BASE_TABLES,
    OWN,
    TAIL_TABLES,
    USER_ID,
    CommitConflictError,
    LakeChange,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    Pairs,
    WorkSession,
    no_pairs,
)
from xingji.ports.local_file import replace_synced, when_full

SESSION = "compaction"
OVERRIDES = "overrides.arrow"
BASE_OF = dict(zip(TAIL_TABLES, BASE_TABLES, strict=True))
TRIES = 3


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did.

    `merged_users`: of how many merged users all rows are now stored under their survivors. `parted_users`: of
    how many whose merge was undone the rows are stored apart again. `repeated_events` had the id, user and
    time of another and were dropped.
    """

    version: int
    events: int
    merged_users: int
    parted_users: int
    repeated_events: int


class Work(msgspec.Struct):
    """What a compaction set out to do, and how far it has come.

    `base` names all base files there were; `losing`, by path, those from which rows are taken that belong to
    other users.
    """

    batch_id: str
    tails: list[LakeFile]
    base: str
    losing: list[str] = []
    runs: list[Run] = []
    is_sorted: bool = False
    built: list[Built] = []


def compact(
    store: LakeStore, prepared: PreparedColumns, report: Report, threads: int = 2
) -> Compacted | None:
    """Compact the lake; None when there is nothing to do.

    Raises:
        BusyError: another process is rewriting the base.
        DamagedFileError: a file that would have to be rewritten is damaged; nothing was changed.
        StorageFullError: the disk has no room; nothing was changed.
    """
    with store.rewriter():
        for attempt in range(1, TRIES + 1):
            session = store.session(SESSION)
            try:
                return Compaction(store, prepared, session, threads).run(report)
            except CommitConflictError:
                session.end()
                if attempt == TRIES:
                    raise
            finally:
                session.release()
    return None


class Compaction:
    """One compaction, from its plan to its commit."""

    def __init__(
        self, store: LakeStore, prepared: PreparedColumns, session: WorkSession, threads: int
    ) -> None:
        self._store, self._prepared, self._session, self._threads = store, prepared, session, threads
        self._scratch = Path(session.scratch)
        self._version = store.version()
        self._overrides, self._work = self._load() or self._plan()

    def run(self, report: Report) -> Compacted | None:
        """Do all of it; ends the session."""
        if not self._work.tails and not len(self._overrides):
            self._session.end()
            return None
        if not self._work.is_sorted:
            self._sort()
        self._build(report)
        done = self._commit()
        self._session.end()
        return done

    def _load(self) -> tuple[Overrides, Work] | None:
        """The work of a compaction that was killed, if what it was based on still holds."""
        try:
            work = msgspec.json.decode((self._scratch / "work.json").read_bytes(), type=Work)
            overrides = Overrides.from_tables([read_table(self._scratch / OVERRIDES)])
        except (OSError, msgspec.DecodeError, pa.ArrowException):
            return None
        live = {file.path for file in self._version.files}
        named = [*work.tails, *(file for built in work.built for file in built.remove)]
        if not all(file.path in live for file in named):
            return None
        # Files that came meanwhile may hold rows of merged users, which nobody would move.
        return (overrides, work) if work.base == self._base() or not len(overrides) else None

    def _base(self) -> str:
        paths = sorted(file.path for file in self._version.of(*BASE_TABLES))
        return xxhash.xxh3_64_hexdigest("\n".join(paths).encode())

    def _plan(self) -> tuple[Overrides, Work]:
        """New work: all there is to move. The overrides are not read again, for they may change meanwhile."""
        overrides = read_overrides(self._store, self._version)
        with when_full(self._scratch, "note what to compact"):
            write_table(self._scratch / OVERRIDES, overrides.table())
        tails = self._version.of(*TAIL_TABLES)
        return overrides, Work(f"compaction {uuid4().hex}", tails, self._base())

    def _save(self) -> None:
        with when_full(self._scratch, "note how far the compaction has come"):
            replace_synced(self._scratch / "work.json", msgspec.json.encode(self._work))

    def _sort(self) -> None:
        """Write everything that moves as sorted runs, one piece of a file at a time."""
        self._work.runs, self._work.losing = [], []
        for tail in self._work.tails:
            for rows in read_groups(self._store, tail):
                self._add_run(BASE_OF[tail.table], rows)
        for file in self._version.of(*BASE_TABLES):
            if self._may_lose(file):
                rows = read_rows(self._store, file)
                self._work.losing.append(file.path)
                self._add_run(file.table, rows.filter(pa.array(self._overrides.leaving(rows))))
        self._work.is_sorted = True
        self._save()

    def _add_run(self, table: LakeTable, rows: pa.Table) -> None:
        name = f"{table}-{len(self._work.runs)}.arrow"
        rows = Wide.of(self._overrides.moved(rows))
        self._work.runs.append(write_run(self._scratch, name, table, rows, self._version.n_buckets))

    def _may_lose(self, file: LakeFile) -> bool:
        """Whether a base file has rows that belong to other users than they are stored under."""
        users = self._overrides.stored
        users = users[(users >= file.first_user) & (users <= file.last_user)]
        if not (bucket_of(users, self._version.n_buckets) == file.bucket).any():
            return False
        return bool(self._overrides.leaving(read_rows(self._store, file, [USER_ID, OWN])).any())

    def _build(self, report: Report) -> None:
        """Base files of every place that changes; those of an earlier try stay."""
        known = {(built.table, built.place) for built in self._work.built}
        places = sorted(self._places(), key=str)
        report(len(known), len(places))
        rewriter = Rewriter(self._store, self._session, self._version, self._prepare)
        reader = RunReader(self._scratch)
        with ThreadPoolExecutor(self._threads, SESSION) as pool:
            todo = [key for key in places if key not in known]
            futures = [pool.submit(self._build_place, rewriter, reader, *key) for key in todo]
            try:
                for future in futures:
                    self._work.built.append(future.result())
                    self._save()
                    report(len(self._work.built), len(places))
            finally:
                pool.shutdown(cancel_futures=True)

    def _places(self) -> set[tuple[LakeTable, Place]]:
        gaining = {(run.table, place) for run in self._work.runs for place in run.places}
        losing = {
            (file.table, place_of(file)) for file in self._version.files if file.path in self._work.losing
        }
        return gaining | losing

    def _build_place(self, rewriter: Rewriter, reader: RunReader, table: LakeTable, place: Place) -> Built:
        losing = set(self._work.losing)
        old = [
            FileSource(self._store, file, self._overrides if file.path in losing else None)
            for file in self._version.of(table)
            if place_of(file) == place
        ]
        new = reader.sources(self._work.runs, table, [place])
        done = rewriter.merge(table, *place, old=old, new=new)
        return Built(table, place, done.add, done.remove, done.repeated)

    def _prepare(self, file: LakeFile, rows: pa.Table) -> None:
        if file.table is LakeTable.EVENTS:
            codes = {name: code for code, name in enumerate(self._version.event_names)}
            self._prepared.put(file, rows, codes)

    def _commit(self) -> Compacted:
        with self._store.writer():
            now = self._store.version()
            before = read_overrides(self._store, now)
            moved = Relocation.of(self._overrides, self._store.lodgers_of(self._overrides.absorbed))
            emptied = moved.where(moved.emptied(self._fresh_rows(now)))
            after = moved.overrides(before, emptied)
            built = self._work.built
            change = LakeChange(
                self._work.batch_id,
                add=(*(f for b in built for f in b.add), *self._written(now, after)),
                remove=(
                    *self._work.tails,
                    *(f for b in built for f in b.remove),
                    *now.of(LakeTable.OVERRIDES),
                ),
                lodged=moved.lodged(),
                vacated=emptied.vacated(),
                operation="replace",
            )
            number = self._store.commit(change).number
        rows = sum(file.rows for file in self._work.tails if file.table is LakeTable.EVENTS_TAIL)
        merged = int((emptied.own == emptied.places).sum())
        parted = len(np.unique(emptied.own[self._overrides.is_apart(emptied.places, emptied.own)]))
        return Compacted(number, rows, merged, parted, sum(b.repeated for b in built))

    def _written(self, now: LakeVersion, overrides: Overrides) -> tuple[LakeFile, ...]:
        return write_overrides(self._store, now, overrides, self._store.reserve_seq(1))

    def _fresh_rows(self, now: LakeVersion) -> Pairs | None:
        """Whose rows (own user, place) came since the plan; None: an import goes on, and may bring any."""
        if is_importing(self._store):
            return None
        done = {file.path for file in self._work.tails}
        fresh = [file for file in now.of(*TAIL_TABLES) if file.path not in done]
        rows = (read_rows(self._store, file, [USER_ID, OWN]) for file in fresh)
        found = np.concatenate([no_pairs(), *map(lodgings_in, rows)])
        return distinct_pairs(found[:, 0], found[:, 1])


def place_of(file: LakeFile) -> Place:
    """The bucket and month of a base file."""
    if file.bucket is None:
        raise DamagedFileError(file.path, "a base file without a bucket")
    return file.bucket, file.month
