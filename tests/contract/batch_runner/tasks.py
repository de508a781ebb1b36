"""Tasks that a process can be sent."""

from __future__ import annotations

import os
import time


def square(item: int) -> int:
    return item * item


def fail_at_three_and_five(item: int) -> int:
    if item in (3, 5):
        raise ValueError(f"item {item}")
    return item


def echo_long_bytes(item: bytes) -> bytes:
    return item[::-1]


def nap(item: float) -> int:
    time.sleep(item)
    return os.getpid()


class Counting:
    """Says for how many items it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, item: int) -> tuple[int, int]:
        self.calls += 1
        return os.getpid(), self.calls


class UnlikeItsText(Exception):
    """An error that cannot be made again of its text, as pickling does."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def fail_oddly(item: int) -> int:
    raise UnlikeItsText("a", str(item))
