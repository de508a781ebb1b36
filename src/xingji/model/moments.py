"""Instants: µs since 1970-01-01 UTC, read from and written as ISO 8601."""

from __future__ import annotations

import datetime as dt
import re

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|z|[+-]\d{2}:?\d{2}(:?\d{2})?)?)?"
)


def to_us(moment: dt.datetime) -> int:
    """µs of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(time_us: int) -> dt.datetime:
    """The aware UTC datetime of µs; raises OverflowError outside the years 1 to 9999."""
    return EPOCH + dt.timedelta(microseconds=time_us)


def parse_instant(text: str) -> dt.datetime | None:
    """An ISO 8601 instant with offset; a text without time or offset is taken as UTC; None if it is no
    instant."""
    if not _FORM.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(_at_most_six_digits(text.replace(",", ".")))
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
        return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _at_most_six_digits(text: str) -> str:
    return re.sub(
        r"(\.\d{6})\d+", r"\1", text.upper().replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
    )


def iso(time_us: int) -> str:
    """µs as ISO 8601 in UTC, with a Z and only the digits that are needed."""
    text = from_us(time_us).isoformat().replace("+00:00", "")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "Z"
