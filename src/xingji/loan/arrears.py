"""How loans go on: paid in time, late, early or never, and which instalment is paid how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.applications import Applications, numbers_of
from xingji.loan.arrays import F64, I8, I16, I32, I64, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.history import past_draws
from xingji.loan.incidents import BURST
from xingji.loan.lending import Draws
from xingji.loan.loans import ANNUITY, NEVER, Calendar, Loans, epoch_day, instalment, left_after
from xingji.loan.people import People
from xingji.loan.vocabulary import VALUES

FIRST_OVERDUE = 0.09
_LONG_SHARE = 0.3  # of first arrears: thirty days and more
_LATER_OVERDUE = 0.022  # per instalment
_CHANNEL_RISK = {
    "feed_ads": 1.6,
    "partner": 1.25,
    "search_ads": 1.1,
    "outbound_call": 1.1,
    "manager_referral": 0.65,
    "branch": 0.6,
    "mobile_bank": 0.8,
}
CUTOFF_MS = 30 * 60_000  # what is paid out after half past eleven is booked on the next day
_SHARES = np.array([0.74, 0.21, 0.05])


def make_loans(
    config: SimulationConfig, dice: Dice, people: People, apps: Applications, draws: Draws
) -> Loans:
    """The loans of the past and those drawn in the window, with their fate."""
    past_app, past_ms, past_fen = past_draws(config, dice, apps)
    paid = np.flatnonzero(draws.ok)
    app = np.concatenate([past_app, draws.app[paid]]).astype(np.int32)
    drawn_ms = np.concatenate([past_ms, draws.result_ms[paid]])
    n = len(app)
    method = np.full(n, ANNUITY, np.int8)
    method[len(past_app) :] = draws.method[paid]
    loans = Loans(
        app=app,
        person=apps.person[app],
        product=apps.product[app],
        drawn_ms=drawn_ms,
        drawn_day=(epoch_day(drawn_ms + CUTOFF_MS) - epoch_day(np.array([config.start_ms]))).astype(np.int32),
        principal_fen=np.concatenate([past_fen, draws.amount_fen[paid]]),
        rate_bp=apps.rate_bp[app],
        term_months=apps.term_months[app],
        method=method,
        number=np.concatenate([numbers_of(past_ms, 8), draws.number[paid]]),
        first_due=np.zeros(n, np.int64),
        bad_period=np.zeros(n, np.int16),
        cure_day=np.full(n, NEVER, np.int32),
        settle_day=np.full(n, NEVER, np.int32),
        part_day=np.full(n, NEVER, np.int32),
        part_fen=np.zeros(n, np.int64),
        write_off_day=np.full(n, NEVER, np.int32),
    )
    calendar = Calendar(int(epoch_day(np.array([config.start_ms]))[0]))
    rows = np.arange(n)
    loans.first_due = calendar.due_day(loans, rows, np.ones(n, np.int64))
    _go_bad(config, dice, people, apps, loans, calendar)
    _pay_early(config, dice, loans, calendar)
    return loans


def _risk(dice: Dice, people: People, apps: Applications, loans: Loans) -> F64:
    table = np.array([_CHANNEL_RISK.get(name, 1.0) for name in VALUES["channel"]])
    district = 0.7 + 0.7 * dice.uniform("district risk", people.place[loans.person])
    return np.asarray(table[apps.channel[loans.app]] * district, np.float64)


def _go_bad(config: SimulationConfig, dice: Dice, people: People, apps: Applications, loans: Loans,
            calendar: Calendar) -> None:  # fmt: skip
    """Choose the instalment with which arrears begin, and how long they last."""
    ids = loans.number
    first, long = _first_overdue(dice, people, apps, loans)
    u = dice.uniform("later arrears", ids) / _risk(dice, people, apps, loans)
    period = np.where(first, 1, np.ceil(np.maximum(u, 1e-9) / _LATER_OVERDUE).astype(np.int64) + 1)
    old = loans.drawn_day < 0
    shifted = calendar.periods_due(loans, np.arange(len(loans)), 0) + period - 4
    period = np.where(old, np.maximum(shifted, 1), period)
    period = np.where(period <= loans.term_months, period, 0)
    lasting = _lasting(dice, ids, first, long)
    due = calendar.due_day(loans, np.arange(len(loans)), np.maximum(period, 1))
    cure = np.where(lasting < 0, NEVER, due + lasting)
    over_before = (cure < 0) & (period > 0)
    loans.bad_period = np.where(over_before, 0, period).astype(np.int16)
    loans.cure_day = np.where(loans.bad_period > 0, cure, NEVER).astype(np.int32)
    lost = (loans.bad_period > 0) & (loans.cure_day == NEVER) & dice.chance("written off", ids, 0.25)
    loans.write_off_day = np.where(lost, due + 185, NEVER).astype(np.int32)
    gone = loans.write_off_day < 0
    loans.write_off_day[gone] = NEVER
    loans.bad_period[gone], loans.cure_day[gone] = 0, NEVER


def _first_overdue(dice: Dice, people: People, apps: Applications, loans: Loans) -> tuple[Mask, Mask]:
    """Who misses the very first instalment, and which of them by thirty days or more.

    As many of each channel as its risk says, of the burst's loans 2.5 times as many.

    Numbers are fixed per channel, so that the planted order of channels does not hang on luck in small
    simulations.
    """
    risk = _risk(dice, people, apps, loans)
    table = np.array([_CHANNEL_RISK.get(name, 1.0) for name in VALUES["channel"]])
    group = (
        apps.channel[loans.app].astype(np.int64) + 100 * apps.burst[loans.app] + 1000 * (loans.drawn_day < 0)
    )
    order_key = dice.uniform("first arrears", loans.number) / risk
    chosen, long = np.zeros(len(loans), np.bool_), np.zeros(len(loans), np.bool_)
    for value in np.unique(group):
        rows = np.flatnonzero(group == value)
        rate = FIRST_OVERDUE * table[value % 100] * (BURST.first_overdue if value % 1000 >= 100 else 1.0)
        count = round(rate * len(rows))
        worst = rows[np.argsort(order_key[rows], kind="stable")]
        chosen[worst[:count]] = True
        long[worst[: int(_LONG_SHARE * count + 0.4)]] = True
    return chosen, long


def _lasting(dice: Dice, ids: I64, first: Mask, long: Mask) -> I64:
    """Days until arrears are paid; negative: never in sight."""
    kind = dice.pick("lasting", ids, np.array([0.42, 0.22, 0.18, 0.08, 0.10]))
    kind = np.where(long, 3 + dice.between("lasting long", ids, 0, 2), np.where(first, kind % 3, kind))
    low = np.array([2, 5, 13, 32, 0])[kind]
    span = np.array([3, 8, 19, 40, 1])[kind]
    days = low + np.floor(dice.uniform("lasting days", ids) * span).astype(np.int64)
    return np.where(kind == 4, -1, days)


_LEAST_PARTED_FEN = 400_000
"""A quarter, in whole thousands of yuan, of a smaller loan is nothing to pay."""


def _pay_early(config: SimulationConfig, dice: Dice, loans: Loans, calendar: Calendar) -> None:
    """Some good loans are settled early, some pay a part early; arrears and early payment never meet on
    one loan."""
    ids, n = loans.number, len(loans)
    good = loans.bad_period == 0
    begin = np.maximum(loans.drawn_day, 0)
    wait = dice.lognormal("settles after", ids, 55.0, 0.6).astype(np.int64)
    day = begin + np.maximum(wait, 8)
    matures = calendar.due_day(loans, np.arange(n), loans.term_months.astype(np.int64))
    early = good & dice.chance("settles early", ids, 0.22) & (day < matures - 2) & (day <= config.days)
    loans.settle_day = np.where(early, day, NEVER).astype(np.int32)
    part = good & ~early & (loans.method != ANNUITY) & dice.chance("pays a part", ids, 0.12)
    part_day = begin + 10 + dice.between("part day", ids, 0, 60)
    part &= (part_day < matures - 2) & (loans.principal_fen >= _LEAST_PARTED_FEN)
    loans.part_day = np.where(part, part_day, NEVER).astype(np.int32)
    loans.part_fen = np.where(part, loans.principal_fen // _LEAST_PARTED_FEN * 100_000, 0)


@dataclass(frozen=True)
class Instalments:
    """Every instalment that falls due in the window. ``how``: 0 debited, 1 paid by hand, 2 debited in
    the second run;
    ``bad``: it belongs to arrears and is paid on ``paid_day`` only (``NEVER``: not in sight)."""

    loan: I32
    period: I16
    due_day: I32
    principal_fen: I64
    interest_fen: I64
    how: I8
    bad: Mask
    paid_day: I32

    def __len__(self) -> int:
        return len(self.loan)


def list_instalments(config: SimulationConfig, dice: Dice, loans: Loans) -> Instalments:
    """All instalments of open loans due on days 0 … today."""
    calendar = Calendar(int(epoch_day(np.array([config.start_ms]))[0]))
    rows = np.arange(len(loans))
    before = calendar.periods_due(loans, rows, -1)
    upto = calendar.periods_due(loans, rows, config.days)
    overdue_at_start = (loans.bad_period > 0) & (loans.bad_period <= before) & (loans.cure_day >= 0)
    low = np.where(overdue_at_start, loans.bad_period - 1, before)
    count = np.maximum(upto - low, 0)
    loan = np.repeat(rows, count)
    step = np.arange(len(loan)) - np.repeat(np.cumsum(count) - count, count)
    period = low[loan] + 1 + step
    due = calendar.due_day(loans, loan, period)
    live = (loans.settle_day[loan] > due) & (loans.write_off_day[loan] > due)
    loan, period, due = loan[live], period[live], due[live]
    principal, interest = instalment(loans, loan, period, due)
    bad = (loans.bad_period[loan] > 0) & (period >= loans.bad_period[loan]) & (due < loans.cure_day[loan])
    key = loans.number[loan] * 1_000 + period
    how = dice.pick("pays how", key, _SHARES).astype(np.int8)
    paid = np.where(bad, loans.cure_day[loan], due)
    return Instalments(
        loan.astype(np.int32), period.astype(np.int16), due.astype(np.int32), principal, interest, how, bad,
        paid.astype(np.int32),
    )  # fmt: skip


def settlement_fen(loans: Loans, calendar: Calendar, rows: I64) -> tuple[I64, I64, I64]:
    """Principal, interest since the last instalment and period of loans on the day they are settled early."""
    day = loans.settle_day[rows].astype(np.int64)
    paid = calendar.periods_due(loans, rows, day - 1)
    left = left_after(loans, rows, paid)
    last = calendar.due_day(loans, rows, paid)
    interest = np.rint(left * (loans.rate_bp[rows] / 10_000.0) * np.maximum(day - last, 1) / 360).astype(
        np.int64
    )
    return left, np.maximum(interest, 1), paid + 1
