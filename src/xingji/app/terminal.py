"""The streams of a command: answers go to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from xingji.model.errors import CallerError
from xingji.ports.local_file import when_full

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

Advance = Callable[[float], None]
"""Tells a progress bar how much is done, in the unit of its total."""

_SHOWN_AFTER_SECONDS = 1.0
_PIPED_WIDTH = 120
_OUTPUT, _ANSWERING = "standard output", "write the answer"


class Terminal:
    """Where a command writes; bars are drawn, and questions asked, only where a person sits."""

    def __init__(self, out: TextIO, err: TextIO, asked: TextIO) -> None:
        self._out, self._err, self._asked = out, err, asked

    @classmethod
    def of_process(cls) -> Terminal:
        """The streams of this process, which speak UTF-8 whatever the locale is; a closed one is empty."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        return cls(*(stream or io.StringIO() for stream in (sys.stdout, sys.stderr, sys.stdin)))

    def answer(self, text: str) -> None:
        """Write a line, or several, of the answer itself."""
        with when_full(_OUTPUT, _ANSWERING):
            self._out.write(text + "\n")

    def show(self, *parts: RenderableType) -> None:
        """Write tables and headings for people as the answer, with a line between each two."""
        console = _console(self._out)
        with when_full(_OUTPUT, _ANSWERING):
            for at, part in enumerate(parts):
                console.print(*([""] if at else []), part, sep="\n")

    def say(self, sentence: str) -> None:
        """Write a line to standard error: what happened beside the answer."""
        self._err.write(sentence + "\n")
        self._err.flush()

    def read(self, most_bytes: int) -> bytes:
        """What stands on standard input, up to so many bytes."""
        if hasattr(self._asked, "buffer"):
            return self._asked.buffer.read(most_bytes)
        return self._asked.read(most_bytes).encode()

    def confirm(self, question: str) -> bool:
        """Ask a person for a yes; raises CallerError where nobody can answer."""
        if not self._asked.isatty():
            raise CallerError("nobody is there to confirm this; give --yes to go on without being asked")
        self._err.write(f"{question} [y/N] ")
        self._err.flush()
        return self._asked.readline().strip().lower() in ("y", "yes")

    @contextlib.contextmanager
    def progress(self, doing: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """A bar on a terminal's standard error for what takes more than a second; none when it is piped.

        `unit`: "bytes", or a plural such as "events". The block is given a function that takes what is done.
        """
        if not self._err.isatty():
            yield lambda _: None
            return
        bar = _DelayedBar(self._err, doing, total, unit)
        try:
            yield bar.advance
        finally:
            bar.close()

    def flush(self) -> None:
        """Hand on what was written."""
        with when_full(_OUTPUT, _ANSWERING):
            self._out.flush()
        self._err.flush()


class _DelayedBar:
    """A progress bar that appears once its work has gone on for a second."""

    def __init__(self, stream: TextIO, doing: str, total: float | None, unit: str) -> None:
        self._stream, self._doing, self._total, self._unit = stream, doing, total, unit
        self._done = 0.0
        self._progress: Progress | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_SHOWN_AFTER_SECONDS, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def _appear(self) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        amount = DownloadColumn() if self._unit == "bytes" else TextColumn(self._amount_format())
        columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
        with self._lock:
            if self._timer.finished.is_set():
                return
            made = Progress(*columns, console=_console(self._stream), transient=True)
            made.add_task(self._doing, total=self._total, completed=int(self._done))
            made.start()
            self._progress = made

    def _amount_format(self) -> str:
        if self._total is None:
            return f"{{task.completed:,}} {self._unit}" if self._unit else ""
        return f"{{task.completed:,}} of {{task.total:,}} {self._unit}"

    def advance(self, done: float) -> None:
        with self._lock:
            self._done = done
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], completed=int(done))

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._progress is not None:
                self._progress.stop()


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
