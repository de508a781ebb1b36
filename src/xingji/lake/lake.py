"""A lake: everything that is done to it, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from xingji.lake.bulk_import import Import, Report
from xingji.lake.compaction import Compacted, compact
from xingji.lake.doctor import find_trouble
from xingji.lake.erasure import Erased, end_erasure, erase_rows, removed_before
from xingji.lake.intake import Intake
from xingji.lake.merging import NamedMerge, Regrouping, merge_users, unmerge_users
from xingji.lake.prepared import PreparedColumns
from xingji.lake.snapshot import JoinedParts, LakeSnapshot, TailParts
from xingji.lake.tail import merge_tails, write_tail
from xingji.lake.wide import Wide
from xingji.lake.words import after, with_words
from xingji.ports.lake_store import Collected, LakeChange, LakeFile, LakeStore, LakeTable, LakeVersion

JOINED_BYTES = 4 << 30
"""The memory that columns joined over months may take, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: the newest version, and how many rows it added (0 when the batch was known)."""

    version: int
    events: int
    user_changes: int
    repeated: bool


class Lake:
    """One lake of a store."""

    def __init__(self, store: LakeStore, prepared: Path, joined_bytes: int = JOINED_BYTES) -> None:
        """`prepared`: a local folder for prepared columns, which may be emptied at any time;
        `joined_bytes`: the memory that columns joined over months may take."""
        self.store = store
        self.prepared = PreparedColumns(prepared, store)
        self._tails = TailParts(store)
        self._joined = JoinedParts(joined_bytes)

    def snapshot(self, as_of_us: int | None = None) -> LakeSnapshot:
        """The newest version, for queries, to be closed; it speaks for its last event, or for `as_of_us`."""
        return LakeSnapshot(self.store.pin(), self.store, self.prepared, self._tails, self._joined, as_of_us)

    def append(
        self,
        batch_id: str,
        events: pa.Table | None = None,
        users: pa.Table | None = None,
        merges: Sequence[NamedMerge] = (),
        unmerges: Sequence[str] = (),
    ) -> Appended:
        """Add an event table and a table of user changes to the tail, undo merges and merge users: all of it
        or nothing, once for a `batch_id`.

        `users` has the columns `user`, `time` and properties as an event table has them; JSON null unsets.
        `unmerges` (names) are undone first, then `merges` (absorbed, survivor) hold, each in turn, for all
        events there ever were. Who is merged already leaves its survivor; users nobody has seen may be named.

        Raises:
            FieldError: a column is not what the event table allows, or a merge would close a circle.
            BusyError: another process did not stop writing in time.
            StorageFullError: the disk has no room; nothing was added.
        """
        with self.store.writer():
            version = self.store.version()
            if self.store.is_committed(batch_id):
                return Appended(version.number, 0, 0, repeated=True)
            grouping = Regrouping(self.store, version, merges, unmerges)
            intake = Intake(self.store, version)
            rows: dict[LakeTable, Wide] = {}
            if events is not None and events.num_rows:
                rows[LakeTable.EVENTS_TAIL] = intake.events(events, batch_id)
            if users is not None and users.num_rows:
                rows[LakeTable.USERS_TAIL] = intake.user_changes(users)
            done = self._commit_tail(batch_id, intake, version, rows, grouping)
        counts = {table: own.n_rows for table, own in rows.items()}
        return Appended(
            done.number,
            counts.get(LakeTable.EVENTS_TAIL, 0),
            counts.get(LakeTable.USERS_TAIL, 0),
            repeated=False,
        )

    def _commit_tail(
        self,
        batch_id: str,
        intake: Intake,
        version: LakeVersion,
        rows: dict[LakeTable, Wide],
        grouping: Regrouping,
    ) -> LakeVersion:
        words = with_words(LakeChange(batch_id), intake, version)
        known = after(version, words)
        files: list[LakeFile] = [write_tail(self.store, table, own, known) for table, own in rows.items()]
        change = LakeChange(
            batch_id,
            add=tuple(files),
            event_names=words.event_names,
            columns=words.columns,
            properties=words.properties,
        )
        return self.store.commit(grouping.applied(change))

    def begin_import(self, import_id: str, threads: int = 2) -> Import:
        """Begin the import of that id, or go on with it; see `Import`."""
        return Import(self.store, self.prepared, import_id, threads)

    def merge_tails(self) -> int:
        """Merge the small files of a crowded tail; gives how many were merged away."""
        return merge_tails(self.store)

    def compact(self, report: Report | None = None, threads: int = 2) -> Compacted | None:
        """Move the tail into the base and the rows of merged users to their survivors; see `compact`."""
        return compact(self.store, self.prepared, report or (lambda done, total: None), threads)

    def merge_users(self, absorbed: str, survivor: str) -> int:
        """From now on everything of user `absorbed` belongs to `survivor`; gives the version.

        Raises:
            FieldError: `survivor` is the same user, or belongs to it.
        """
        return merge_users(self.store, absorbed, survivor).number

    def unmerge_users(self, absorbed: str) -> int:
        """Undo the merge of user `absorbed`, whether compacted or not; gives the version.

        Raises:
            FieldError: it is not merged, or was merged for good by a version that could not undo it.
        """
        return unmerge_users(self.store, absorbed).number

    def erase(self, user: str) -> Erased:
        """Erase a user, with all who were merged into it, for good; again ends what was stopped in between.

        Raises:
            BusyError: somebody is rewriting the base, or an import is running.
            DamagedFileError: a file that may hold the user cannot be read; nothing was changed.
        """
        done = erase_rows(self.store, user)
        self._tails.forget()
        self._joined.forget()
        held = self.collect().held
        end_erasure(self.store)
        return replace(done, held_files=held)

    def is_being_erased(self, user: str) -> bool:
        """Whether an erasure of the user was stopped when the rows were gone and the old files were not."""
        return removed_before(self.store, user) is not None

    def collect(self, grace_seconds: float = 0.0, prepared_bytes: int | None = None) -> Collected:
        """Remove every file that nobody needs, and prepared columns beyond `prepared_bytes`.

        Without a bound, prepared columns may take twice the bytes of the lake's files.
        """
        done = self.store.collect(grace_seconds)
        files = self.store.version().files
        self.prepared.keep_only(files)
        bound = 2 * sum(file.bytes for file in files) if prepared_bytes is None else prepared_bytes
        self.prepared.evict(bound)
        return done

    def find_trouble(self) -> list[str]:
        """What is wrong with the lake, one sentence each; reads every file in full."""
        return list(find_trouble(self.store))
