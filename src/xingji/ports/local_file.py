"""What durable means on a local disk: written, synced, then named, and the folder synced too."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from xingji.model.errors import StorageFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def when_full(folder: Path | str, purpose: str) -> Iterator[None]:
    """Turn the errors of a full disk, whoever raises them, into StorageFullError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left" in str(error):
            raise StorageFullError(str(folder), purpose) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably; does nothing where it exists."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        sync_folder(place.parent)


@contextlib.contextmanager
def open_synced(path: Path) -> Iterator[BinaryIO]:
    """A new file under a name that nobody reads yet; file and folder are durable when the block has ended.

    A block that raises leaves no file.
    """
    make_folder(path.parent)
    try:
        with open(path, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace_synced(path: Path, content: bytes) -> None:
    """Put `content` in place of what `path` holds: readers see the old or the new, also after a crash."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open_synced(fresh) as file:
        file.write(content)
    fresh.replace(path)
    sync_folder(path.parent)
