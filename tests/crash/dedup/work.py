"""The work that trouble is staged on: lots with repeats, merges, days that go, and ids that are forgotten."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.govern.dedup.reference import HORIZON_US, LATE_US, START_US, Reference, keys, times
from xingji.govern.dedup import SeenIds

N_LOTS = 14
FORGOTTEN_AFTER, FORGOTTEN = 8, range(0, 40, 7)


@cache
def lots() -> list[tuple[list[int], list[int], list[bool]]]:
    """Of each lot: numbers of ids, when they were received, and the right answer."""
    dice, reference, found = np.random.default_rng(4), Reference(), []
    for lot in range(N_LOTS):
        numbers = dice.integers(0, 77, 9).tolist()
        received_us = [START_US + lot * 150] * 9
        found.append((numbers, received_us, reference.split(numbers, received_us)))
        if lot == FORGOTTEN_AFTER:
            reference.stored = {n: at for n, at in reference.stored.items() if n not in FORGOTTEN}
    return found


def open_seen(folder: Path) -> SeenIds:
    return SeenIds(folder, HORIZON_US, LATE_US)


def do_rest(seen: SeenIds) -> None:
    """Do what is left, and the last thing that was done once more: nobody knows whether it was heard."""
    first = seen.lot or 0
    if first == FORGOTTEN_AFTER:
        seen.forget(keys(FORGOTTEN))
        first += 1
    for lot in range(first, N_LOTS):
        numbers, received_us, expected = lots()[lot]
        assert seen.split(lot, keys(numbers), times(received_us)).tolist() == expected, f"lot {lot}"
        seen.commit(lot)
        if lot == FORGOTTEN_AFTER:
            seen.forget(keys(FORGOTTEN))


def check_whole(seen: SeenIds, folder: Path) -> None:
    """Right after trouble: everything is readable, and nothing else lies about."""
    seen.check()
    assert len(list(folder.iterdir())) <= seen.n_runs + 1


def check_done(seen: SeenIds) -> None:
    """When all was done: as if there had been no trouble."""
    assert seen.lot == N_LOTS - 1
    numbers, received_us, _ = lots()[-1]
    assert not seen.split(N_LOTS, keys(numbers), times(received_us)).any()
    seen.check()


STEPS = ("fsync", "replace", "unlink", "open")
"""What is done to the disk, or makes it so."""


def at_every_step(patch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Have something happen before each step."""

    def before(step: Callable[..., Any]) -> Callable[..., Any]:
        def do(*args: Any, **more: Any) -> Any:
            then()
            return step(*args, **more)

        return do

    for name in STEPS:
        patch.setattr(os, name, before(getattr(os, name)))
