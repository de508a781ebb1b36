"""How often each kind of work syncs, so that trouble can be staged at any share of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash.lake.work import KINDS, close, make_work_large, open_lake, prepare


def syncs_of(kind: str, home: Path) -> int:
    """Do the work on a fresh lake, and count."""
    fsync, counted = os.fsync, []

    def count(handle: int) -> None:
        counted.append(handle)
        fsync(handle)

    with pytest.MonkeyPatch.context() as patch:
        make_work_large(patch)
        lake = open_lake(home)
        prepare(lake)
        patch.setattr(os, "fsync", count)
        KINDS[kind].do(lake)
    close(lake)
    return len(counted)


@pytest.fixture(autouse=True)
def large_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done as large work is, in these tests and in no other."""
    make_work_large(monkeypatch)


@pytest.fixture(scope="session")
def syncs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The number of fsyncs of each kind of work."""
    return {kind: syncs_of(kind, tmp_path_factory.mktemp(kind) / "home") for kind in KINDS}
