"""Every adapter of the LakeStore port, fresh for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.model.event_table import TIME_TYPE
from xingji.ports.lake_store import LakeFile, LakeStore, LakeTable, WorkSession

ADAPTERS: dict[str, Callable[[Path], Any]] = {
    "iceberg_local": lambda folder: IcebergLocalStore(folder, n_buckets=4),
}


@pytest.fixture(params=list(ADAPTERS))
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], LakeStore]]:
    """Opens the same lake once more, as another process would."""
    stores: list[Any] = []

    def again() -> LakeStore:
        stores.append(ADAPTERS[request.param](tmp_path / "lake"))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def store(reopen: Callable[[], LakeStore]) -> LakeStore:
    return reopen()


def put_file(
    store: LakeStore,
    rows: int = 2,
    table: LakeTable = LakeTable.EVENTS_TAIL,
    session: WorkSession | None = None,
) -> LakeFile:
    """A file in the store that no version names yet."""
    bucket, month = (3, 610) if table is LakeTable.EVENTS else (None, None)
    path = session.new_path(table, bucket, month) if session else store.new_path(table)
    users = pa.array(range(1, rows + 1), pa.int64())
    data = pa.table({"user_id": users, "time": users.cast(TIME_TYPE)})
    with store.open_output(path) as file:
        pq.write_table(data, file)
    return LakeFile(table, path, rows, store.size(path), bucket, month, 1, rows, 1, rows)
