"""Choices, by a seed or by hypothesis (which makes them smaller when a test fails)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Dice(Protocol):
    """Where the random logs and queries take their choices from; the first option is the plainest."""

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        ...

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...

    def chance(self, percent: int) -> bool:
        """True that often."""
        ...


class SeededDice:
    """Choices by a seed: the same ones every time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._random.randrange(len(options))]

    def chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent


class DrawnDice:
    """Choices that hypothesis makes."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(_integers(low, high)))

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.integer(1, 100) > 100 - percent


@lru_cache
def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def several(dice: Dice, options: Sequence[T], at_least: int, at_most: int) -> list[T]:
    """A few of the options, in any order, each once."""
    left = list(options)
    return [
        left.pop(dice.integer(0, len(left) - 1))
        for _ in range(dice.integer(at_least, min(at_most, len(left))))
    ]
