"""The disk is full: one clear error, nothing half-written, and the work goes on when there is room again."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.lake.work import KINDS, close, open_lake, prepare, read
from tests.unit.lake.rows import event_table, some_events
from xingji.lake.lake import Lake
from xingji.model.errors import StorageFullError

SIZE = "16m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here; it takes the rights of an administrator")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """Use up the disk but for some bytes."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        file.truncate(max(file.tell() - leave_bytes, 0))
    return ballast


def do(lake: Lake, kind: str) -> bool:
    """Whether there was room for the work."""
    try:
        KINDS[kind].do(lake)
    except StorageFullError:
        return False
    return True


@pytest.mark.parametrize("leave_bytes", [0, 20_000, 60_000, 150_000])
@pytest.mark.parametrize("kind", KINDS)
def test_work_without_room_changes_nothing_and_can_be_done_later(
    small_disk: Path, kind: str, leave_bytes: int
) -> None:
    lake = open_lake(small_disk / "home")
    prepare(lake)
    before = read(lake)
    ballast = fill(small_disk, leave_bytes)
    done = do(lake, kind)
    ballast.unlink()
    assert read(lake) == (KINDS[kind].after if done else before)
    KINDS[kind].do(lake)
    assert read(lake) == KINDS[kind].after
    assert lake.find_trouble() == []
    close(lake)


def test_appends_until_the_disk_is_full_keep_what_was_acknowledged(small_disk: Path) -> None:
    lake = open_lake(small_disk / "home")
    table, kept = event_table(some_events(1_000)), 0
    with contextlib.suppress(StorageFullError):
        while kept < 1_000_000:
            lake.append(f"{kept}", table)
            kept += table.num_rows
    assert kept < 1_000_000
    with lake.snapshot() as snapshot:
        assert snapshot.n_events == kept
    close(lake)
