"""Text files as chunks of whole lines, of bounded size whatever the file holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.govern.files.source import Source
from xingji.model.errors import InputError

LINE_LIMIT_BYTES = 16 << 20
"""A longer line is refused, and passed over without being kept."""
BOMB_BYTES = 1 << 30
"""A line still going on after this many bytes is no line of a log; reading stops."""
CHUNK_BYTES = 8 << 20
ENCODINGS = ("utf-8", "gb18030")
LONG_LINE = f"a line of more than {LINE_LIMIT_BYTES >> 20} MiB"
NOT_UTF8 = "text in another encoding"
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class LineChunk:
    """Whole lines from line `first_line` on; `overlong`: the beginning of one line that is too long."""

    data: bytes
    first_line: int
    n_lines: int
    overlong: bool = False
    bytes_read: int = 0
    """How far the file itself was read when they were cut off."""

    @property
    def rows_read(self) -> int:
        """The lines of the file up to the end of these."""
        return self.first_line + self.n_lines - 1

    def lines(self) -> list[bytes]:
        """The lines without their ends (`\\n` or `\\r\\n`)."""
        lines = self.data.split(b"\n")
        if len(lines) > self.n_lines:
            lines.pop()
        return [line[:-1] if line.endswith(b"\r") else line for line in lines]


class LineReader:
    """Cuts a source into chunks of whole lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.n_lines = 0
        """Lines given out so far."""
        self._pending = b""
        self._at_end = False
        self._fault: InputError | None = None
        self._fill(CHUNK_BYTES)
        self._drop_bom()

    def _drop_bom(self) -> None:
        wide = _WIDE_BOMS.get(self._pending[:2])
        if wide is not None:
            raise InputError(self.source.file, f"the text is {wide}; save it as UTF-8", "line 1")
        self._pending = self._pending.removeprefix(_BOM)

    def _fill(self, n_bytes: int) -> None:
        """Read until `n_bytes` are pending; where the file is broken, keep the whole lines before."""
        pieces, size = [self._pending], len(self._pending)
        while size < n_bytes and not self._at_end:
            try:
                piece = self.source.read(n_bytes - size)
            except InputError as fault:
                self._fault, piece = fault, b""
            self._at_end = not piece
            pieces.append(piece)
            size += len(piece)
        self._pending = b"".join(pieces)
        if self._fault is not None:
            self._pending = self._pending[: self._pending.rfind(b"\n") + 1]

    def head(self, most: int) -> list[bytes]:
        """The first whole lines of what is not yet given out, at most `most`, without taking them."""
        data = self._pending[: self._pending.rfind(b"\n", 0, CHUNK_BYTES) + 1]
        if not data and self._at_end and len(self._pending) <= CHUNK_BYTES:
            data = self._pending
        lines = data.removesuffix(b"\n").split(b"\n", most)[:most] if data else []
        return [line.removesuffix(b"\r") for line in lines]

    def skip(self, n_lines: int) -> None:
        """Pass over lines that were read before."""
        while n_lines > self.n_lines and self.take(n_lines - self.n_lines) is not None:
            pass

    def take(self, max_lines: int) -> LineChunk | None:
        """The next lines, at most `max_lines` of them; None at the end.

        Raises InputError where the file is broken, once the whole lines before have been given out.
        """
        self._fill(CHUNK_BYTES)
        if not self._pending:
            self._raise_fault()
            return None
        end = self._pending.rfind(b"\n", 0, CHUNK_BYTES) + 1 or self._end_of_long_line()
        return self._cut(end, max_lines) if end else self._pass_over()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            before = (
                f"the {self.n_lines:,} lines before it are whole" if self.n_lines else "no line could be read"
            )
            raise InputError(self.source.file, f"{self._fault.reason}; {before}", self._fault.place)

    def _end_of_long_line(self) -> int:
        """Where a line longer than a chunk, or the last one, ends; 0 if that is beyond the limit."""
        self._fill(LINE_LIMIT_BYTES + 1)
        end = self._pending.find(b"\n") + 1
        if end == 0 and self._at_end:
            end = len(self._pending)
        return end if end <= LINE_LIMIT_BYTES else 0

    def _cut(self, end: int, max_lines: int) -> LineChunk:
        data = self._pending[:end]
        n_lines = data.count(b"\n") + (not data.endswith(b"\n"))
        if n_lines > max_lines:
            ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
            data, n_lines = data[: int(ends[max_lines - 1]) + 1], max_lines
        self._pending = self._pending[len(data) :]
        chunk = LineChunk(data, self.n_lines + 1, n_lines, bytes_read=self.source.bytes_read)
        self.n_lines += n_lines
        return chunk

    def _pass_over(self) -> LineChunk:
        """Skip a line beyond the limit, keeping only its beginning."""
        beginning, passed = self._pending[:1_000], 0
        while (end := self._pending.find(b"\n")) < 0 and not self._at_end:
            passed += len(self._pending)
            if passed > BOMB_BYTES:
                reason = f"a line of more than {BOMB_BYTES >> 30} GiB; this is no log"
                raise InputError(self.source.file, reason, f"line {self.n_lines + 1:,}")
            self._pending = b""
            self._fill(CHUNK_BYTES)
        self._pending = self._pending[end + 1 :] if end >= 0 else b""
        self.n_lines += 1
        return LineChunk(beginning, self.n_lines, 1, overlong=True, bytes_read=self.source.bytes_read)


def encoding_hint(encoding: str) -> str:
    """What to try for a text that is not in the encoding it was read as."""
    other = ENCODINGS[1 - ENCODINGS.index(encoding)]
    return f"; it is not {encoding.upper()} text, try --encoding {other}"
