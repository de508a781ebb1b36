"""Calendar periods of a timezone, found by walking over the clock."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from xingji.model.moments import from_us, to_us

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
QUARTER_US = 15 * MINUTE_US
_FIRST_WEEKDAY = {"monday": 0, "saturday": 5, "sunday": 6}


@lru_cache(maxsize=100_000)
def local(time_us: int, zone: ZoneInfo) -> dt.datetime:
    """What the clocks of the zone show."""
    return from_us(time_us).astimezone(zone)


@lru_cache(maxsize=10_000)
def day_start_us(day: dt.date, zone: ZoneInfo) -> int:
    """The first instant of a day, which is not midnight everywhere."""
    time_us = to_us(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)) - DAY_US
    while local(time_us, zone).date() < day:
        time_us += QUARTER_US
    return time_us


def first_day(day: dt.date, interval: str, week_start: str) -> dt.date:
    """The first day of the day's week, month or quarter."""
    if interval == "week":
        return day - dt.timedelta(days=(day.weekday() - _FIRST_WEEKDAY[week_start]) % 7)
    if interval == "month":
        return day.replace(day=1)
    if interval == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day


def next_first_day(day: dt.date, interval: str) -> dt.date:
    """The first day of the period after the one that begins with `day`."""
    if interval in ("day", "week"):
        return day + dt.timedelta(days=1 if interval == "day" else 7)
    far = day + dt.timedelta(days=32 if interval == "month" else 93)
    return far.replace(day=1)


def label_of(time_us: int, interval: str, zone: ZoneInfo, week_start: str = "monday") -> str:
    """The label of the period that holds an instant."""
    clock = local(time_us, zone)
    if interval in ("minute", "hour"):
        offset = clock.utcoffset()
        assert offset is not None
        clock = clock.replace(second=0, microsecond=0, tzinfo=dt.timezone(offset))
        return (clock if interval == "minute" else clock.replace(minute=0)).isoformat()
    return first_day(clock.date(), interval, week_start).isoformat()


def labels_between(first_us: int, last_us: int, interval: str, zone: ZoneInfo, week_start: str) -> list[str]:
    """The labels of all periods from the one that holds `first_us` to the one that holds `last_us`."""
    if interval in ("minute", "hour"):
        step_us = MINUTE_US if interval == "minute" else QUARTER_US
        times = [*range(first_us - first_us % step_us, last_us, step_us), last_us]
        return list(dict.fromkeys(label_of(time_us, interval, zone) for time_us in times))
    day = first_day(local(first_us, zone).date(), interval, week_start)
    last = local(last_us, zone).date()
    labels = []
    while day <= last:
        labels.append(day.isoformat())
        day = next_first_day(day, interval)
    return labels


def end_us_of(label: str, interval: str, zone: ZoneInfo) -> int:
    """The first instant after the period with this label."""
    if interval in ("minute", "hour"):
        return to_us(dt.datetime.fromisoformat(label)) + (MINUTE_US if interval == "minute" else HOUR_US)
    return day_start_us(next_first_day(dt.date.fromisoformat(label), interval), zone)
