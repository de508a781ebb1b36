"""A process that works through the lots and kills itself before its n-th step on the disk; 0: never."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.crash.dedup.work import at_every_step, do_rest, open_seen
from tests.unit.govern.dedup.reference import make_small


def main(folder: str, number: str) -> None:
    """Do the work, and say how many steps it took."""
    patch, taken = pytest.MonkeyPatch(), [0]
    make_small(patch)

    def count() -> None:
        taken[0] += 1
        if taken[0] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    at_every_step(patch, count)
    seen = open_seen(Path(folder))
    do_rest(seen)
    seen.close()
    print(taken[0], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
