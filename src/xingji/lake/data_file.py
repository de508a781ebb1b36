"""Parquet files of the lake: how rows are encoded, what is said of them, and how damage is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xingji.lake.arrow_columns import compacted, int64s, whole
from xingji.lake.part import Int64s
from xingji.lake.wide import Thin, Wide, expanded
from xingji.model.errors import DamagedFileError
from xingji.model.event_table import EVENT_ID, PREFIX, RECEIVED_AT, REST, TIME
from xingji.ports.lake_store import (
    FIXED_COLUMNS,
    OWN,
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
SMALL_COLUMN_VALUES = 256
"""Opening zstd takes longer than to pack so few values any other way."""
SMALL_PART = 500
_NEAR = (USER_ID, TIME, SEQ, RECEIVED_AT)
"""Columns whose neighbours are near each other: stored as differences."""


def subject_of(table: LakeTable) -> Subject:
    """What a table's properties are about."""
    return Subject.USER if table in TABLES_OF[Subject.USER] else Subject.EVENT


def field_ids(table: LakeTable, version: LakeVersion) -> dict[str, int]:
    """The Iceberg field id of every column a file of the table may have."""
    ids = {name: at for at, (name, _) in enumerate(FIXED_COLUMNS[table], start=1)}
    if table is LakeTable.OVERRIDES:
        return ids
    subject = subject_of(table)
    columns, ids[OWN] = version.columns(subject), version.own_field_ids[subject]
    return ids | {PREFIX + name: p.field_id for name, p in columns.items()}


def write_rows(
    store: LakeStore, path: str, table: LakeTable, rows: pa.Table | Wide, ids: Mapping[str, int],
    bucket: int | None = None, month: int | None = None,
) -> LakeFile:  # fmt: skip
    """Write rows, sorted as the table has it, to a new file; columns without a value are left out."""
    written = _worth_writing(rows if isinstance(rows, Wide) else Wide.of(rows), table)
    schema = pa.schema([_with_id(field, ids[field.name]) for field in written.schema])
    content = pa.BufferOutputStream()  # every page is a write, and each to a file of Python's takes its lock
    with pq.ParquetWriter(content, schema, **_encoding(written)) as writer:
        writer.write_table(
            written.cast(schema) if written.schema != schema else written, row_group_size=ROW_GROUP_ROWS
        )
    with store.open_output(path) as file:
        file.write(content.getvalue())
    bounds = {} if table is LakeTable.OVERRIDES else _bounds(written)
    return LakeFile(table, path, written.num_rows, store.size(path), bucket, month, **bounds)


def _worth_writing(rows: Wide, table: LakeTable) -> pa.Table:
    """The columns that have a value, the table's own first, as they are to be written."""
    names = (*rows.dense.schema.names, *rows.thin)
    fixed = [name for name, _ in FIXED_COLUMNS[table] if name in names]
    more = [name for name in names if name.startswith(PREFIX)]
    columns = {name: _worth_a_column(rows, name) for name in fixed + more}
    return pa.table({name: column for name, column in columns.items() if column is not None})


def _worth_a_column(rows: Wide, name: str) -> pa.Array | None:
    if name in rows.thin:
        thin = rows.thin[name]
        if not len(thin.places):
            return None
        return expanded(Thin(thin.places, _without_ballast(thin.values, rows.n_rows)), rows.n_rows)
    column = whole(rows.dense[name])
    optional = name in (RECEIVED_AT, REST, OWN) or name.startswith(PREFIX)
    return None if optional and column.null_count == len(column) else _without_ballast(column, len(column))


def _without_ballast(array: pa.Array, n_rows: int) -> pa.Array:
    # Looking which of few values are used costs more than storing them all.
    if not pa.types.is_dictionary(array.type) or len(array.dictionary) * SMALL_PART <= n_rows:
        return array
    return compacted(array)


def _with_id(field: pa.Field, field_id: int) -> pa.Field:
    return field.with_metadata({b"PARQUET:field_id": str(field_id).encode()})


def _encoding(rows: pa.Table) -> dict[str, object]:
    schema = rows.schema
    steps = [name for name in schema.names if name in _NEAR]
    plain = [name for name in schema.names if name == EVENT_ID]
    coded = [f.name for f in schema if f.name not in (*steps, *plain) and not pa.types.is_boolean(f.type)]
    codec = {name: _codec(name, rows.num_rows - rows[name].null_count) for name in schema.names}
    return {
        "compression": codec,
        "compression_level": {name: COMPRESSION_LEVEL for name, one in codec.items() if one == "zstd"},
        "use_dictionary": coded,
        "column_encoding": dict.fromkeys(steps, "DELTA_BINARY_PACKED") | dict.fromkeys(plain, "PLAIN"),
        "write_statistics": [name for name in schema.names if name in (USER_ID, TIME, SEQ)],
        "write_page_checksum": True,
        "max_rows_per_page": ROW_GROUP_ROWS,
        "store_schema": False,
    }


def _codec(name: str, n_values: int) -> str:
    if name == EVENT_ID:  # random, mostly
        return "none"
    return "zstd" if n_values >= SMALL_COLUMN_VALUES else "snappy"


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


def own_users(rows: pa.Table) -> Int64s | None:
    """The own user of every row, 0 where it is the one it is stored under; None where it always is."""
    if OWN not in rows.schema.names or rows[OWN].null_count == rows.num_rows:
        return None
    return int64s(pc.fill_null(rows[OWN], 0))


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
