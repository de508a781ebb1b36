"""Loans and their schedules: what is due when, what is left, in exact fen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import DAY_MS, I8, I16, I32, I64, Ints, Mask
from xingji.loan.config import SHANGHAI_OFFSET_MS
from xingji.loan.vocabulary import codes

ANNUITY, INTEREST_FIRST, REVOLVING, BULLET = codes(
    "repay_method", "等额本息", "先息后本", "随借随还", "到期还本"
)
NEVER = np.int32(1) << np.int32(30)  # a day number that does not come


@dataclass
class Loans:
    """One row per loan, the old ones first. Days are day numbers of the simulation; old loans have
    negative ones.

    ``number``: the 16 digits of its id. ``bad_period``: the instalment with which arrears begin (0: none),
    paid on ``cure_day``. ``settle_day``: paid back early. ``part_day``, ``part_fen``: an early part payment.
    """

    app: I32
    person: I32
    product: I8
    drawn_ms: I64
    drawn_day: I32
    principal_fen: I64
    rate_bp: I16
    term_months: I16
    method: I8
    number: I64
    first_due: I64
    bad_period: I16
    cure_day: I32
    settle_day: I32
    part_day: I32
    part_fen: I64
    write_off_day: I32

    def __len__(self) -> int:
        return len(self.app)


class Calendar:
    """Day numbers and calendar months of a simulation that begins on a given day."""

    def __init__(self, first_epoch_day: int) -> None:
        self.first = first_epoch_day

    def due_day(self, loans: Loans, rows: Ints, period: Ints) -> I64:
        """The day number on which a period of each loan falls due: its day of the month, at most the 28th."""
        drawn = (loans.drawn_day[rows] + self.first).astype("datetime64[D]")
        month = drawn.astype("datetime64[M]")
        dom = np.minimum((drawn - month.astype("datetime64[D]")).astype(np.int64), 27)
        due_month = (month.astype(np.int64) + period).astype("datetime64[M]")
        return np.asarray(due_month.astype("datetime64[D]").astype(np.int64) + dom - self.first, np.int64)

    def periods_due(self, loans: Loans, rows: Ints, day: Ints | int) -> I64:
        """How many instalments have fallen due by the end of a day, at most all."""
        drawn = (
            (loans.drawn_day[rows] + self.first)
            .astype("datetime64[D]")
            .astype("datetime64[M]")
            .astype(np.int64)
        )
        now = np.asarray(day + self.first).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        guess = np.maximum(now - drawn, 0)
        late = self.due_day(loans, rows, guess) > day
        return np.asarray(np.clip(guess - late, 0, loans.term_months[rows]), np.int64)

    def months_since(self, loans: Loans, rows: Ints, day: int) -> I64:
        """Whole calendar months since the drawdown (months on book)."""
        drawn = (
            (loans.drawn_day[rows] + self.first)
            .astype("datetime64[D]")
            .astype("datetime64[M]")
            .astype(np.int64)
        )
        now = np.asarray(day + self.first).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return np.asarray(now - drawn, np.int64)


def left_after(loans: Loans, rows: Ints, paid: Ints) -> I64:
    """Principal left after ``paid`` instalments, fen, part payments aside."""
    principal = loans.principal_fen[rows]
    rate = loans.rate_bp[rows] / 120_000.0
    term = loans.term_months[rows].astype(np.float64)
    growth = np.power(1.0 + rate, term)
    annuity = principal * (growth - np.power(1.0 + rate, paid.astype(np.float64))) / (growth - 1.0)
    left = np.where(loans.method[rows] == ANNUITY, np.rint(annuity).astype(np.int64), principal)
    return np.where(paid >= loans.term_months[rows], 0, left)


def principal_at(loans: Loans, rows: Ints, paid: Ints, day: Ints | int) -> I64:
    """Principal left at the end of a day after ``paid`` instalments, early payments included, fen."""
    left = left_after(loans, rows, paid)
    part = np.where(loans.part_day[rows] <= day, loans.part_fen[rows], 0)
    left = np.where(left > 0, left - part, 0)
    return np.where(loans.settle_day[rows] <= day, 0, left)


def instalment(loans: Loans, rows: Ints, period: Ints, due_day: Ints) -> tuple[I64, I64]:
    """Principal and interest of one instalment, fen."""
    before = principal_at(loans, rows, period - 1, due_day - 1)
    after = np.where(period >= loans.term_months[rows], 0, principal_at(loans, rows, period, due_day - 1))
    interest = np.rint(before * (loans.rate_bp[rows] / 120_000.0)).astype(np.int64)
    return before - after, np.maximum(interest, 1)


def paid_periods(loans: Loans, calendar: Calendar, rows: Ints, day: int) -> I64:
    """Instalments paid by the end of a day: those due, less the ones in arrears."""
    due = calendar.periods_due(loans, rows, day)
    bad = loans.bad_period[rows]
    in_arrears = (bad > 0) & (due >= bad) & (loans.cure_day[rows] > day)
    return np.where(in_arrears, bad - 1, due)


def days_past_due(loans: Loans, calendar: Calendar, rows: Ints, day: int) -> I64:
    """Days since the oldest unpaid instalment fell due, at the end of a day (0: nothing unpaid)."""
    bad = loans.bad_period[rows]
    since = day - calendar.due_day(loans, rows, np.maximum(bad, 1))
    held = (bad > 0) & (since >= 0) & (loans.cure_day[rows] > day)
    return np.where(held, since, 0)


def bucket_of(days: Ints) -> I8:
    """M0, M1 (1-30), M2 (31-60), M3 (61-90), M3+."""
    return np.searchsorted(np.array([0, 30, 60, 90]), days, side="left").astype(np.int8)


def class_of(days: Ints) -> I8:
    """正常, 关注 (1-90), 次级 (91-180), 可疑 (181-360), 损失."""
    return np.searchsorted(np.array([0, 90, 180, 360]), days, side="left").astype(np.int8)


def is_open(loans: Loans, calendar: Calendar, rows: Ints, day: int) -> Mask:
    """Whether something is left to pay at the end of a day."""
    drawn = loans.drawn_day[rows] <= day
    left = principal_at(loans, rows, paid_periods(loans, calendar, rows, day), day) > 0
    return drawn & left & (loans.write_off_day[rows] > day)


def epoch_day(time_ms: I64) -> I64:
    """Days since 1970 of instants, in Asia/Shanghai."""
    return np.asarray((time_ms + SHANGHAI_OFFSET_MS) // DAY_MS, np.int64)
