"""kill -9 in the middle of work: the lake is whole, and the work can be done again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.lake.work import KINDS, check_done, check_whole, close, open_lake, prepare
from tests.shared_data import ROOT

pytestmark = pytest.mark.slow

SHARES = {"append": 3, "import": 5, "compact": 4, "tails": 3, "merge": 2, "lot": 4, "unmerge": 2, "erase": 3}
"""At how many points, from the first fsync to the last, each kind's process is killed."""


@pytest.fixture(scope="module")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake to begin with."""
    home = tmp_path_factory.mktemp("kill") / "home"
    lake = open_lake(home)
    prepare(lake)
    close(lake)
    return home


@pytest.fixture
def home(prepared_home: Path) -> Iterator[Path]:
    """The lake to begin with, afresh; its files are named by where they are, so it is put back there."""
    saved = prepared_home.with_name("saved")
    shutil.copytree(prepared_home, saved)
    yield prepared_home
    shutil.rmtree(prepared_home)
    saved.rename(prepared_home)


def start(home: Path, kind: str, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.crash.lake.child", str(home), kind, str(number)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def check_after(home: Path, kind: str) -> None:
    lake = open_lake(home)
    check_whole(lake, kind)
    KINDS[kind].do(lake)
    check_done(lake, kind)
    close(lake)


@pytest.mark.parametrize(
    ("kind", "point"), [(kind, point) for kind, points in SHARES.items() for point in range(points)]
)
def test_killed_at_a_sync(home: Path, kind: str, point: int, syncs: dict[str, int]) -> None:
    number = 1 + (syncs[kind] - 1) * point // (SHARES[kind] - 1)
    child = start(home, kind, number)
    _, errors = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, errors.decode()
    check_after(home, kind)


@pytest.mark.parametrize("kind", ["import", "compact", "erase"])
def test_killed_from_outside(home: Path, kind: str) -> None:
    child = start(home, kind, 0)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.05)
    child.kill()
    child.communicate()
    check_after(home, kind)
