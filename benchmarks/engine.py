"""What the worker asks of an engine under test, ours and the peers alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.cases import Case, Rows
from benchmarks.log import Log

THREADS = 2
"""What every engine may use."""


class Engine(Protocol):
    """Answers questions over one log; `load_s` is how long it took to take the log in (None: it had it)."""

    load_s: float | None

    def ways(self, case: Case) -> tuple[str, ...]:
        """The ways it knows to the answer, by name; the fastest counts."""
        ...

    def ask(self, case: Case, way: str) -> Any:
        """The engine's own answer: what is timed."""
        ...

    def rows(self, case: Case, answer: Any) -> Rows:
        """The answer in the one form in which answers are compared: not timed."""
        ...

    def kept_bytes(self) -> dict[str, int]:
        """The memory of what its questions share, by name; nothing where that is not known."""
        ...

    def close(self) -> None: ...


Opener = Callable[[Path, Log], Engine]
"""Opens an engine that keeps its own copy of the log in a folder."""


@dataclass(frozen=True, slots=True)
class Question:
    """A case in a peer's words: SQL by the name of the way, and how its rows become comparable."""

    sql: dict[str, str]
    rows: Callable[[list[tuple[Any, ...]]], Rows]
