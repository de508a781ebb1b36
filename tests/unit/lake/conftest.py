"""Small lakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.lake.rows import LAKE_BUCKETS
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake.lake import Lake

Reopen = Callable[[], Lake]


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Opens the lake anew, as another process would."""
    stores: list[IcebergLocalStore] = []

    def again() -> Lake:
        stores.append(IcebergLocalStore(tmp_path / "lake", LAKE_BUCKETS))
        return Lake(stores[-1], tmp_path / "prepared")

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def lake(reopen: Reopen) -> Lake:
    return reopen()
