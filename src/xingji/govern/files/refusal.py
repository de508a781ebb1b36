"""Rows that are no events: counted by reason, with a few examples of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.model.errors import shown

EXAMPLES_PER_REASON = 5
EXCERPT_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused row: its number in the file (from 1), why, and how it begins."""

    number: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was refused, by reason, with at most `EXAMPLES_PER_REASON` examples a reason."""

    counts: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Refusal, ...] = ()

    @property
    def total(self) -> int:
        """How many rows were refused."""
        return sum(self.counts.values())

    def __add__(self, other: Refusals) -> Refusals:
        tally = RefusalTally()
        for refusals in (self, other):
            tally.include(refusals)
        return tally.refusals()


class RefusalTally:
    """Counts refusals while a file is read."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[Refusal]] = {}

    def add(self, number: int, reason: str, excerpt: str) -> None:
        """Count one refused row."""
        self._count(reason, 1)
        self._keep([Refusal(number, reason, excerpt)])

    def include(self, refusals: Refusals) -> None:
        """Count what another tally counted."""
        for reason, count in refusals.counts.items():
            self._count(reason, count)
        self._keep(refusals.examples)

    @property
    def any(self) -> bool:
        """Whether anything was refused."""
        return bool(self._counts)

    def _count(self, reason: str, count: int) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + count

    def _keep(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            kept = self._examples.setdefault(refusal.reason, [])
            if len(kept) < EXAMPLES_PER_REASON:
                kept.append(refusal)

    def refusals(self) -> Refusals:
        """What was counted so far, the examples in the order of the file."""
        examples = sorted(
            (one for kept in self._examples.values() for one in kept), key=lambda one: one.number
        )
        return Refusals(dict(self._counts), tuple(examples))


Rows = npt.NDArray[Any] | list[int]


class RowFaults:
    """Which of `n_rows` rows are refused and why; the first reason given to a row stays."""

    def __init__(self, n_rows: int) -> None:
        self.codes: npt.NDArray[np.uint16] = np.zeros(n_rows, dtype=np.uint16)
        self.reasons: list[str] = []

    def mark(self, rows: Rows, reason: str) -> None:
        """Refuse rows, given as a mask (`bool[n_rows]`) or by their indices."""
        chosen = np.zeros(len(self.codes), dtype=bool)
        chosen[np.asarray(rows, dtype=None if isinstance(rows, np.ndarray) else np.int64)] = True
        chosen &= self.codes == 0
        if chosen.any():
            self.codes[chosen] = self._code(reason)

    def _code(self, reason: str) -> int:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return 1 + self.reasons.index(reason)

    @property
    def any(self) -> bool:
        """Whether any row is refused."""
        return bool(self.reasons)

    def tally(self, into: RefusalTally, numbers: Callable[[int], int], excerpt: Callable[[int], str]) -> None:
        """Count the refused rows; `numbers` and `excerpt` tell a row's number and beginning."""
        for code, reason in enumerate(self.reasons, start=1):
            rows = np.flatnonzero(self.codes == code)
            shown_rows = rows[:EXAMPLES_PER_REASON].tolist()
            examples = tuple(Refusal(numbers(row), reason, excerpt(row)) for row in shown_rows)
            into.include(Refusals({reason: len(rows)}, examples))


def excerpt_of(value: object) -> str:
    """How a row begins, for a person: a text as it is, other values as JSON, cut short."""
    if isinstance(value, bytes):
        value = value[: 4 * EXCERPT_CHARACTERS].decode("utf-8", errors="replace")
    if isinstance(value, str):
        text = value.strip()[: EXCERPT_CHARACTERS + 1]
        return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"
    return shown(value, EXCERPT_CHARACTERS)
