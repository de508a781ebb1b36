"""The local store: Iceberg tables in a folder, published together by one SQLite transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyiceberg.table.snapshots import Operation

from xingji.adapters.iceberg_local import ledger, lodging, merges, registry
from xingji.adapters.iceberg_local.catalog import LakeCatalog, Staged
from xingji.adapters.iceberg_local.collector import needed_paths, sweep
from xingji.adapters.iceberg_local.file_io import local_path
from xingji.adapters.iceberg_local.ledger import Ledger, ManifestLists
from xingji.adapters.iceberg_local.locks import FileLock
from xingji.adapters.iceberg_local.manifests import to_lake_file
from xingji.adapters.iceberg_local.pins import LocalPin, drop_if_free, hold
from xingji.adapters.iceberg_local.sessions import LocalSession, data_path, names_of
from xingji.adapters.iceberg_local.tables import design_of
from xingji.adapters.iceberg_local.upgrade import is_old, setting_of, upgrade
from xingji.model.errors import CallerError, DamagedFileError, FieldError
from xingji.ports.lake_store import (
    OWN_FIELD_IDS,
    TABLES_OF,
    Collected,
    CommitConflictError,
    Int64s,
    LakeChange,
    LakeFile,
    LakeTable,
    LakeVersion,
    Pairs,
    Pin,
    Subject,
    WorkSession,
)
from xingji.ports.local_file import make_folder, open_synced, when_full

DEFAULT_BUCKETS = 16
WRITER_WAIT_SECONDS = 30.0
_CREATION = "create the lake"
_UNREADABLE = (OSError, ValueError, EOFError, TypeError, KeyError, IndexError)
"""What PyIceberg raises when a manifest is missing, cut short or overwritten."""


class IcebergLocalStore:
    """Keeps one lake under `folder`; several processes may open it at once.

    `n_buckets` holds for a new lake; an existing one keeps its own number.
    """

    def __init__(self, folder: Path, n_buckets: int = DEFAULT_BUCKETS) -> None:
        self._folder = folder.absolute()
        self._warehouse = self._folder / "warehouse"
        for part in (self._warehouse, self._locks, self._pins, self._sessions):
            make_folder(part)
        self._writer = FileLock(self._locks / "writer", f"the lake {folder}", WRITER_WAIT_SECONDS)
        self._rewriter = FileLock(self._locks / "rewriter", f"the base of the lake {folder}", 0.0)
        database = self._folder / "catalog.db"
        with self._writer.held(), when_full(self._folder, _CREATION), ledger.translated(database):
            self._catalog = LakeCatalog(database, self._warehouse)
            self._ledger = Ledger(database)
            self._known: LakeVersion | None = None
            self.n_buckets = self._existing() or self._create(n_buckets)

    @property
    def _locks(self) -> Path:
        return self._folder / "locks"

    @property
    def _pins(self) -> Path:
        return self._folder / "pins"

    @property
    def _sessions(self) -> Path:
        return self._folder / "sessions"

    @property
    def location(self) -> str:
        return str(self._folder)

    def close(self) -> None:
        """Let go of the catalogue."""
        self._ledger.close()
        self._catalog.close()

    def _existing(self) -> int | None:
        """The buckets of the lake that is here; None where there is none yet."""
        with self._ledger.reading() as db:
            n_buckets, places = ledger.setting(db, ledger.BUCKETS), ledger.pointers(db)
        if n_buckets is not None:
            self._check_place(places)
            if is_old(self._ledger):
                self._upgrade()
        elif any(self._warehouse.glob("*/data")):
            # A new catalogue would know none of the files, and the next collection would remove them all.
            reason = "it knows of no table, and beside it lie files of a lake; put back a copy of the lake"
            raise DamagedFileError(str(self._folder / "catalog.db"), reason)
        return n_buckets

    def _check_place(self, places: dict[LakeTable, str]) -> None:
        """Refuse a lake that is not where it was made, whose metadata names the files of another place.

        A copy would be a danger to both: writes would go to the other's folder, and collection, to which the
        copy's own files are nobody's, would remove them.
        """
        root = self._catalog.root
        for table, location in places.items():
            made = location.rpartition(f"/{table}/metadata/")[0]
            if made != root:
                raise CallerError(
                    f"{self._folder} holds a lake that was made at {local_path(made).parent}; its files are "
                    "named by their full path, so put it back there"
                )

    def _upgrade(self) -> None:
        with self._ledger.reading() as db:
            lists = ledger.manifest_lists(db, ledger.newest(db)) or {}
        merged = self._files({LakeTable.OVERRIDES: lists.get(LakeTable.OVERRIDES)})
        upgrade(self._catalog, self._ledger, [self._warehouse / file.path for file in merged])

    def _create(self, n_buckets: int) -> int:
        if not 1 <= n_buckets <= 4096:
            raise FieldError("n_buckets", n_buckets, "1 to 4096")
        staged = [self._catalog.stage_new(table, design_of(table, n_buckets)) for table in LakeTable]
        with self._ledger.writing() as db:
            ledger.put_settings(db, **{ledger.BUCKETS: n_buckets, ledger.NEXT_SEQ: 0, registry.NEXT_USER: 1})
            ledger.put_settings(db, **{setting_of(subject): at for subject, at in OWN_FIELD_IDS.items()})
            ledger.move_pointers(db, _CREATION, staged)
            ledger.add_version(db, 0, _CREATION, dict.fromkeys(LakeTable), _now_ms())
        return n_buckets

    def version(self) -> LakeVersion:
        while True:
            with self._ledger.reading() as db:
                number = ledger.newest(db)
                if self._known is not None and self._known.number == number:
                    return self._known
                lists = ledger.manifest_lists(db, number)
                names, properties = ledger.event_names(db, number), ledger.properties(db, number)
                own = {subject: ledger.setting(db, setting_of(subject)) or 0 for subject in Subject}
            assert lists is not None, "the newest version never expires"
            try:
                files = tuple(self._files(lists))
            except DamagedFileError:
                if self._newest() == number:
                    raise
                continue  # a collection removed the metadata meanwhile, and there is a newer version
            self._known = LakeVersion(number, files, names, properties, self.n_buckets, own)
            return self._known

    def _newest(self) -> int:
        with self._ledger.reading() as db:
            return ledger.newest(db)

    def _files(self, lists: ManifestLists) -> Iterator[LakeFile]:
        root = self._catalog.root
        for table, path in lists.items():
            try:
                for entry in self._catalog.files.live(f"{root}/{path}" if path else None):
                    yield to_lake_file(table, entry.data_file, root)
            except _UNREADABLE as error:
                reason = f"its manifests cannot be read ({type(error).__name__}: {error})"
                raise DamagedFileError(str(path), reason) from error

    def pin(self) -> Pin:
        while True:
            version = self.version()
            pin = LocalPin(hold(self._pins, version.number), version)
            with self._ledger.reading() as db:
                if ledger.manifest_lists(db, version.number) is not None:
                    return pin
            pin.close()

    def writer(self) -> AbstractContextManager[None]:
        return self._writer.held()

    def rewriter(self) -> AbstractContextManager[None]:
        return self._rewriter.held()

    def commit(self, change: LakeChange) -> LakeVersion:
        with self._writer.held(), when_full(self._folder, f"commit {change.batch_id}"):
            before = self.version()
            if self.is_committed(change.batch_id):
                return before
            live = {file.path for file in before.files}
            if gone := [file.path for file in change.remove if file.path not in live]:
                raise CommitConflictError(change.batch_id, f"{gone[0]} was replaced")
            with self._ledger.reading() as db:
                places = ledger.pointers(db)
            staged = self._stage(change, places)
            self._publish(change, before.number + 1, staged)
            return self.version()

    def _stage(self, change: LakeChange, places: dict[LakeTable, str]) -> list[Staged]:
        staged = []
        for table, before in places.items():
            add = [file for file in change.add if file.table is table]
            remove = [file for file in change.remove if file.table is table]
            columns = [p for p in change.columns if table in TABLES_OF[p.subject]]
            # Beside events that are appended, merges replace the file of overrides.
            operation = Operation(change.operation)
            if remove and operation is Operation.APPEND:
                operation = Operation.OVERWRITE
            if add or remove or columns:
                staged.append(self._catalog.stage(table, before, add, remove, columns, operation))
        return staged

    def _publish(self, change: LakeChange, number: int, staged: list[Staged]) -> None:
        with self._ledger.writing() as db:
            lists = ledger.manifest_lists(db, number - 1)
            assert lists is not None, "the newest version never expires"
            for table in staged:
                location = table.manifest_list
                lists[LakeTable(table.table)] = location and location.removeprefix(self._catalog.root + "/")
            ledger.move_pointers(db, change.batch_id, staged)
            ledger.add_version(db, number, change.batch_id, lists, _now_ms())
            ledger.add_words(db, number, change)

    def is_committed(self, batch_id: str) -> bool:
        with self._ledger.reading() as db:
            return ledger.is_batch_known(db, batch_id)

    def session(self, name: str) -> WorkSession:
        with when_full(self._folder, f"begin the work {name}"):
            return LocalSession(self._sessions, name)

    def sessions(self) -> Sequence[str]:
        return names_of(self._sessions)

    def new_path(self, table: LakeTable) -> str:
        return data_path("append", table, None, None)

    @contextmanager
    def open_output(self, path: str) -> Iterator[BinaryIO]:
        with when_full(self._folder, f"write {path}"), open_synced(self._warehouse / path) as file:
            yield file

    def open_input(self, path: str) -> pa.NativeFile:
        try:
            return pa.memory_map(str(self._warehouse / path))
        except FileNotFoundError as error:
            raise DamagedFileError(path, "it is not there") from error

    def size(self, path: str) -> int:
        try:
            return (self._warehouse / path).stat().st_size
        except FileNotFoundError:
            return -1

    def reserve_seq(self, n: int) -> int:
        with when_full(self._folder, "reserve log order"), self._ledger.writing() as db:
            return ledger.reserve_seq(db, n)

    def assign_users(self, names: Sequence[str]) -> Int64s:
        with when_full(self._folder, "register users"), self._ledger.writing() as db:
            return registry.assign(db, names)

    def find_users(self, names: Sequence[str]) -> Int64s:
        with self._ledger.reading() as db:
            return registry.find(db, names)

    def user_names(self, user_ids: Int64s) -> list[str]:
        with self._ledger.reading() as db:
            return registry.names_of(db, user_ids)

    def users_bound_to(self, user_ids: Sequence[int]) -> list[int]:
        with self._ledger.reading() as db:
            return registry.bound_to(db, user_ids)

    def merges_of(self, user_ids: Int64s, number: int | None = None) -> Pairs:
        with self._ledger.reading() as db:
            return merges.above(db, user_ids, number)

    def merges_under(self, user_ids: Int64s) -> Pairs:
        with self._ledger.reading() as db:
            return merges.under(db, user_ids)

    def lodge(self, lodgings: Pairs) -> None:
        with when_full(self._folder, "note lodgings"), self._ledger.writing() as db:
            lodging.add(db, lodgings)

    def lodgings_of(self, user_ids: Int64s) -> Pairs:
        with self._ledger.reading() as db:
            return lodging.of_users(db, user_ids)

    def lodgers_of(self, places: Int64s) -> Pairs:
        with self._ledger.reading() as db:
            return lodging.under_places(db, places)

    def collect(self, grace_seconds: float = 0.0) -> Collected:
        with self._writer.held():
            needed, held = self._needed(grace_seconds)
            files, n_bytes = sweep(self._warehouse, needed, names_of(self._sessions))
            self._ledger.shrink()
        return Collected(files, n_bytes, held)

    def _needed(self, grace_seconds: float) -> tuple[set[Path], int]:
        """The paths to keep, and how many of them only because their version is in use."""
        expiring = self._expire(grace_seconds)
        held = {number for number in expiring if not drop_if_free(self._pins, number)}
        with self._ledger.writing() as db:
            db.executemany(
                "DELETE FROM lake_version WHERE number = ?", [(number,) for number in expiring.keys() - held]
            )
            merges.prune(db)
            current, metadata = ledger.valid_manifest_lists(db), list(ledger.pointers(db).values())
        needed = needed_paths(self._catalog, current, metadata)
        older = needed_paths(self._catalog, [expiring[number] for number in held], []) - needed
        return needed | older, len(older)

    def _expire(self, grace_seconds: float) -> dict[int, ManifestLists]:
        """Close superseded versions to new readers; from then on their pins can only become fewer."""
        with self._ledger.writing() as db:
            return ledger.expire(db, _now_ms() - int(grace_seconds * 1000))

    def check(self) -> list[str]:
        version = self.version()
        with self._ledger.reading() as db:
            places = ledger.pointers(db)
            lists = ledger.manifest_lists(db, version.number) or {}
        trouble = []
        for table, location in places.items():
            try:
                snapshot = self._catalog.metadata_at(location).current_snapshot()
            except DamagedFileError as error:
                trouble.append(str(error))
                continue
            named = snapshot.manifest_list.removeprefix(self._catalog.root + "/") if snapshot else None
            if named != lists.get(table):
                trouble.append(
                    f"the table {table} is at {named}, version {version.number} at {lists.get(table)}"
                )
        for file in version.files:
            size = self.size(file.path)
            if size != file.bytes:
                trouble.append(f"{file.path} has {size} bytes, the catalogue says {file.bytes}")
        return trouble


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
