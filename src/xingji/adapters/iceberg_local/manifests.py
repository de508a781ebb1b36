"""The files of a table as Iceberg keeps them: manifest entries in few manifests, named by one list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

from pyiceberg.conversions import from_bytes, to_bytes
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, TimestamptzType

from xingji.adapters.iceberg_local.tables import SORT_ORDER_ID
from xingji.ports.lake_store import LakeFile, LakeTable

MAX_MANIFESTS = 8
"""More manifests than this are merged into one by the commit that finds them."""
MAX_REMEMBERED = 64
_USER, _TIME = 1, 2
_LONG, _INSTANT = LongType(), TimestamptzType()


def to_data_file(file: LakeFile, location: str, spec_id: int) -> DataFile:
    """A file of the lake as Iceberg describes it."""
    partition = [value for value in (file.bucket, file.month) if value is not None]
    bounded = file.table is not LakeTable.OVERRIDES
    entry = DataFile.from_args(
        _table_format_version=2,
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=Record(*partition),
        record_count=file.rows,
        file_size_in_bytes=file.bytes,
        lower_bounds=_bounds(file.first_user, file.first_us) if bounded else None,
        upper_bounds=_bounds(file.last_user, file.last_us) if bounded else None,
        sort_order_id=SORT_ORDER_ID if bounded else None,
    )
    entry.spec_id = spec_id
    return entry


def _bounds(user: int, time_us: int) -> dict[int, bytes]:
    return {_USER: to_bytes(_LONG, user), _TIME: to_bytes(_INSTANT, time_us)}


def to_lake_file(table: LakeTable, entry: DataFile, root: str) -> LakeFile:
    """The reverse of `to_data_file`; `root` is the location that paths are relative to."""
    partition = [entry.partition[at] for at in range(len(entry.partition))] + [None, None]
    low, high = entry.lower_bounds or {}, entry.upper_bounds or {}
    return LakeFile(
        table,
        entry.file_path.removeprefix(root + "/"),
        entry.record_count,
        entry.file_size_in_bytes,
        *partition[:2],
        *(_number(bounds, _TIME, _INSTANT) for bounds in (low, high)),
        *(_number(bounds, _USER, _LONG) for bounds in (low, high)),
    )


def _number(bounds: dict[int, bytes], column: int, kind: LongType | TimestamptzType) -> int:
    return int(from_bytes(kind, bounds[column])) if column in bounds else 0


class TableFiles:
    """Reads and writes the manifests of tables through one FileIO."""

    def __init__(self, io: FileIO) -> None:
        self._io = io
        self._read: dict[str, list[ManifestEntry]] = {}

    def entries(self, manifest: ManifestFile) -> list[ManifestEntry]:
        """The live entries of a manifest; manifests never change, so they are read once."""
        path = manifest.manifest_path
        if path not in self._read:
            if len(self._read) >= MAX_REMEMBERED:
                self._read.clear()
            self._read[path] = manifest.fetch_manifest_entry(self._io, discard_deleted=True)
        return self._read[path]

    def manifests(self, manifest_list: str | None) -> list[ManifestFile]:
        """The manifests that a list names; none for a table without a snapshot."""
        return list(read_manifest_list(self._io.new_input(manifest_list))) if manifest_list else []

    def live(self, manifest_list: str | None) -> Iterator[ManifestEntry]:
        """Every live entry of a snapshot."""
        for manifest in self.manifests(manifest_list):
            yield from self.entries(manifest)

    def write(
        self, metadata: TableMetadata, snapshot_id: int, add: Sequence[DataFile], remove: frozenset[str]
    ) -> str:
        """Write the manifests and list of a snapshot that follows the current one; gives the list's location.

        Manifests that lose no file are kept as they are, unless there are too many of them.
        """
        current = metadata.current_snapshot()
        kept, loose = self._sift(self.manifests(current.manifest_list if current else None), remove)
        fresh = [
            ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, data_file=file)
            for file in add
        ]
        written = [self._write_manifest(metadata, snapshot_id, fresh, loose)] if fresh or loose else []
        location = f"{metadata.location}/metadata/snap-{snapshot_id}-{uuid4()}.avro"
        with write_manifest_list(
            format_version=2,
            output_file=self._io.new_output(location),
            snapshot_id=snapshot_id,
            parent_snapshot_id=current.snapshot_id if current else None,
            sequence_number=metadata.next_sequence_number(),
            avro_compression="deflate",
        ) as writer:
            writer.add_manifests(written + kept)
        return location

    def _sift(
        self, manifests: list[ManifestFile], remove: frozenset[str]
    ) -> tuple[list[ManifestFile], list[ManifestEntry]]:
        """Manifests to keep as they are, and the entries of the others that go into a new one."""
        kept: list[ManifestFile] = []
        loose: list[ManifestEntry] = []
        crowded = len(manifests) >= MAX_MANIFESTS
        for manifest in manifests:
            entries = self.entries(manifest)
            left = [entry for entry in entries if entry.data_file.file_path not in remove]
            if crowded or len(left) < len(entries):
                loose.extend(left)
            else:
                kept.append(manifest)
        return kept, loose

    def _write_manifest(
        self, metadata: TableMetadata, snapshot_id: int, fresh: list[ManifestEntry], old: list[ManifestEntry]
    ) -> ManifestFile:
        output = self._io.new_output(f"{metadata.location}/metadata/{uuid4()}-m0.avro")
        with write_manifest(2, metadata.spec(), metadata.schema(), output, snapshot_id, "deflate") as writer:
            for entry in fresh:
                writer.add(entry)
            for entry in old:
                writer.existing(entry)
        return writer.to_manifest_file()
