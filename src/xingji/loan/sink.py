"""Rows on their way to the log: pieces of one event each, cut at the end of the day by when they arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xingji.loan.arrays import I32, I64, NONE, Column, Ints, Mask
from xingji.loan.dice import Dice
from xingji.loan.vocabulary import codes, event

CLIENT, SERVER, BATCH = codes("$origin", "client", "server", "batch")

# What a row waits between happening and arriving, in ms: phones wait for a batch to fill, servers hardly.
_CLIENT_DELAYS = np.array([20, 40, 40, 60, 60, 60, 80, 80, 120, 120, 200, 200, 500, 1_000, 3_000, 20_000])
_SERVER_DELAYS = np.array([5, 5, 5, 10])


@dataclass(frozen=True)
class Piece:
    """Rows of one event. ``visit`` is ``NONE`` for rows of no visit, whose ``person`` is then given.

    ``columns``: code, count, flag, fen (money, two places) or float per property; ``NONE`` or NaN is no
    value.
    """

    event: int
    origin: int
    time_ms: I64
    arrival_ms: I64
    visit: I32
    person: I32
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, rows: Column) -> Piece:
        """Some of the rows."""
        return replace(
            self,
            time_ms=self.time_ms[rows],
            arrival_ms=self.arrival_ms[rows],
            visit=self.visit[rows],
            person=self.person[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
        )


class Sink:
    """Takes rows in any order and gives back, day by day, those that have arrived."""

    def __init__(self, dice: Dice, as_of_ms: int) -> None:
        self._dice, self._as_of_ms = dice, as_of_ms
        self._pieces: list[Piece] = []

    def add(self, name: str, time_ms: Ints, *, visit: Ints | None = None, person: Ints | None = None,
            origin: int = CLIENT, where: Mask | None = None, **columns: Any) -> None:  # fmt: skip
        """Rows of event ``name``; ``where`` keeps some of them; a scalar column holds for all."""
        n = len(time_ms)
        arrays = {key: _column(value, n) for key, value in columns.items()}
        nobody = np.full(n, NONE, np.int32)
        time = np.asarray(time_ms, np.int64)
        visit_rows = nobody if visit is None else np.asarray(visit, np.int32)
        person_rows = nobody if person is None else np.asarray(person, np.int32)
        keep = time < self._as_of_ms
        if where is not None:
            keep &= where
        if not keep.all():
            rows = np.flatnonzero(keep)
            time, visit_rows, person_rows = time[rows], visit_rows[rows], person_rows[rows]
            arrays = {key: values[rows] for key, values in arrays.items()}
        if len(time):
            kind = event(name)
            arrival = time + self._delays(kind, origin, time, visit_rows, person_rows)
            self._pieces.append(Piece(kind, origin, time, arrival, visit_rows, person_rows, arrays))

    def _delays(self, kind: int, origin: int, time: I64, visit: I32, person: I32) -> I64:
        if origin == BATCH:
            return np.zeros(len(time), np.int64)
        table = _CLIENT_DELAYS if origin == CLIENT else _SERVER_DELAYS
        bits = self._dice.bits("delay", (time << 7) ^ (visit.astype(np.int64) << 20) ^ person ^ kind)
        return table[(bits >> np.uint64(40)).astype(np.int64) % len(table)]

    def arrived(self, until_ms: int) -> list[Piece]:
        """The pieces of rows that arrive before ``until_ms``; later ones stay."""
        ready: list[Piece] = []
        kept: list[Piece] = []
        for piece in self._pieces:
            late = piece.arrival_ms >= until_ms
            if not late.any():
                ready.append(piece)
            elif late.all():
                kept.append(piece)
            else:
                ready.append(piece.take(~late))
                kept.append(piece.take(late))
        self._pieces = kept
        return ready


def _column(value: Any, n: int) -> Column:
    if isinstance(value, np.ndarray):
        return value
    return np.full(n, value)
