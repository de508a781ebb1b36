"""PyIceberg's SQL catalogue, able to prepare new metadata of several tables before any is published."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import ValidationError
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import (
    AddSchemaUpdate,
    AddSnapshotUpdate,
    RemoveSchemasUpdate,
    RemoveSnapshotsUpdate,
    SetCurrentSchemaUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
    update_table_metadata,
)
from sqlalchemy import URL, event
from sqlalchemy.exc import DBAPIError

from xingji.adapters.iceberg_local.file_io import DurableFileIO
from xingji.adapters.iceberg_local.manifests import TableFiles, to_data_file
from xingji.adapters.iceberg_local.tables import Design, with_columns
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import LakeFile, Property

NAMESPACE = "lake"
NAME = "xingji"
_PROPERTIES = {
    "write.metadata.previous-versions-max": "1",
    "write.metadata.metrics.default": "none",
    "write.parquet.compression-codec": "zstd",
}


@dataclass(frozen=True)
class Staged:
    """A table's next metadata, written and synced, which nobody sees until its pointer moves."""

    table: str
    before: str | None
    after: str
    metadata: TableMetadata

    @property
    def manifest_list(self) -> str | None:
        """Where the table's current snapshot lists its manifests."""
        snapshot = self.metadata.current_snapshot()
        return snapshot.manifest_list if snapshot else None


def set_pragmas(connection: sqlite3.Connection) -> None:
    """A commit is on the disk when it returns; what is deleted is overwritten."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


class LakeCatalog(SqlCatalog):
    """The catalogue of one lake; other engines open the same tables through Iceberg's JDBC catalogue."""

    def __init__(self, database: Path, warehouse: Path) -> None:
        io_class = f"{DurableFileIO.__module__}.{DurableFileIO.__name__}"
        properties = {
            "uri": URL.create("sqlite", database=str(database)).render_as_string(),
            "warehouse": warehouse.as_uri(),
            "py-io-impl": io_class,
        }
        try:
            super().__init__(NAME, **properties)
            event.listen(self.engine, "connect", lambda connection, _: set_pragmas(connection))
            if not self.namespace_exists(NAMESPACE):
                self.create_namespace(NAMESPACE)
        except DBAPIError as error:
            raise (error.orig if isinstance(error.orig, sqlite3.Error) else error) from error
        self.io = DurableFileIO()
        self.files = TableFiles(self.io)
        self.root = warehouse.as_uri()
        self._seen: dict[str, TableMetadata] = {}

    def close(self) -> None:
        self.engine.dispose()

    def metadata_at(self, location: str) -> TableMetadata:
        """Table metadata by location; it never changes, so the latest of each table is remembered.

        Raises:
            DamagedFileError: it is not there, or not legible.
        """
        if location not in self._seen:
            self._remember(location, self._read_metadata(location))
        return self._seen[location]

    def _read_metadata(self, location: str) -> TableMetadata:
        try:
            return FromInputFile.table_metadata(self.io.new_input(location))
        except (OSError, ValueError, ValidationError) as error:
            name, reason = location.removeprefix(self.root + "/"), type(error).__name__
            raise DamagedFileError(name, f"the table's description cannot be read ({reason})") from error

    def _remember(self, location: str, metadata: TableMetadata) -> None:
        older = [other for other in self._seen if other.rpartition("/")[0] == location.rpartition("/")[0]]
        for other in older[:-1]:  # the last but one is still what an unpublished change was made from
            del self._seen[other]
        self._seen[location] = metadata

    def stage_new(self, table: str, design: Design) -> Staged:
        """Write the first metadata of a table."""
        location = f"{self.root}/{table}"
        metadata = new_table_metadata(
            design.schema, design.partitions, design.order, location, dict(_PROPERTIES)
        )
        return self._write(table, None, metadata, 0)

    def stage(
        self, table: str, before: str, add: Sequence[LakeFile], remove: Sequence[LakeFile],
        columns: list[Property], operation: Operation,
    ) -> Staged:  # fmt: skip
        """Write the manifests and metadata of a table after a change, without publishing them."""
        metadata = self.metadata_at(before)
        updates: list[TableUpdate] = []
        if columns:
            updates += _new_schema(with_columns(metadata.schema(), columns))
            metadata = update_table_metadata(metadata, tuple(updates))
        if add or remove:
            updates += self._snapshot(metadata, add, remove, operation)
        return self._stage(table, before, updates)

    def stage_schema(self, table: str, before: str, schema: Schema) -> Staged:
        """Write the metadata of a table with another schema, without publishing it."""
        return self._stage(table, before, _new_schema(schema))

    def _stage(self, table: str, before: str, updates: list[TableUpdate]) -> Staged:
        after = update_table_metadata(self.metadata_at(before), tuple(updates), metadata_location=before)
        used = {after.current_schema_id} | {snapshot.schema_id for snapshot in after.snapshots}
        if unused := [schema.schema_id for schema in after.schemas if schema.schema_id not in used]:
            after = update_table_metadata(
                after, (RemoveSchemasUpdate.model_validate({"schema-ids": unused}),)
            )
        return self._write(table, before, after, self._parse_metadata_version(before) + 1)

    def _snapshot(
        self,
        metadata: TableMetadata,
        add: Sequence[LakeFile],
        remove: Sequence[LakeFile],
        operation: Operation,
    ) -> list[TableUpdate]:
        snapshot_id = metadata.new_snapshot_id()
        spec_id = metadata.default_spec_id
        fresh = [to_data_file(file, f"{self.root}/{file.path}", spec_id) for file in add]
        gone = frozenset(f"{self.root}/{file.path}" for file in remove)
        described = {
            "snapshot-id": snapshot_id,
            "parent-snapshot-id": metadata.current_snapshot_id,
            "sequence-number": metadata.next_sequence_number(),
            "manifest-list": self.files.write(metadata, snapshot_id, fresh, gone),
            "summary": _summary(metadata, add, remove, operation),
            "schema-id": metadata.current_schema_id,
        }
        head = {"ref-name": MAIN_BRANCH, "type": SnapshotRefType.BRANCH, "snapshot-id": snapshot_id}
        updates: list[TableUpdate] = [
            AddSnapshotUpdate(snapshot=Snapshot.model_validate(described)),
            SetSnapshotRefUpdate.model_validate(head),
        ]
        # Older snapshots are named by lake versions that readers pin; Iceberg's own list would only grow.
        if old := [snapshot.snapshot_id for snapshot in metadata.snapshots]:
            updates.append(RemoveSnapshotsUpdate.model_validate({"snapshot-ids": old}))
        return updates

    def _write(self, table: str, before: str | None, metadata: TableMetadata, version: int) -> Staged:
        after = f"{metadata.location}/metadata/{version:05d}-{metadata.new_snapshot_id():019d}.metadata.json"
        ToOutputFile.table_metadata(metadata, self.io.new_output(after), overwrite=False)
        self._remember(after, metadata)
        return Staged(table, before, after, metadata)


def _new_schema(schema: Schema) -> list[TableUpdate]:
    return [
        AddSchemaUpdate(schema=schema),
        SetCurrentSchemaUpdate.model_validate({"schema-id": schema.schema_id}),
    ]


def _summary(
    metadata: TableMetadata, add: Sequence[LakeFile], remove: Sequence[LakeFile], operation: Operation
) -> Summary:
    current = metadata.current_snapshot()
    before = current.summary if current and current.summary else None
    totals = {
        "total-data-files": len(add) - len(remove),
        "total-records": sum(file.rows for file in add) - sum(file.rows for file in remove),
        "total-files-size": sum(file.bytes for file in add) - sum(file.bytes for file in remove),
    }
    counted = {
        key: str(change + int((before[key] if before else None) or 0)) for key, change in totals.items()
    }
    counted["added-data-files"] = str(len(add))
    counted["deleted-data-files"] = str(len(remove))
    return Summary(operation=operation, **counted)
