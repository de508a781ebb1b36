"""The disk is full: one clear error, nothing half-written, and lots go on when there is room again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from tests.crash.lake.test_full_disk import fill, small_disk
from tests.unit.govern.dedup.reference import START_US
from xingji.govern.dedup import SeenIds
from xingji.model.errors import StorageFullError

__all__ = ["small_disk"]
LOT_IDS = 2_000


def lot_of(number: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    dice = np.random.default_rng(number)
    return dice.integers(0, 2**64, (LOT_IDS, 2), dtype=np.uint64), np.full(LOT_IDS, START_US + number)


def do(seen: SeenIds, number: int) -> None:
    assert seen.split(number, *lot_of(number)).all()
    seen.commit(number)


def has_room(seen: SeenIds, number: int) -> bool:
    """Do a lot, if there is room for it."""
    try:
        do(seen, number)
    except StorageFullError:
        return False
    return True


@pytest.mark.parametrize("leave_bytes", [0, 10_000, 60_000, 70_000, 150_000])
def test_a_lot_without_room_can_be_committed_later(small_disk: Path, leave_bytes: int) -> None:
    folder = small_disk / "seen"
    seen = SeenIds(folder)
    for number in range(20):
        do(seen, number)
    ballast, committed = fill(small_disk, leave_bytes), 20
    while committed < 30 and has_room(seen, committed):
        committed += 1
    before = set(folder.iterdir())
    for _ in range(3):  # trying again leaves nothing behind that would fill the disk further
        assert not has_room(seen, committed)
    assert set(folder.iterdir()) <= before
    assert (seen.lot, seen.n_ids) == (committed - 1, committed * LOT_IDS)
    fill(small_disk, 0)
    with pytest.raises(StorageFullError, match="no room left in "):
        seen.forget(lot_of(3)[0][:5])
    ballast.unlink()
    do(seen, committed)
    assert seen.forget(lot_of(3)[0][:5]) == 5
    seen.close()
    seen = SeenIds(folder)
    assert seen.n_ids == (committed + 1) * LOT_IDS - 5
    assert not seen.split(committed + 1, *lot_of(4)).any()
    seen.check()
    seen.close()


def test_lots_go_on_when_a_merge_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xingji.govern.dedup import merge

    class Full(merge.RunWriter):
        def add(self, ids: object) -> None:
            raise StorageFullError(str(self.path.parent), "merge")

    seen = SeenIds(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(merge, "RunWriter", Full)
        for number in range(12):
            do(seen, number)
    assert seen.n_runs == 12
    do(seen, 12)
    assert seen.n_runs < 12
    assert len(list(tmp_path.glob("*"))) <= 14
    seen.close()


def test_no_merge_begins_where_there_is_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = SeenIds(tmp_path)
    disk = os.statvfs(tmp_path)
    little = os.statvfs_result((*disk[:3], 1, 1, *disk[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: little)
    for number in range(12):
        do(seen, number)
    assert seen.n_runs == 12
    seen.close()


def test_a_fault_of_the_disk_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = SeenIds(tmp_path)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    seen.split(1, *lot_of(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="broken"):
            seen.commit(1)
    seen.commit(1)
    seen.check()
    assert seen.n_ids == LOT_IDS
    seen.close()
