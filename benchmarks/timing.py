"""Timing a question: asked until warm, then again and again; the best counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """An answer, the best of the warm times and the time of the very first asking, in seconds."""

    answer: T
    best_s: float
    first_s: float


def best_of(ask: Callable[[], T], repeats: int) -> Timed[T]:
    """The answer, asked once to warm up and `repeats` times for the record."""
    started = time.perf_counter()
    answer = ask()
    first_s = time.perf_counter() - started
    best_s = first_s if repeats == 0 else min(_once(ask) for _ in range(repeats))
    return Timed(answer, best_s, first_s)


def _once(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started
