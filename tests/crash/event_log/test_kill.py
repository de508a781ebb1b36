"""Whatever moment a writer is killed at: what it acknowledged is there, once, whole and in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.event_log.batches import batch
from tests.shared_data import ROOT
from xingji.adapters.sqlite_log import SqliteLog
from xingji.ports.event_log import LogEntry

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("XINGJI_TEST_KILLS", "8"))
"""More of them where there is time."""
_STEP = 1_000_000


def run_and_kill(folder: Path, first: int, seconds: float) -> list[tuple[int, int, int]]:
    """What a writer acknowledged before it was killed: thread, number and offset."""
    command = [sys.executable, "-m", "tests.crash.event_log.child", str(folder), str(first)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    time.sleep(seconds)
    child.kill()
    lines += child.communicate()[0].splitlines(keepends=True)
    assert child.returncode == -signal.SIGKILL
    return [tuple(map(int, line.split())) for line in lines if line.endswith(b"\n")]  # type: ignore[misc]


def all_of(folder: Path) -> list[LogEntry]:
    log = SqliteLog(folder, writes=True)
    found: list[LogEntry] = []
    while more := log.read(found[-1].offset if found else 0, 4 << 20):
        found += more
    log.close()
    return found


def test_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    dice = random.Random(7)
    acknowledged: dict[int, tuple[int, int]] = {}
    for kill in range(KILLS):
        lines = run_and_kill(tmp_path / "log", kill * _STEP, dice.uniform(0, 0.3))
        acknowledged |= {offset: (thread, number) for thread, number, offset in lines}
        entries = all_of(tmp_path / "log")
        kept = {entry.offset: entry.batch for entry in entries}
        assert len(kept) == len(entries)
        assert {offset: batch(*which) for offset, which in acknowledged.items()}.items() <= kept.items()
        for thread in range(4):
            numbers = [each.received_us for each in kept.values() if each.key_id == f"key-{thread}"]
            assert numbers == sorted(set(numbers))
    assert len(acknowledged) > 20 * KILLS
