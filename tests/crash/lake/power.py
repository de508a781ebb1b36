"""A disk that keeps what was synced and nothing else, once the power is cut."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

SQLITE = ("catalog.db", "catalog.db-wal", "catalog.db-shm")
"""SQLite syncs by itself; its files survive as they are, which is the worst case for what they name."""


class PowerCutError(BaseException):
    """The power is gone; no code of ours may catch it."""


class Disk:
    """Follows every fsync below a folder, and can bring back what would be there after a power cut.

    `left_behind` says what becomes of content that was not synced: nothing of it, or its first half.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, left_behind: str = "nothing") -> None:
        self._root, self._left_behind = root, left_behind
        self._content: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self.syncs: list[Path] = []
        self.cut_at: int | None = None
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            self._sync_folder(folder)
            for path in folder.iterdir():
                if path.is_file():
                    self._content[path.stat().st_ino] = path.read_bytes()
        self._fsync = os.fsync
        patch.setattr(os, "fsync", self._on_sync)

    def _on_sync(self, handle: int) -> None:
        if self.cut_at is not None and len(self.syncs) >= self.cut_at:
            raise PowerCutError
        self._fsync(handle)
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        self.syncs.append(path)
        if path.is_dir():
            self._sync_folder(path)
        elif self._root in path.parents:
            self._content[path.stat().st_ino] = path.read_bytes()

    def _sync_folder(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            self._names[folder] = {entry.name: entry.inode() for entry in entries}

    def restore(self) -> None:
        """Put what survives in place of what is there."""
        lost = self._root.with_name("before the cut")
        self._root.rename(lost)
        self._restore_folder(self._root, lost)
        for name in SQLITE:
            for path in lost.rglob(name):
                target = self._root / path.relative_to(lost)
                target.unlink(missing_ok=True)
                if not name.endswith("-shm"):
                    shutil.copy(path, target)
        shutil.rmtree(lost)

    def _restore_folder(self, folder: Path, lost: Path) -> None:
        folder.mkdir()
        for name, inode in self._names.get(folder, {}).items():
            path = folder / name
            was = lost / path.relative_to(self._root)
            if path in self._names or was.is_dir():
                self._restore_folder(path, lost)
            else:
                path.write_bytes(self._content.get(inode, self._unsynced(was)))

    def _unsynced(self, was: Path) -> bytes:
        if self._left_behind == "nothing" or not was.is_file():
            return b""
        content = was.read_bytes()
        return content[: len(content) // 2]
