"""A file's bytes, unfolded if they are gzipped or zstd-compressed, read in bounded pieces."""

from __future__ import annotations

import gzip
import os
import zlib
from io import BufferedReader
from pathlib import Path
from typing import Any

import pyarrow as pa

from xingji.model.errors import InputError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE_BYTES = 1 << 16
"""What is unfolded at once: the most that is lost where a damaged file ends."""


class Source:
    """An open file; `read` gives its unfolded bytes, `bytes_read` how far the file itself was read."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises InputError where there is none that can be read."""
        self.file = path.name
        self._raw = _open(path)
        self.total_bytes = os.fstat(self._raw.fileno()).st_size
        self.compression = self._compression()
        self._stream = self._unfolding()
        self._ahead = b""

    def _compression(self) -> str:
        magic = self._raw.peek(4)[:4]
        return "gzip" if magic.startswith(GZIP) else "zstd" if magic == ZSTD else ""

    def _unfolding(self) -> Any:
        if self.compression == "gzip":
            return gzip.GzipFile(fileobj=self._raw, mode="rb")
        if self.compression == "zstd":
            return pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd")
        return self._raw

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file itself were read."""
        return min(self._raw.tell(), self.total_bytes) if self._raw.seekable() else 0

    def head(self, n_bytes: int) -> bytes:
        """How the contents begin, without reading past it."""
        while len(self._ahead) < n_bytes and (piece := self._unfold(n_bytes - len(self._ahead))):
            self._ahead += piece
        return self._ahead[:n_bytes]

    def read(self, n_bytes: int) -> bytes:
        """Up to `n_bytes` of the contents, none at its end. Raises InputError where the file is damaged."""
        if self._ahead:
            piece, self._ahead = self._ahead[:n_bytes], self._ahead[n_bytes:]
            return piece
        return self._unfold(n_bytes)

    def _unfold(self, n_bytes: int) -> bytes:
        try:
            return self._read_piece(n_bytes)
        except EOFError:
            raise self._broken("the file ends in the middle of its compressed contents") from None
        except (OSError, zlib.error) as fault:
            if "Truncated" in str(fault):
                raise self._broken("the file ends in the middle of its compressed contents") from None
            if not self.compression:
                raise InputError(
                    self.file, f"it cannot be read: {fault}", f"byte {self.bytes_read:,}"
                ) from None
            raise self._broken(f"the {self.compression} compression is damaged") from None

    def _read_piece(self, n_bytes: int) -> bytes:
        if not self.compression:
            return self._raw.read(n_bytes)
        if self.compression == "gzip":
            unfolded: bytes = self._stream.read1(min(n_bytes, _PIECE_BYTES))
            return unfolded
        return bytes(self._stream.read(min(n_bytes, _PIECE_BYTES)))

    def _broken(self, reason: str) -> InputError:
        return InputError(self.file, reason, f"byte {self.bytes_read:,} of {self.total_bytes:,}")

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(str(path), "there is no such file") from None
    except IsADirectoryError:
        raise InputError(str(path), "it is a folder; name the files in it") from None
    except OSError as fault:
        raise InputError(str(path), f"it cannot be opened: {fault.strerror or fault}") from None
