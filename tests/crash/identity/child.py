"""A process that works through the lots, erases somebody, and kills itself before its n-th statement."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.crash.identity.work import ERASED, do_rest, open_store
from xingji.govern.identity.resolver import Resolver


def main(folder: str, number: str) -> None:
    """Do the work, unharmed where the number is 0; print the statements until the erasure, and in all."""
    taken = [0]

    def count(statement: str) -> None:
        taken[0] += 1
        if taken[0] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(Path(folder))
    store._database.set_trace_callback(count)
    do_rest(store, lambda lot, resolved: None)
    until_erasure = taken[0]
    Resolver(store).erase(ERASED)
    print(until_erasure, taken[0], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
