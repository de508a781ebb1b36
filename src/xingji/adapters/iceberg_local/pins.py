"""Pins: shared locks on a file for each version, which a reader's death opens."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from xingji.adapters.iceberg_local.locks import try_lock
from xingji.ports.lake_store import LakeVersion


class LocalPin:
    """A hold on one version; closes itself at the end of a `with` block, or when it is forgotten."""

    def __init__(self, handle: int, version: LakeVersion) -> None:
        self._handle: int | None = handle
        self.version = version

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def hold(folder: Path, number: int) -> int:
    """An open handle whose shared lock says that a version is in use; the caller checks that it exists."""
    path = folder / str(number)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # a collector removed the file in between


def drop_if_free(folder: Path, number: int) -> bool:
    """Remove the file of a version that nobody holds; False while somebody does."""
    path = folder / str(number)
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        if not try_lock(handle):
            return False
        path.unlink()
        return True
    finally:
        os.close(handle)
