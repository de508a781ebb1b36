"""Slow and plain: the funnel of the query contract over rows, one unit at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]
Step = Callable[[Row], bool]


def in_range(rows: Iterable[Row], from_ms: int, until_ms: int) -> list[Row]:
    """Rows with from <= time < until."""
    return [row for row in rows if from_ms <= row["ms"] < until_ms]


def furthest_attempts(
    rows: Iterable[Row], steps: list[Step], window_ms: int | None, unit: str, hold: str | None = None
) -> dict[Any, list[Row]]:
    """The chosen attempt of each unit, as the rows of its steps.

    Every match of step 1 starts an attempt; each later step takes the earliest later match within the
    window. Of the attempts the furthest is chosen, then the one that ends earliest, then the one that
    starts latest.
    """
    by_unit: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if row[unit] is not None:
            by_unit[row[unit]].append(row)
    chosen = {}
    for key, mine in by_unit.items():
        mine.sort(key=lambda row: (row["ms"], row["seq"]))
        attempts = [
            _attempt(mine[at:], steps, window_ms, hold) for at, row in enumerate(mine) if steps[0](row)
        ]
        if attempts:
            chosen[key] = min(
                attempts, key=lambda a: (-len(a), _place(a[-1]), tuple(-x for x in _place(a[0])))
            )
    return chosen


def _place(row: Row) -> tuple[int, int]:
    return row["ms"], row["seq"]


def _attempt(rows: list[Row], steps: list[Step], window_ms: int | None, hold: str | None) -> list[Row]:
    taken = [rows[0]]
    for row in rows[1:]:
        if len(taken) == len(steps) or (window_ms is not None and row["ms"] - rows[0]["ms"] > window_ms):
            break
        if hold is not None and row[hold] != rows[0][hold]:
            continue
        if steps[len(taken)](row):
            taken.append(row)
    return taken


def counts(attempts: dict[Any, list[Row]], steps: int, by: str | None = None) -> dict[Any, list[int]]:
    """Units per step, by the first set value of a property along the chosen attempt."""
    out: dict[Any, list[int]] = {}
    for attempt in attempts.values():
        value = None if by is None else next((row[by] for row in attempt if row[by] is not None), None)
        cell = out.setdefault(value, [0] * steps)
        for step in range(len(attempt)):
            cell[step] += 1
    return out


def step(event: str, **values: Any) -> Step:
    """A selector: the event, with these values of its properties."""
    return lambda row: row["event"] == event and all(row[name] == value for name, value in values.items())
