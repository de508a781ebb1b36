"""Timing a question: asked until warm, then again while nothing else is at work; the best counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil

T = TypeVar("T")
CALM = 0.08
"""The share of the machine that others may use while a time counts as undisturbed."""
WARM_S = 0.5
"""How long a question is asked before its times count: one of a few ms is not warm after one asking."""

APART_S = 0.1
"""How far apart attempts at a question are at least, whoever answers: what others do to the caches for a
moment would else be in all attempts at a quick question, and in one of a slow one."""


class Patience:
    """How long a run may wait, all in all, for the machine to be left alone."""

    def __init__(self, seconds: float) -> None:
        self.left_s = seconds

    def wait(self) -> None:
        """Wait until others leave the machine alone, or until there is no patience left."""
        while self.left_s > 0:
            watch, started = _Watch(), time.perf_counter()
            time.sleep(0.1)
            self.left_s -= time.perf_counter() - started
            if watch.others() <= CALM:
                break


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """An answer, the best of the warm times and the time of the very first asking, in seconds.

    `others`: the share of the machine that other processes used during the best attempt, from 0 to 1.
    """

    answer: T
    best_s: float
    first_s: float
    others: float


def best_of(ask: Callable[[], T], repeats: int, patience: Patience) -> Timed[T]:
    """The answer, asked for WARM_S (once at least) to warm up and `repeats` times for the record.

    While there is patience, attempts that others disturbed do not count among the `repeats`; the best is the
    best of all. Between attempts it is asked for APART_S: a processor that slept is cold.
    """
    answer, first = _attempt(ask)
    _keep_asking(ask, WARM_S if repeats else 0)
    attempts: list[_Attempt] = [] if repeats else [first]
    while sum(one.others <= CALM for one in attempts) < repeats:
        if len(attempts) >= repeats and (patience.left_s <= 0 or len(attempts) >= 2 * repeats):
            break
        if not attempts or attempts[-1].others > CALM:
            patience.wait()
        if attempts:
            _keep_asking(ask, APART_S)
        started = time.perf_counter()
        attempts.append(_attempt(ask)[1])
        if len(attempts) > repeats:
            patience.left_s -= time.perf_counter() - started
    best = min(attempts, key=lambda one: one.seconds)
    return Timed(answer, best.seconds, first.seconds, best.others)


def _keep_asking(ask: Callable[[], object], seconds: float) -> None:
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        ask()


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
