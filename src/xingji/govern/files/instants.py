"""Times as files write them, in µs since 1970-01-01 UTC: ISO 8601, epoch numbers, or a given format."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xingji.model.event_table import TIME_TYPE
from xingji.model.moments import parse_instant, to_us

FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999
"""The years 1 to 9999."""
_SECONDS_BELOW, _MILLISECONDS_BELOW, _MICROSECONDS_BELOW = 10**11, 10**14, 10**17
_ZONED = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$"
_NAIVE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{1,6})?)?$"
_NUMBER = re.compile(r"-?\d{1,17}(\.\d{1,9})?")
_DATE_LIKE = ((19_000_101, 21_001_231), (19_000_101_000_000, 21_001_231_235_959))

Int64s = npt.NDArray[np.int64]


def instants(times: pa.Array, time_format: str | None = None) -> pa.Array:
    """Times of any column as timestamp[µs, UTC]; null: missing, or no instant of the years 1 to 9999.

    Texts are ISO 8601 (UTC where no offset is given) or epoch numbers; `time_format` has strptime's letters.
    Numbers below 10^11 are seconds, below 10^14 ms, below 10^17 µs; those that read as a date
    (20260131, 20260131093000) are refused, since they would be instants nobody meant.
    """
    if time_format is not None:
        return _by_value(_texts(times), lambda text: _formatted_us(text, time_format))
    kind = times.type
    if pa.types.is_timestamp(kind):
        return _bounded(_from_timestamps(times))
    if pa.types.is_date(kind):
        return _bounded(times.cast(pa.timestamp("s")).cast(pa.timestamp("us")).cast(pa.int64()))
    if pa.types.is_integer(kind):
        return _bounded(_from_integers(times))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _bounded(_from_fractions(times.cast(pa.float64())))
    return _from_texts(_texts(times))


def _texts(times: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(times.type):
        return _texts(times.dictionary_decode())
    return times if pa.types.is_string(times.type) else times.cast(pa.string())


def _bounded(times_us: pa.Array) -> pa.Array:
    inside = pc.and_(pc.greater_equal(times_us, FIRST_US), pc.less_equal(times_us, LAST_US))
    if pc.all(inside, skip_nulls=True).as_py() is False:
        times_us = pc.if_else(inside, times_us, pa.scalar(None, pa.int64()))
    return times_us.cast(TIME_TYPE)


def _from_timestamps(times: pa.Array) -> pa.Array:
    try:
        return times.cast(pa.timestamp("us", times.type.tz), safe=times.type.unit != "ns").cast(pa.int64())
    except pa.ArrowInvalid:
        factor = {"s": 1_000_000, "ms": 1_000}[times.type.unit]
        within = pc.and_(
            pc.greater_equal(times.cast(pa.int64()), FIRST_US // factor),
            pc.less_equal(times.cast(pa.int64()), LAST_US // factor),
        )
        kept = pc.if_else(within, times.cast(pa.int64()), pa.scalar(None, pa.int64()))
        return pc.multiply(kept, factor)


def _from_integers(times: pa.Array) -> pa.Array:
    """`epoch_us` of a whole column at once."""
    if pa.types.is_uint64(times.type):
        times = pc.if_else(pc.less(times, _MICROSECONDS_BELOW), times, pa.scalar(None, pa.uint64()))
    whole = times.cast(pa.int64())
    numbers = np.asarray(whole.fill_null(0))
    size = np.abs(numbers)
    factor = np.select([size < _SECONDS_BELOW, size < _MILLISECONDS_BELOW], [1_000_000, 1_000], 1)
    refused = (size >= _MICROSECONDS_BELOW) | _reads_as_date(numbers)
    with np.errstate(over="ignore"):
        times_us = numbers * factor
    return pa.array(times_us, mask=refused | np.asarray(whole.is_null()))


def _reads_as_date(numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    (day_low, day_high), (second_low, second_high) = _DATE_LIKE
    days = (numbers >= day_low) & (numbers <= day_high) & _plausible(numbers)
    seconds = (numbers >= second_low) & (numbers <= second_high) & _plausible(numbers // 1_000_000)
    return np.asarray(days | seconds)


def _plausible(dates: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    month, day = dates // 100 % 100, dates % 100
    return np.asarray((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31))


def _from_fractions(times: pa.Array) -> pa.Array:
    numbers = np.asarray(times.fill_null(0), dtype=np.float64)
    size = np.abs(numbers)
    factor = np.select([size < _SECONDS_BELOW, size < _MILLISECONDS_BELOW], [1e6, 1e3], 1.0)
    usable = (size < _MICROSECONDS_BELOW) & ~_reads_as_date(np.where(np.isfinite(numbers), numbers, 0))
    times_us = np.rint(np.where(usable, numbers * factor, 0)).astype(np.int64)
    return pa.array(times_us, mask=~usable | np.asarray(times.is_null()))


def _from_texts(texts: pa.Array) -> pa.Array:
    zoned = pc.match_substring_regex(texts, _ZONED).fill_null(False)
    if pc.all(zoned).as_py() is not False and texts.null_count == 0:
        return _parsed(texts, TIME_TYPE)
    naive = pc.match_substring_regex(texts, _NAIVE).fill_null(False)
    other = pc.and_not(pc.is_valid(texts), pc.or_(zoned, naive))
    found = np.zeros(len(texts), dtype=np.int64)
    missing = np.ones(len(texts), dtype=bool)
    for mask, parse in ((zoned, _parsed_zoned), (naive, _parsed_naive), (other, _parsed_otherwise)):
        rows = np.flatnonzero(np.asarray(mask))
        part = parse(texts.take(pa.array(rows))) if len(rows) else None
        if part is not None:
            missing[rows] = np.asarray(part.is_null())
            found[rows] = np.asarray(part.cast(pa.int64()).fill_null(0))
    return pa.array(found, mask=missing).cast(TIME_TYPE)


def _parsed_zoned(texts: pa.Array) -> pa.Array:
    return _parsed(texts, TIME_TYPE)


def _parsed_naive(texts: pa.Array) -> pa.Array:
    return _parsed(texts, pa.timestamp("us"))


def _parsed_otherwise(texts: pa.Array) -> pa.Array:
    return _by_value(texts, instant_us)


def _parsed(texts: pa.Array, as_type: pa.DataType) -> pa.Array:
    try:
        return _bounded(texts.cast(as_type).cast(pa.int64()))
    except pa.ArrowInvalid:
        return _by_value(texts, instant_us)


def _by_value(texts: pa.Array, parse: Callable[[str], int | None]) -> pa.Array:
    """Parse each distinct text once."""
    coded = texts.dictionary_encode()
    parsed = pa.array([parse(text) for text in coded.dictionary.to_pylist()], pa.int64())
    return _bounded(parsed.take(coded.indices))


def instant_us(text: str) -> int | None:
    """The µs of an ISO 8601 text or an epoch number written as text; None if it is neither.

    >>> instant_us("2026-01-05T09:30:00+08:00"), instant_us("1767576600"), instant_us("20260105")
    (1767576600000000, 1767576600000000, None)
    """
    moment = parse_instant(text)
    if moment is not None:
        return to_us(moment)
    if not _NUMBER.fullmatch(text):
        return None
    return epoch_us(float(text)) if "." in text else epoch_us(int(text))


def epoch_us(number: float) -> int | None:
    """The µs of an epoch number, its unit told from its size; None if too large or read as a date."""
    if isinstance(number, int):
        column = pa.array([number], pa.int64()) if abs(number) < _MICROSECONDS_BELOW else None
    else:
        column = pa.array([number], pa.float64())
    found: int | None = None if column is None else instants(column).cast(pa.int64())[0].as_py()
    return found


def _formatted_us(text: str, time_format: str) -> int | None:
    try:
        moment = dt.datetime.strptime(text, time_format)  # noqa: DTZ007 - a zone is given two lines below
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return to_us(moment)


def instants_of_values(values: Sequence[object], time_format: str | None = None) -> pa.Array:
    """Times as a JSON reader gives them, texts and numbers in any mixture; null where there is no instant."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str} or kinds <= {float}:
        return instants(pa.array(values, pa.string() if kinds <= {str} else pa.float64()), time_format)
    if kinds == {int} and time_format is None:
        return instants(pa.array([_in_reach(value) for value in values], pa.int64()))
    parsed = [_value_us(value, time_format) for value in values]
    return pa.array(parsed, pa.int64()).cast(TIME_TYPE)


def _in_reach(value: Any) -> int | None:
    return value if value is not None and abs(value) < _MICROSECONDS_BELOW else None


def _value_us(value: object, time_format: str | None) -> int | None:
    if isinstance(value, dt.datetime):
        return to_us(value)
    if isinstance(value, str) or time_format is not None:
        text = str(value) if isinstance(value, str | int) else ""
        return instant_us(text) if time_format is None else _bounded_us(_formatted_us(text, time_format))
    return epoch_us(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _bounded_us(time_us: int | None) -> int | None:
    return time_us if time_us is not None and FIRST_US <= time_us <= LAST_US else None
