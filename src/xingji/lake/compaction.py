"""Compaction: the tail moves into the base, the rows of merged users to their survivors, in one commit.

What it has done so far is noted durably, so that one that was killed goes on; answers are the same before,
during and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.bucket import bucket_of
from xingji.lake.bulk_import import Report, is_importing
from xingji.lake.data_file import read_groups, read_rows
from xingji.lake.import_progress import Built
from xingji.lake.overrides import Survivors, read_overrides, write_overrides
from xingji.lake.part import Int64s
from xingji.lake.prepared import PreparedColumns
from xingji.lake.rewriting import FileSource, Rewriter
from xingji.lake.spill import Place, Run, RunReader, write_run
from xingji.lake.wide import Wide
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import (
    BASE_TABLES,
    TAIL_TABLES,
    USER_ID,
    CommitConflictError,
    LakeChange,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    Override,
    WorkSession,
)
from xingji.ports.local_file import replace_synced, when_full

SESSION = "compaction"
BASE_OF = dict(zip(TAIL_TABLES, BASE_TABLES, strict=True))
TRIES = 3


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did; `repeated_events` had the id, user and time of another and were dropped."""

    version: int
    events: int
    merged_users: int
    repeated_events: int


class Work(msgspec.Struct):
    """What a compaction set out to do, and how far it has come.

    `losing` names, by path, the base files from which rows of merged users are taken, and those users.
    """

    batch_id: str
    tails: list[LakeFile]
    overrides: list[Override]
    losing: dict[str, list[int]] = {}
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
        self._work = self._load() or Work(
            f"compaction {uuid4().hex}", self._version.of(*TAIL_TABLES), read_overrides(store, self._version)
        )
        self._survivors = Survivors.of(self._work.overrides)

    def run(self, report: Report) -> Compacted | None:
        """Do all of it; ends the session."""
        if not self._work.tails and not self._work.overrides:
            self._session.end()
            return None
        if not self._work.is_sorted:
            self._sort()
        self._build(report)
        done = self._commit()
        self._session.end()
        return done

    def _load(self) -> Work | None:
        """The work of a compaction that was killed, if what it was based on still holds."""
        try:
            work = msgspec.json.decode((self._scratch / "work.json").read_bytes(), type=Work)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        live = {file.path for file in self._version.files}
        named = [*work.tails, *(file for built in work.built for file in built.remove)]
        holds = all(file.path in live for file in named) and all(path in live for path in work.losing)
        merges = set(read_overrides(self._store, self._version))
        return work if holds and merges.issuperset(work.overrides) else None

    def _save(self) -> None:
        with when_full(self._scratch, "note how far the compaction has come"):
            replace_synced(self._scratch / "work.json", msgspec.json.encode(self._work))

    def _sort(self) -> None:
        """Write everything that moves as sorted runs, one piece of a file at a time."""
        self._work.runs, self._work.losing = [], {}
        for tail in self._work.tails:
            for rows in read_groups(self._store, tail):
                self._add_run(BASE_OF[tail.table], self._relabelled(rows))
        for file in self._version.of(*BASE_TABLES):
            users = self._merged_users_in(file)
            if len(users):
                self._work.losing[file.path] = users.tolist()
                rows = read_rows(self._store, file)
                moving = rows.filter(pa.array(np.isin(int64s(rows[USER_ID]), users)))
                self._add_run(file.table, self._relabelled(moving))
        self._work.is_sorted = True
        self._save()

    def _add_run(self, table: LakeTable, rows: pa.Table) -> None:
        name = f"{table}-{len(self._work.runs)}.arrow"
        self._work.runs.append(write_run(self._scratch, name, table, Wide.of(rows), self._version.n_buckets))

    def _relabelled(self, rows: pa.Table) -> pa.Table:
        owners = self._survivors.resolve(int64s(rows[USER_ID]))
        return rows.set_column(rows.schema.get_field_index(USER_ID), USER_ID, pa.array(owners))

    def _merged_users_in(self, file: LakeFile) -> Int64s:
        absorbed: Int64s = self._survivors.absorbed
        absorbed = absorbed[(absorbed >= file.first_user) & (absorbed <= file.last_user)]
        absorbed = absorbed[bucket_of(absorbed, self._version.n_buckets) == file.bucket]
        if not len(absorbed):
            return absorbed
        users = int64s(read_rows(self._store, file, [USER_ID])[USER_ID])
        found: Int64s = absorbed[np.isin(absorbed, users)]
        return found

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
        old = [
            FileSource(self._store, file, np.array(self._work.losing.get(file.path, []), np.int64))
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
            merges = read_overrides(self._store, now)
            if not set(merges).issuperset(self._work.overrides):
                raise CommitConflictError(self._work.batch_id, "a merge was undone")
            retired = self._retired(now)
            kept = self._kept(merges, retired)
            built = self._work.built
            change = LakeChange(
                self._work.batch_id,
                add=(*(f for b in built for f in b.add), *write_overrides(self._store, now, kept)),
                remove=(
                    *self._work.tails,
                    *(f for b in built for f in b.remove),
                    *now.of(LakeTable.OVERRIDES),
                ),
                aliases=tuple(retired.items()),
                operation="replace",
            )
            number = self._store.commit(change).number
        moved = sum(file.rows for file in self._work.tails if file.table is LakeTable.EVENTS_TAIL)
        return Compacted(number, moved, len(retired), sum(b.repeated for b in built))

    def _retired(self, now: LakeVersion) -> dict[int, int]:
        """Merges of which no row is left elsewhere: absorbed → survivor; none while an import goes on."""
        if is_importing(self._store):
            return {}
        done = {file.path for file in self._work.tails}
        fresh = [file for file in now.of(*TAIL_TABLES) if file.path not in done]
        present = set(_users_of(self._store, fresh))
        pairs = zip(self._survivors.absorbed.tolist(), self._survivors.survivors.tolist(), strict=True)
        return {absorbed: survivor for absorbed, survivor in pairs if absorbed not in present}

    def _kept(self, merges: Iterable[Override], retired: dict[int, int]) -> list[Override]:
        """The merges that stay in force, past users that are gone."""
        return [
            Override(o.absorbed, retired.get(o.survivor, o.survivor), o.seq)
            for o in merges
            if o.absorbed not in retired
        ]


def _users_of(store: LakeStore, files: Iterable[LakeFile]) -> Iterator[int]:
    for file in files:
        yield from np.unique(int64s(read_rows(store, file, [USER_ID])[USER_ID])).tolist()


def place_of(file: LakeFile) -> Place:
    """The bucket and month of a base file."""
    if file.bucket is None:
        raise DamagedFileError(file.path, "a base file without a bucket")
    return file.bucket, file.month
