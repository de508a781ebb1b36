"""A process that does one kind of work on a lake and kills itself when it syncs a file for the n-th time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.crash.lake.work import KINDS, make_work_large, open_lake


def kill_at_sync(number: int) -> None:
    """Arrange for SIGKILL in place of the n-th fsync from now on; 0: never."""
    fsync, left = os.fsync, [number]

    def count(handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)

    os.fsync = count


def main(home: str, kind: str, number: str) -> None:
    """Do the work in the home's lake."""
    make_work_large(pytest.MonkeyPatch())  # for good: the process is this work's alone
    lake = open_lake(Path(home))
    print("ready", flush=True)
    kill_at_sync(int(number))
    KINDS[kind].do(lake)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
