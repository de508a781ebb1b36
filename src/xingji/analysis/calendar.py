"""Calendar periods of a timezone: their boundaries as instants, and their labels."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xingji.lake.part import Int32s, Int64s
from xingji.model.errors import CallerError
from xingji.model.moments import EPOCH, from_us, to_us
from xingji.model.query import Interval, Scope, WeekStart

MAX_BUCKETS = 10_000
_FIRST_DAY = {"monday": 0, "saturday": 5, "sunday": 6}
_EVER = (-(2**62), 2**62)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Periods that follow each other: bucket i is [edges_us[i], edges_us[i + 1]), labelled `labels[i]`."""

    edges_us: Int64s
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def of_times(self, time_us: Int64s) -> Int32s:
        """The bucket of each instant, -1 outside all, `int32[n]`."""
        found = np.searchsorted(self.edges_us, time_us, side="right") - 1
        return np.where(found < len(self.labels), found, -1).astype(np.int32)


def range_us(scope: Scope) -> tuple[int, int]:
    """The range of a query as µs [first, end); an open side reaches beyond every event."""
    zone = zoneinfo.ZoneInfo(scope.timezone)
    first, last = _EVER
    if isinstance(scope.date_from, dt.datetime):
        first = to_us(scope.date_from)
    elif scope.date_from is not None:
        first = day_start_us(scope.date_from, zone)
    if isinstance(scope.date_to, dt.datetime):
        last = to_us(scope.date_to) + 1
    elif scope.date_to is not None:
        last = day_start_us(next_day(scope.date_to), zone)
    return first, last


def next_day(day: dt.date, days: int = 1) -> dt.date:
    """The day `days` later, staying within the calendar's years 1 to 9999."""
    return dt.date.fromordinal(min(max(day.toordinal() + days, 1), dt.date.max.toordinal()))


@functools.lru_cache(maxsize=1 << 14)
def day_start_us(day: dt.date, zone: zoneinfo.ZoneInfo) -> int:
    """The first instant of a day: where midnight does not exist, the moment the clocks jump to."""
    return _local_us(dt.datetime.combine(day, dt.time()), zone)


def _local_us(local: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    """The first instant at which a local clock shows `local` or later."""
    naive_us = (local - EPOCH.replace(tzinfo=None)) // dt.timedelta(microseconds=1)
    before, after = (_offset_us(local, zone, fold) for fold in (0, 1))
    candidate = naive_us - before
    if _shown_us(candidate, zone) >= naive_us and before >= after:
        return candidate
    return _jump_us(naive_us, naive_us - max(before, after), naive_us - min(before, after), zone)


def _offset_us(local: dt.datetime, zone: zoneinfo.ZoneInfo, fold: int) -> int:
    offset = local.replace(tzinfo=zone, fold=fold).utcoffset() or dt.timedelta()
    return offset // dt.timedelta(microseconds=1)


def _shown_us(time_us: int, zone: zoneinfo.ZoneInfo) -> int:
    try:
        offset = from_us(time_us).astimezone(zone).utcoffset() or dt.timedelta()
    except OverflowError:
        offset = dt.timedelta()
    return time_us + offset // dt.timedelta(microseconds=1)


def _jump_us(naive_us: int, low: int, high: int, zone: zoneinfo.ZoneInfo) -> int:
    """The first instant in (low, high] whose local clock shows `naive_us` or later."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _shown_us(middle, zone) >= naive_us else (middle + 1, high)
    return low


def period_start(day: dt.date, interval: Interval, week_start: WeekStart) -> dt.date:
    """The first day of the week, month or quarter that holds the day (a day: itself)."""
    match interval:
        case "week":
            return next_day(day, -((day.weekday() - _FIRST_DAY[week_start]) % 7))
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day


def next_period(start: dt.date, interval: Interval) -> dt.date:
    """The first day of the period after the one that begins at `start`."""
    match interval:
        case "week":
            return next_day(start, 7)
        case "month" | "quarter":
            months = start.year * 12 + start.month - 1 + (1 if interval == "month" else 3)
            return dt.date(months // 12, months % 12 + 1, 1) if months < 12 * 9999 + 12 else dt.date.max
        case _:
            return next_day(start)


def local_day(time_us: int, zone: zoneinfo.ZoneInfo) -> dt.date:
    """The day that a local calendar shows at an instant."""
    try:
        return from_us(time_us).astimezone(zone).date()
    except OverflowError:
        return from_us(time_us).date()


def make_buckets(
    first_us: int, last_us: int, interval: Interval, timezone: str, week_start: WeekStart
) -> Buckets:
    """The periods from the one that holds `first_us` through the one that holds `last_us` (inclusive)."""
    zone = zoneinfo.ZoneInfo(timezone)
    if interval == "total":
        return Buckets(np.array([first_us, last_us + 1], np.int64), (local_day(first_us, zone).isoformat(),))
    if interval in ("hour", "minute"):
        return _clock_buckets(first_us, last_us, interval, zone)
    edges, labels = [], []
    for day in _period_days(local_day(first_us, zone), local_day(last_us, zone), interval, week_start):
        edges.append(day_start_us(day, zone))
        labels.append(day.isoformat())
        _check_count(len(labels), interval)
    edges.append(day_start_us(next_period(dt.date.fromisoformat(labels[-1]), interval), zone))
    return Buckets(np.array(edges, np.int64), tuple(labels))


def _period_days(
    first: dt.date, last: dt.date, interval: Interval, week_start: WeekStart
) -> Iterator[dt.date]:
    day = period_start(first, interval, week_start)
    while day <= last:
        yield day
        following = next_period(day, interval)
        if following <= day:
            return
        day = following


def _check_count(count: int, interval: str) -> None:
    if count > MAX_BUCKETS:
        raise CallerError(
            f"interval {interval} cuts the range into more than {MAX_BUCKETS} buckets; take a longer one"
        )


def _clock_buckets(first_us: int, last_us: int, interval: Interval, zone: zoneinfo.ZoneInfo) -> Buckets:
    """Hours or minutes of the local clock; where the clocks change, the cut falls at the change as well."""
    length = 3_600_000_000 if interval == "hour" else 60_000_000
    _check_count((last_us - first_us) // length, interval)
    edges, labels = [], []
    at = _clock_start(first_us, length, zone)
    while at <= last_us:
        edges.append(at)
        labels.append(from_us(at).astimezone(zone).isoformat())
        _check_count(len(labels), interval)
        at = _next_clock(at, length, zone)
    return Buckets(np.array([*edges, at], np.int64), tuple(labels))


def _clock_start(time_us: int, length: int, zone: zoneinfo.ZoneInfo) -> int:
    offset = _shown_us(time_us, zone) - time_us
    start = (time_us + offset) // length * length - offset
    if _shown_us(start, zone) - start == offset:
        return start
    return _offset_change(start, time_us, offset, zone)


def _offset_change(low: int, high: int, offset: int, zone: zoneinfo.ZoneInfo) -> int:
    """The first instant of (low, high] from which the clocks are `offset` ahead of UTC."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _shown_us(middle, zone) - middle == offset else (middle + 1, high)
    return low


def _next_clock(start: int, length: int, zone: zoneinfo.ZoneInfo) -> int:
    offset = _shown_us(start, zone) - start
    end = ((start + offset) // length + 1) * length - offset
    if _shown_us(end, zone) - end == offset or length == 60_000_000:
        return end
    return _offset_change(start, end, _shown_us(end, zone) - end, zone)


def bucket_index(buckets: Buckets, label: str) -> int | None:
    """The bucket of a label; None when no bucket bears it."""
    return buckets.labels.index(label) if label in buckets.labels else None
