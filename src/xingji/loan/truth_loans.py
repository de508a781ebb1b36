"""True rhythms, cohorts, first-payment defaults and balances."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from xingji.loan.arrays import DAY_MS, HOUR_MS, I64, NONE, Mask
from xingji.loan.config import SHANGHAI_OFFSET_MS
from xingji.loan.geography import places
from xingji.loan.ledger import Ledger
from xingji.loan.vocabulary import PRODUCTS, VALUES
from xingji.loan.workdays import HOLIDAY, WEEKEND, WORKDAY, is_payday, kind_of_day
from xingji.loan.world import World

_WEEK_DAYS = 7
PERIODS = 12


def rhythm(world: World) -> dict[str, Any]:
    """Drawdown requests of T-days … T-1: people per day and product, the week by hours, and what kinds
    of day do."""
    config, draws = world.config, world.draws
    day = (draws.submit_ms - config.start_ms) // DAY_MS
    inside = (day >= 0) & (day < config.days)
    person, product = world.apps.person[draws.app], world.apps.product[draws.app]
    users = _distinct_by_day(day[inside], person[inside], config.days)
    dates = world.days.dates[: config.days]
    hours = (draws.submit_ms[inside] + SHANGHAI_OFFSET_MS) % DAY_MS // HOUR_MS
    weekday = np.array([date.weekday() for date in dates])[day[inside]]
    week = np.zeros((7, 24), np.int64)
    np.add.at(week, (weekday, hours), 1)
    return {
        "users_by_day": {str(date): int(n) for date, n in zip(dates, users)},
        "users_by_day_and_product": {
            name: _distinct_by_day(
                day[inside & (product == code)], person[inside & (product == code)], config.days
            ).tolist()
            for code, name in enumerate(PRODUCTS)
        },
        "requests_by_weekday_and_hour": week.tolist(),
        **_kinds_of_day(dates, users),
    }


def _distinct_by_day(day: I64, person: Any, days: int) -> I64:
    pairs = np.unique(day * (1 << 32) + person)
    return np.bincount(pairs >> 32, minlength=days)


def _kinds_of_day(dates: tuple[dt.date, ...], users: I64) -> dict[str, Any]:
    kinds = np.array(["payday" if is_payday(d) else kind_of_day(d) for d in dates])
    mean = {kind: float(users[kinds == kind].mean()) for kind in np.unique(kinds).tolist()}
    usual = mean.get(WORKDAY)
    return {
        "days": {kind: int((kinds == kind).sum()) for kind in mean},
        "users_per_day": mean,
        "multiple_of_workday": {
            kind: mean[kind] / usual for kind in ("payday", WEEKEND, HOLIDAY) if usual and kind in mean
        },
    }


def repeat(world: World) -> dict[str, Any]:
    """Question 9: first drawdown to the next ones, by 7 days from the first, cohorts by calendar week."""
    entries = _Entries(world)
    out: dict[str, Any] = {}
    for code, name in enumerate(PRODUCTS):
        out[name] = _cohorts(world, entries, entries.product == code, elapsed=True)
    everyone = _cohorts(world, entries, np.ones(len(entries.person), np.bool_), elapsed=True)
    total = np.sum([cohort["returned"] for cohort in everyone], axis=0)
    return {"by_product": out, "peak_week": int(np.argmax(total[1:]) + 1) if total[1:].any() else None}


def cohorts(world: World) -> list[dict[str, Any]]:
    """Weekly cohorts of first drawdowns and, by calendar weeks, who drew again."""
    entries = _Entries(world)
    return _cohorts(world, entries, np.ones(len(entries.person), np.bool_), elapsed=False)


class _Entries:
    """Each person's first drawdown result marked as first, within the days before today, and the later
    ones."""

    def __init__(self, world: World) -> None:
        draws, config = world.draws, world.config
        person = world.apps.person[draws.app].astype(np.int64)
        first = np.flatnonzero(draws.first == 1)
        order = first[np.lexsort((draws.result_ms[first], person[first]))]
        head = order[np.r_[True, person[order][1:] != person[order][:-1]]] if len(order) else order
        until = config.midnight_ms(config.days)
        head = head[draws.result_ms[head] < until]
        self.person, self.time_ms = person[head], draws.result_ms[head]
        self.product = world.apps.product[draws.app[head]]
        again = np.flatnonzero((draws.first == 0) & (draws.result_ms < until))
        entered = np.full(len(world.people), NONE, np.int64)
        entered[self.person] = np.arange(len(head))
        self.again = entered[person[again]]
        keep = self.again != NONE
        self.again, self.again_ms = self.again[keep], draws.result_ms[again][keep]


def _week_of(world: World, time_ms: I64) -> tuple[I64, dt.date]:
    """Number of the calendar week (Monday first) of instants, 0 being that of the first day, and its
    Monday."""
    first = world.config.first_day
    monday = first - dt.timedelta(days=first.weekday())
    day = (time_ms - world.config.start_ms) // DAY_MS + first.weekday()
    return day // _WEEK_DAYS, monday


def _cohorts(world: World, entries: _Entries, mine: Mask, *, elapsed: bool) -> list[dict[str, Any]]:
    week, monday = _week_of(world, entries.time_ms)
    later, _ = _week_of(world, entries.again_ms)
    weeks = int(_week_of(world, np.array([world.config.midnight_ms(world.config.days) - 1]))[0][0]) + 1
    if elapsed:
        period = (entries.again_ms - entries.time_ms[entries.again]) // (_WEEK_DAYS * DAY_MS)
    else:
        period = later - week[entries.again]
    table = np.zeros((weeks, PERIODS + 1), np.int64)
    table[:, 0] = np.bincount(week[mine], minlength=weeks)
    keep = mine[entries.again] & (period >= 1) & (period <= PERIODS)
    pairs = np.unique(entries.again[keep] * 64 + period[keep])
    np.add.at(table, (week[pairs // 64], pairs % 64), 1)
    return [
        {
            "start": str(monday + dt.timedelta(days=_WEEK_DAYS * number)),
            "size": int(row[0]),
            "returned": row.tolist(),
        }
        for number, row in enumerate(table)
    ]


def fpd(world: World, ledger: Ledger) -> dict[str, Any]:
    """First-payment defaults by loan: of the first instalments due in a range, those late by 1 or 30 days.

    ``matured``: the arrears may come after the range (``range_applies_to`` entry); ``in_range``: as printed.
    """
    first = _First(world, ledger)
    by_channel = first.by_channel(60, 31, 30, matured=True)
    return {
        "late_1_by_channel": first.by_channel(60, 1, 1, matured=False),
        "late_30_by_channel": by_channel,
        "late_30_by_channel_in_range": first.by_channel(60, 31, 30, matured=False),
        "late_30_by_channel_and_district": first.by_district(60, 31, 30),
        "worst_channels": sorted(
            (name for name, (due, _) in by_channel.items() if due >= 30),
            key=lambda name: -by_channel[name][1] / by_channel[name][0],
        ),
    }


class _First:
    """First instalments: loan, channel, district, when due; and when each was first late by so many days."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        dues = world.dues
        rows = np.flatnonzero((dues.period == 1) & (dues.due_day >= 0))
        self.loan = dues.loan[rows].astype(np.int64)
        self.due_day = dues.due_day[rows].astype(np.int64)
        self.channel = world.apps.channel[world.loans.app[self.loan]]
        self.district = places().district[world.people.place[world.loans.person[self.loan]]]
        self.late = ledger.of("overdue", 4)

    def _table(self, first_ago: int, last_ago: int, days: int, *, matured: bool) -> tuple[Mask, Mask]:
        config = self.world.config
        low, high = config.day_before(first_ago), config.day_before(last_ago)
        due = (self.due_day >= low) & (self.due_day <= high)
        loan, period, past, time = self.late
        hit = (period == 1) & (past >= days)
        if not matured:
            hit &= time < config.midnight_ms(high + 1)
        late = np.zeros(len(self.world.loans), np.bool_)
        late[loan[hit]] = True
        return due, due & late[self.loan]

    def by_channel(self, first_ago: int, last_ago: int, days: int, *, matured: bool) -> dict[str, list[int]]:
        """Per channel: loans whose first instalment fell due in T-first … T-last, and how many were late."""
        due, late = self._table(first_ago, last_ago, days, matured=matured)
        return {
            name: [int((due & (self.channel == code)).sum()), int((late & (self.channel == code)).sum())]
            for code, name in enumerate(VALUES["channel"])
            if (due & (self.channel == code)).any()
        }

    def by_district(self, first_ago: int, last_ago: int, days: int) -> dict[str, dict[str, list[int]]]:
        """The same by channel and the customer's district."""
        due, late = self._table(first_ago, last_ago, days, matured=True)
        out: dict[str, dict[str, list[int]]] = {}
        for row in np.flatnonzero(due).tolist():
            channel, district = VALUES["channel"][self.channel[row]], places().districts[self.district[row]]
            cell = out.setdefault(channel, {}).setdefault(district, [0, 0])
            cell[0] += 1
            cell[1] += int(late[row])
        return out


def balances(world: World, ledger: Ledger) -> dict[str, dict[str, dict[str, Any]]]:
    """Per day end and product: loans outstanding and their principal in yuan, as exact text."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for day, product, fen, count in zip(*(column.tolist() for column in ledger.of("balance", 4))):
        cell = {"yuan": f"{fen // 100}.{fen % 100:02d}", "loans": count}
        out.setdefault(str(world.days.dates[day]), {})[PRODUCTS[product]] = cell
    return out
