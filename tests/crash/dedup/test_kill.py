"""kill -9 at any step: what was committed is known, what was not is asked again and gets the same answer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.dedup.work import check_done, check_whole, do_rest, open_seen
from tests.shared_data import ROOT
from tests.unit.govern.dedup.reference import make_small

pytestmark = pytest.mark.slow

POINTS = 24
"""At so many steps, from the first to the last, a process is killed; the power is cut at every one."""


def run(folder: Path, number: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.dedup.child", str(folder), str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def n_steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    done = run(tmp_path_factory.mktemp("steps") / "seen", 0)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_at_a_step(tmp_path: Path, point: int, n_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    folder = tmp_path / "seen"
    killed = run(folder, 1 + (n_steps - 1) * point // (POINTS - 1))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    seen = open_seen(folder)
    check_whole(seen, folder)
    do_rest(seen)
    check_done(seen)
    seen.close()


def test_killed_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    folder = tmp_path / "seen"
    for number in range(30, 60, 3):
        run(folder, number)
    seen = open_seen(folder)
    check_whole(seen, folder)
    do_rest(seen)
    check_done(seen)
    seen.close()
