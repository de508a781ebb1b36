"""Days as the bank's customers live them: workdays, weekends, public holidays, paydays.

2024 to 2026 hold the announced arrangement, make-up workdays included. For 2027 only the statutory days
are held (their dates follow from the lunar calendar); other years know weekends alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import F64, Mask

# year: (first day, last day) of each holiday as month-day, then the weekend days that are worked in exchange.
_ARRANGEMENTS: dict[int, tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    2024: (
        (("01-01", "01-01"), ("02-10", "02-17"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-10", "06-10"),
         ("09-15", "09-17"), ("10-01", "10-07")),
        ("02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"),
    ),
    2025: (
        (("01-01", "01-01"), ("01-28", "02-04"), ("04-04", "04-06"), ("05-01", "05-05"), ("05-31", "06-02"),
         ("10-01", "10-08")),
        ("01-26", "02-08", "04-27", "09-28", "10-11"),
    ),
    2026: (
        (("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-19", "06-21"),
         ("09-25", "09-27"), ("10-01", "10-07")),
        ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10"),
    ),
    2027: (
        (("01-01", "01-01"), ("02-05", "02-08"), ("04-05", "04-05"), ("05-01", "05-02"), ("06-09", "06-09"),
         ("09-15", "09-15"), ("10-01", "10-03")),
        (),
    ),
}  # fmt: skip

PAYDAYS = (10, 15)
WORKDAY, WEEKEND, HOLIDAY = "workday", "weekend", "holiday"


def _holiday_dates(year: int) -> set[dt.date]:
    days: set[dt.date] = set()
    for first, last in _ARRANGEMENTS.get(year, ((), ()))[0]:
        day, end = (dt.date.fromisoformat(f"{year}-{text}") for text in (first, last))
        while day <= end:
            days.add(day)
            day += dt.timedelta(days=1)
    return days


HOLIDAYS = frozenset(day for year in _ARRANGEMENTS for day in _holiday_dates(year))
MAKE_UP_WORKDAYS = frozenset(
    dt.date.fromisoformat(f"{year}-{text}") for year, (_, worked) in _ARRANGEMENTS.items() for text in worked
)


def kind_of_day(day: dt.date) -> str:
    """``workday``, ``weekend`` or ``holiday``; a weekend worked in exchange is a workday."""
    if day in HOLIDAYS:
        return HOLIDAY
    if day.weekday() >= 5 and day not in MAKE_UP_WORKDAYS:
        return WEEKEND
    return WORKDAY


def is_payday(day: dt.date) -> bool:
    """Whether most of the customers' employers pay on this day of the month."""
    return day.day in PAYDAYS


@dataclass(frozen=True, slots=True)
class DayTable:
    """The simulated days: ``dates[i]`` with one weight per kind of demand, and which are worked."""

    dates: tuple[dt.date, ...]
    browse: F64
    apply: F64
    draw: F64
    worked: Mask


_BROWSE = {WORKDAY: 1.0, WEEKEND: 1.12, HOLIDAY: 0.82}
_APPLY = {WORKDAY: 1.0, WEEKEND: 0.80, HOLIDAY: 0.50}
_DRAW = {WORKDAY: 1.0, WEEKEND: 0.72, HOLIDAY: 0.55}
_PAYDAY = {"browse": 1.10, "apply": 1.25, "draw": 1.60}


def day_table(first: dt.date, count: int, share_of_last: float) -> DayTable:
    """Weights of ``count`` days from ``first``; the last one has passed only by ``share_of_last`` of
    its traffic."""
    dates = tuple(first + dt.timedelta(days=i) for i in range(count))
    kinds = [kind_of_day(day) for day in dates]
    payday = np.array([is_payday(day) for day in dates])

    def weights(table: dict[str, float], lift: float) -> F64:
        out = np.array([table[kind] for kind in kinds]) * np.where(payday, lift, 1.0)
        out[-1] *= share_of_last
        return out

    return DayTable(
        dates,
        weights(_BROWSE, _PAYDAY["browse"]),
        weights(_APPLY, _PAYDAY["apply"]),
        weights(_DRAW, _PAYDAY["draw"]),
        np.array([kind == WORKDAY for kind in kinds]),
    )


def hour_weights(name: str) -> F64:
    """Share of the day's traffic per hour 0..23 for ``browse``, ``apply`` or ``draw``."""
    browse = [
        1.2,
        0.6,
        0.4,
        0.3,
        0.3,
        0.6,
        1.6,
        3.2,
        4.6,
        5.6,
        6.0,
        5.8,
        6.2,
        5.6,
        5.0,
        5.0,
        5.0,
        5.0,
        5.2,
        6.2,
        7.4,
        7.8,
        6.4,
        3.6,
    ]
    apply = [.7, .2, .1, .1, .1, .3, .9, 2.4, 4.8, 7.2, 7.6, 6.4, 6.0, 5.6, 6.4, 6.6, 6.2, 5.2, 4.6, 5.8, 7.0,
             7.2, 5.4, 2.6]  # fmt: skip
    draw = [.5, .2, .1, .1, .1, .2, .6, 1.8, 5.0, 8.6, 9.2, 7.6, 6.0, 5.2, 7.0, 7.6, 7.0, 5.0, 3.8, 4.4, 6.0,
            6.4, 4.6, 1.9]  # fmt: skip
    table = {"browse": browse, "apply": apply, "draw": draw}[name]
    return np.array(table) / sum(table)
