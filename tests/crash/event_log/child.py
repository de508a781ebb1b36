"""A process that submits batches from several threads and says which were acknowledged."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from tests.crash.event_log.batches import batch
from xingji.adapters.sqlite_log import SqliteLog


def submit_all(log: SqliteLog, thread: int, first: int) -> None:
    """Submit batches, some ahead, and write each thread, number and offset once it is acknowledged."""
    number = first
    while True:
        group = [(at, log.submit(batch(thread, at))) for at in range(number, number + 5)]
        for at, future in group:
            os.write(sys.stdout.fileno(), f"{thread} {at} {future.result()}\n".encode())
        number += 5


def main(folder: str, first: str) -> None:
    """Submit batches numbered from `first` on into the log of a folder."""
    log = SqliteLog(Path(folder), writes=True)
    for thread in range(4):
        threading.Thread(target=submit_all, args=(log, thread, int(first)), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
