"""Locks that die with their process: flock on small files that name the holder."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xingji.model.errors import BusyError

_PAUSE_SECONDS = 0.01


def try_lock(handle: int, mode: int = fcntl.LOCK_EX) -> bool:
    """Take a lock on an open file if it is free."""
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FileLock:
    """One holder at a time, over threads and processes; re-entrant within a thread."""

    def __init__(self, path: Path, what: str, wait_seconds: float) -> None:
        self._path, self._what, self._wait_seconds = path, what, wait_seconds
        self._mine = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a block.

        Raises:
            BusyError: nobody let go within the time to wait.
        """
        deadline = time.monotonic() + self._wait_seconds
        if not self._mine.acquire(timeout=max(self._wait_seconds, 0.0)):
            raise BusyError(self._what, f"another thread of process {os.getpid()}")
        try:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._take(handle, deadline)
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0
            finally:
                os.close(handle)
        finally:
            self._mine.release()

    def _take(self, handle: int, deadline: float) -> None:
        while not try_lock(handle):
            if time.monotonic() >= deadline:
                raise BusyError(self._what, f"process {holder_of(handle)}")
            time.sleep(_PAUSE_SECONDS)
        sign(handle)


def sign(handle: int) -> None:
    """Write who holds a lock into its file, for messages only: a full disk does not matter here."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)


def holder_of(handle: int) -> str:
    """The process that signed a lock's file last."""
    return os.pread(handle, 20, 0).decode(errors="replace") or "unknown"
