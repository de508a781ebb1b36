"""The bank's past: applications, lines and loans that were there before the first simulated day."""

from __future__ import annotations

import numpy as np

from xingji.loan.applications import Applications, Starts
from xingji.loan.approvals import ask, grade
from xingji.loan.arrays import DAY_MS, HOUR_MS, I64, NONE
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.people import BORROWER, People


def past_starts(config: SimulationConfig, dice: Dice, people: People) -> Starts:
    """One application per known borrower, and a second for some, over the two years before the window."""
    ids = np.flatnonzero(people.kind == BORROWER).astype(np.int64)
    person = np.concatenate([ids, ids[dice.chance("second line", ids, 0.15)]])
    key = np.arange(len(person), dtype=np.int64)
    days_ago = dice.between("past", key, 3, 720)
    at = config.start_ms - days_ago * DAY_MS + 10 * HOUR_MS + dice.between("past hour", key, 0, 8 * HOUR_MS)
    second = key >= len(ids)
    product = np.where(second, (people.favourite[person] + 1) % 5, people.favourite[person])
    return Starts(
        person.astype(np.int32), at, product.astype(np.int8), people.channel[person],
        np.zeros(len(person), np.bool_),
    )  # fmt: skip


def settle_past(dice: Dice, people: People, apps: Applications) -> None:
    """Decide and sign the applications of the past: all of them were approved and signed within two days."""
    rows = np.arange(apps.historic, dtype=np.int64)
    ask(dice, apps, rows)
    grade(dice, people, apps, rows)
    apps.approved[rows] = True
    apps.decided_ms[rows] = apps.start_ms[rows] + 6 * HOUR_MS
    apps.signed_ms[rows] = apps.start_ms[rows] + 30 * HOUR_MS


def past_draws(config: SimulationConfig, dice: Dice, apps: Applications) -> tuple[I64, I64, I64]:
    """The loan each line of the past still carries: (application row, drawn at, fen).

    Drawn late enough that its term is not over when the window begins; lines whose loan would be over
    carry none.
    """
    rows = np.flatnonzero(apps.signed_ms[: apps.historic] != NONE).astype(np.int64)
    window = config.start_ms - apps.signed_ms[rows]
    longest = np.minimum(window, (apps.term_months[rows].astype(np.int64) - 1) * 30 * DAY_MS)
    drawn = (
        config.start_ms
        - DAY_MS
        - (dice.uniform("past draw", rows) * np.maximum(longest - DAY_MS, 0)).astype(np.int64)
    )
    share = np.array([0.4, 0.6, 0.8])[dice.pick("past part", rows, np.array([0.4, 0.4, 0.2]))]
    step = np.where(apps.approved_fen[rows] >= 5_000_000, 500_000, 50_000)
    fen = np.maximum(np.floor(apps.approved_fen[rows] * share / step).astype(np.int64) * step, 10_000)
    return rows, drawn, fen
