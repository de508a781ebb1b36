"""Parquet files of the lake: how rows are encoded, what is said of them, and how damage is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from xingji.lake.arrow_columns import compacted, int64s, whole
from xingji.model.errors import DamagedFileError
from xingji.model.event_table import EVENT_ID, PREFIX, RECEIVED_AT, REST, TIME
from xingji.ports.lake_store import (
    FIXED_COLUMNS,
    SEQ,
    TABLES_OF,
    USER_ID,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    Subject,
)

ROW_GROUP_ROWS = 512 * 1024
COMPRESSION_LEVEL = 3
SMALL_PART = 500
_NEAR = (USER_ID, TIME, SEQ, RECEIVED_AT)
"""Columns whose neighbours are near each other: stored as differences."""


def subject_of(table: LakeTable) -> Subject:
    """What a table's properties are about."""
    return Subject.USER if table in TABLES_OF[Subject.USER] else Subject.EVENT


def field_ids(table: LakeTable, version: LakeVersion) -> dict[str, int]:
    """The Iceberg field id of every column a file of the table may have."""
    ids = {name: at for at, (name, _) in enumerate(FIXED_COLUMNS[table], start=1)}
    columns = version.columns(subject_of(table)) if table is not LakeTable.OVERRIDES else {}
    return ids | {PREFIX + name: p.field_id for name, p in columns.items()}


def write_rows(
    store: LakeStore, path: str, table: LakeTable, rows: pa.Table, ids: Mapping[str, int],
    bucket: int | None = None, month: int | None = None,
) -> LakeFile:  # fmt: skip
    """Write rows, sorted as the table has it, to a new file; columns without a value are left out."""
    rows = _worth_writing(rows, table)
    schema = pa.schema([_with_id(field, ids[field.name]) for field in rows.schema])
    with (
        store.open_output(path) as file,
        pq.ParquetWriter(file, schema, **_encoding(rows.schema)) as writer,
    ):
        writer.write_table(
            rows.cast(schema) if rows.schema != schema else rows, row_group_size=ROW_GROUP_ROWS
        )
    bounds = {} if table is LakeTable.OVERRIDES else _bounds(rows)
    return LakeFile(table, path, rows.num_rows, store.size(path), bucket, month, **bounds)


def _worth_writing(rows: pa.Table, table: LakeTable) -> pa.Table:
    fixed = [name for name, _ in FIXED_COLUMNS[table] if name in rows.schema.names]
    more = [name for name in rows.schema.names if name.startswith(PREFIX)]
    optional = {RECEIVED_AT, REST, *more}
    kept = [n for n in fixed + more if n not in optional or rows[n].null_count < rows.num_rows]
    return pa.table([_without_ballast(whole(rows[name])) for name in kept], names=kept)


def _without_ballast(array: pa.Array) -> pa.Array:
    # Looking which of few values are used costs more than storing them all.
    if not pa.types.is_dictionary(array.type) or len(array.dictionary) * SMALL_PART <= len(array):
        return array
    return compacted(array)


def _with_id(field: pa.Field, field_id: int) -> pa.Field:
    return field.with_metadata({b"PARQUET:field_id": str(field_id).encode()})


def _encoding(schema: pa.Schema) -> dict[str, object]:
    steps = [name for name in schema.names if name in _NEAR]
    plain = [name for name in schema.names if name == EVENT_ID]
    coded = [f.name for f in schema if f.name not in (*steps, *plain) and not pa.types.is_boolean(f.type)]
    codec = {name: "none" if name == EVENT_ID else "zstd" for name in schema.names}
    return {
        "compression": codec,
        "compression_level": {name: COMPRESSION_LEVEL for name in schema.names if name != EVENT_ID},
        "use_dictionary": coded,
        "column_encoding": dict.fromkeys(steps, "DELTA_BINARY_PACKED") | dict.fromkeys(plain, "PLAIN"),
        "write_statistics": [name for name in schema.names if name in (USER_ID, TIME, SEQ)],
        "write_page_checksum": True,
        "max_rows_per_page": ROW_GROUP_ROWS,
        "store_schema": False,
    }


def _bounds(rows: pa.Table) -> dict[str, int]:
    times, users = int64s(rows[TIME]), int64s(rows[USER_ID])
    return {
        "first_us": int(times.min()),
        "last_us": int(times.max()),
        "first_user": int(users.min()),
        "last_user": int(users.max()),
    }


def read_rows(store: LakeStore, file: LakeFile, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a file, or some of its columns (those it lacks are left out); strings as dictionaries.

    Raises:
        DamagedFileError: the file is not what was written.
    """
    with _opened(store, file) as opened:
        stored = opened.schema_arrow.names
        wanted = None if columns is None else [name for name in columns if name in stored]
        rows = opened.read(columns=wanted)
        if rows.num_rows != file.rows:
            raise DamagedFileError(file.path, f"it has {rows.num_rows} rows, the catalogue says {file.rows}")
    return rows.replace_schema_metadata(None)


def read_groups(store: LakeStore, file: LakeFile) -> Iterator[pa.Table]:
    """The rows of a file in pieces of bounded size.

    Raises:
        DamagedFileError: the file is not what was written.
    """
    with _opened(store, file) as opened:
        for group in range(opened.num_row_groups):
            yield opened.read_row_group(group).replace_schema_metadata(None)


@contextmanager
def _opened(store: LakeStore, file: LakeFile) -> Iterator[pq.ParquetFile]:
    try:
        with store.open_input(file.path) as source:
            stored = pq.read_schema(source)
            texts = [f.name for f in stored if f.type == pa.string() and f.name != REST]
            source.seek(0)
            yield pq.ParquetFile(source, page_checksum_verification=True, read_dictionary=texts)
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(file.path, str(error).splitlines()[0]) from error


def column_names(store: LakeStore, file: LakeFile) -> list[str]:
    """The columns that a file has.

    Raises:
        DamagedFileError: the file is not what was written.
    """
    with _opened(store, file) as opened:
        return list(opened.schema_arrow.names)
