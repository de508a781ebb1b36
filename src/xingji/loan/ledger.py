"""The simulator's own memory of what it let people do, kept for its truth."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I64, Ints


class Ledger:
    """What the simulator itself wants to remember of the many small things people did, for its truth."""

    def __init__(self) -> None:
        self._notes: dict[str, list[tuple[I64, ...]]] = {}

    def note(self, kind: str, *columns: Ints) -> None:
        """Remember rows of one kind; the columns are the kind's own."""
        self._notes.setdefault(kind, []).append(tuple(np.asarray(c, np.int64) for c in columns))

    def of(self, kind: str, width: int) -> tuple[I64, ...]:
        """All rows of a kind, column by column."""
        parts = self._notes.get(kind, [])
        return tuple(
            np.concatenate([part[i] for part in parts]) if parts else np.zeros(0, np.int64)
            for i in range(width)
        )
