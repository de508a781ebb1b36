"""Work sessions: markers that keep unfinished files from collection, also those of a killed process."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from uuid import uuid4

from xingji.adapters.iceberg_local.locks import holder_of, sign, try_lock
from xingji.model.errors import BusyError, FieldError
from xingji.ports.lake_store import LakeTable
from xingji.ports.local_file import make_folder, sync_folder

_NAME = re.compile(r"[a-z0-9-]{1,80}")


def data_path(writer: str, table: LakeTable, bucket: int | None, month: int | None) -> str:
    """A fresh path; its name begins with who writes it."""
    folders = [] if bucket is None else [f"bucket={bucket}"]
    if month is not None:
        folders.append(f"month={1970 + month // 12:04d}-{month % 12 + 1:02d}")
    return "/".join([table, "data", *folders, f"{writer}.{uuid4().hex}.parquet"])


class LocalSession:
    """A session whose marker is a folder with a locked file in it."""

    def __init__(self, root: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise FieldError("session", name, "1 to 80 of the characters a-z, 0-9 and -")
        self.name = name
        self._folder = root / name
        make_folder(self._folder / "scratch")
        self._handle: int | None = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not try_lock(self._handle):
            holder = holder_of(self._handle)
            self.release()
            raise BusyError(f"the work {name}", f"process {holder}")
        sign(self._handle)

    @property
    def scratch(self) -> str:
        return str(self._folder / "scratch")

    def new_path(self, table: LakeTable, bucket: int | None = None, month: int | None = None) -> str:
        return data_path(self.name, table, bucket, month)

    def end(self) -> None:
        """Forget the session."""
        # The scratch folder goes first: a crash in between leaves a session that is merely empty.
        shutil.rmtree(self._folder / "scratch", ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        sync_folder(self._folder.parent)
        self.release()

    def release(self) -> None:
        """Let another process go on with the session."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def names_of(root: Path) -> list[str]:
    """The sessions that have not ended."""
    return sorted(path.name for path in root.iterdir() if path.is_dir())
