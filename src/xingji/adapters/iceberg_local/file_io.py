"""PyIceberg's access to files: a metadata file or manifest is durable, folder included, once it is closed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import unquote, urlsplit

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from xingji.ports.local_file import make_folder, sync_folder


def local_path(location: str) -> Path:
    """The path of a `file:` location (or of a plain path)."""
    return Path(unquote(urlsplit(location).path) if location.startswith("file:") else location)


class _SyncedStream(OutputStream):
    """Bytes on their way to a file that is durable once closed."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._path = path
        self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 - closed by `close`, as the protocol has it

    def write(self, b: bytes) -> int:
        try:
            return self._file.write(b)
        except OSError:
            # PyIceberg writes a header before its own block begins, so that nobody would close this file.
            with contextlib.suppress(OSError):
                self._file.close()
            raise

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        sync_folder(self._path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exctype: type[BaseException] | None, excinst: BaseException | None, exctb: TracebackType | None
    ) -> None:
        self.close()


class _LocalFile(InputFile, OutputFile):
    """A file of the warehouse."""

    @property
    def _path(self) -> Path:
        return local_path(self._location)

    def __len__(self) -> int:
        return self._path.stat().st_size

    def exists(self) -> bool:
        return self._path.exists()

    def open(self, seekable: bool = True) -> InputStream:
        return open(self._path, "rb")

    def create(self, overwrite: bool = False) -> OutputStream:
        if overwrite:
            self._path.unlink(missing_ok=True)
        return _SyncedStream(self._path)

    def to_input_file(self) -> InputFile:
        return self


class DurableFileIO(FileIO):
    """Files of a local folder, by `file:` location."""

    def new_input(self, location: str) -> InputFile:
        return _LocalFile(location)

    def new_output(self, location: str) -> OutputFile:
        return _LocalFile(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        local_path(location if isinstance(location, str) else location.location).unlink()
