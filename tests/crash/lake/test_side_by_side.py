"""Processes write, compact and read one lake at once: everything arrives, no reader sees half of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.lake.work import close, open_lake
from tests.shared_data import ROOT
from tests.unit.lake.rows import Event, event_table, rows_of

pytestmark = pytest.mark.slow

WRITERS, BATCHES, EVENTS = 3, 12, 7


def events_of(writer: int, batch: int) -> list[Event]:
    """One batch: as many events of the writer's own user as the reader expects to see together."""
    return [Event(f"w{writer}", f"b{batch}", batch + at / 100) for at in range(EVENTS)]


def write(home: str, writer: str) -> None:
    """Append all batches, each twice."""
    lake = open_lake(Path(home))
    for batch in range(BATCHES):
        for _ in range(2):
            lake.append(f"{writer} {batch}", event_table(events_of(int(writer), batch)))


def tidy(home: str) -> None:
    """Compact and collect over and over."""
    lake = open_lake(Path(home))
    for _ in range(6):
        lake.compact()
        lake.collect()


def start(home: Path, work: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", __name__, work, str(home), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def test_writers_compaction_and_readers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lake = open_lake(home)
    children = [start(home, "write", str(writer)) for writer in range(WRITERS)] + [start(home, "tidy")]
    seen = 0
    while any(child.poll() is None for child in children):
        counts: dict[tuple[str, str], int] = {}
        for user, _, name, _ in rows_of(lake):
            counts[user, name] = counts.get((user, name), 0) + 1
        assert set(counts.values()) <= {EVENTS}
        assert len(counts) >= seen
        seen = len(counts)
    for child in children:
        _, errors = child.communicate()
        assert child.returncode == 0, errors.decode()
    assert len(rows_of(lake)) == WRITERS * BATCHES * EVENTS
    lake.compact()
    lake.collect()
    assert len(rows_of(lake)) == WRITERS * BATCHES * EVENTS
    assert lake.find_trouble() == []
    close(lake)


if __name__ == "__main__":
    {"write": write, "tidy": tidy}[sys.argv[1]](*sys.argv[2:])
