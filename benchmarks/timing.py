"""Timing a question: asked until warm, then again and again while nothing else is at work; the best counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil

T = TypeVar("T")
CALM = 0.08
"""The share of the machine that others may use while a time counts as undisturbed."""
_PATIENCE_S = 10.0
"""How long to wait, for all attempts at one question, for the machine to be left alone."""


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """An answer, the best of the warm times and the time of the very first asking, in seconds.

    `others`: the share of the machine that other processes used during the best attempt, from 0 to 1.
    """

    answer: T
    best_s: float
    first_s: float
    others: float


def best_of(ask: Callable[[], T], repeats: int) -> Timed[T]:
    """The answer, asked once to warm up and `repeats` times for the record.

    Attempts while others use the machine are repeated, within a bounded time; the best is the best of all.
    """
    answer, first = _attempt(ask)
    attempts: list[_Attempt] = [] if repeats else [first]
    waited_s = 0.0
    while sum(one.others <= CALM for one in attempts) < repeats and len(attempts) < 4 * repeats:
        if len(attempts) >= repeats and waited_s >= _PATIENCE_S:
            break
        waited_s += _wait_for_calm(_PATIENCE_S - waited_s)
        attempts.append(_attempt(ask)[1])
    best = min(attempts, key=lambda one: one.seconds)
    return Timed(answer, best.seconds, first.seconds, best.others)


@dataclass(frozen=True, slots=True)
class _Attempt:
    seconds: float
    others: float


def _attempt(ask: Callable[[], T]) -> tuple[T, _Attempt]:
    watch = _Watch()
    started = time.perf_counter()
    answer = ask()
    seconds = time.perf_counter() - started
    return answer, _Attempt(seconds, watch.others())


def _wait_for_calm(patience_s: float) -> float:
    """Wait until others leave the machine alone, at most so long; returns how long it took."""
    started = time.perf_counter()
    while time.perf_counter() - started < patience_s:
        watch = _Watch()
        time.sleep(0.1)
        if watch.others() <= CALM:
            break
    return time.perf_counter() - started


class _Watch:
    """Measures how much of the machine other processes use from now on."""

    def __init__(self) -> None:
        self._own, self._busy, self._all = _own_s(), *_machine_s()

    def others(self) -> float:
        """The share, from 0 to 1, since the watch began (0 when too little time has passed to tell)."""
        busy, every = _machine_s()
        passed = every - self._all
        used = (busy - self._busy) - (_own_s() - self._own)
        return max(0.0, used / passed) if passed > 0 else 0.0


def _own_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _machine_s() -> tuple[float, float]:
    """CPU seconds spent by everybody, and all that there were."""
    times = psutil.cpu_times()
    every = sum(times)
    return every - times.idle - getattr(times, "iowait", 0.0), every
