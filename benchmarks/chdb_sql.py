"""The questions in ClickHouse's SQL: as given, and where something faster was found, that too.

`e` is ordered by (user_id, ts); `by_event` is the same rows ordered by (event, user_id, ts), the peer's own
posting list. `$Event` stands for the enumeration of event names.
"""

from __future__ import annotations

from benchmarks import answers
from benchmarks.cases import (
    FUNNEL_EVENTS,
    GAP_MINUTES,
    MAX_RANK,
    MAX_STEPS,
    RETENTION_DAYS,
    RETURN_EVENT,
    START_EVENT,
    WINDOW_DAYS,
)
from benchmarks.engine import Question

_A, _B, _C, _D = FUNNEL_EVENTS
_STEPS = ", ".join(f"event = '{name}'" for name in (_B, _C, _D))
_ANY_STEP = ", ".join(f"'{name}'" for name in FUNNEL_EVENTS)
_WINDOW_US = WINDOW_DAYS * 86_400_000_000
_GAP_US = GAP_MINUTES * 60_000_000
_MICROS = "toUnixTimestamp64Micro(ts)"


def _funnel(table: str) -> str:
    return f"""
SELECT level, count() FROM (
  SELECT user_id, windowFunnel({_WINDOW_US})(toUInt64({_MICROS}), event = '{_A}', {_STEPS}) AS level
  FROM {table} WHERE event IN ({_ANY_STEP}) GROUP BY user_id)
WHERE level > 0 GROUP BY level"""


def _funnel_by_city(table: str) -> str:
    first = f"event = '{_A}' AND position_rank <= {MAX_RANK}"
    return f"""
SELECT city, level, count() FROM (
  SELECT user_id, argMinIf(city, ts, event = '{_A}') AS city,
         windowFunnel({_WINDOW_US})(toUInt64({_MICROS}), {first}, {_STEPS}) AS level
  FROM {table} WHERE event IN ({_ANY_STEP}) GROUP BY user_id)
WHERE level > 0 GROUP BY city, level"""


def _event_day(table: str) -> str:
    return f"SELECT event, toDate(ts) AS d, count(), groupBitmap(user_id) FROM {table} GROUP BY event, d"


def _retention(table: str) -> str:
    """Every day has both events in this log, so that a cohort's size is found where the two days are one."""
    days = (
        "SELECT toDate(ts) AS {0}, groupBitmapState(user_id) AS {1} FROM {2} WHERE event = '{3}' GROUP BY {0}"
    )
    return f"""
WITH p AS ({days.format("c", "s", table, START_EVENT)}),
     q AS ({days.format("r", "z", table, RETURN_EVENT)})
SELECT c, r - c, if(r = c, bitmapCardinality(s), bitmapAndCardinality(s, z))
FROM p CROSS JOIN q WHERE r >= c AND r <= c + {RETENTION_DAYS}"""


_ROLLING = """
WITH t AS (SELECT toDate(ts) AS d, groupBitmapState(user_id) AS s FROM e GROUP BY d)
SELECT x, groupBitmapMerge(s)
FROM (SELECT arrayJoin(arrayMap(i -> d + i, range(7))) AS x, s FROM t) GROUP BY x"""

_ROLLING_BY_USER = """
SELECT toDate(x), count() FROM (
  SELECT arrayJoin(arrayDistinct(arrayFlatten(arrayMap(
           d -> range(d, d + 7), groupUniqArray(toUInt16(toDate(ts))))))) AS x
  FROM e GROUP BY user_id SETTINGS optimize_aggregation_in_order = 1)
GROUP BY x"""
"""The days on which a user counts, user by user: faster than merging a bitmap a day."""

_WAYS = f"""
SELECT arraySort(groupArray({_MICROS} * 64 + toUInt8(event))) AS a FROM e GROUP BY user_id
SETTINGS optimize_aggregation_in_order = 1"""
"""Each user's events in order, packed: µs in the high bits, the event's code in the low six."""

_TRANSITIONS = f"""
SELECT CAST(intDiv(x, 64) AS $Event), CAST(x % 64 AS $Event), n FROM (
  SELECT x, count() AS n FROM ({_WAYS})
  ARRAY JOIN arrayMap((p, q) -> bitAnd(p, 63) * 64 + bitAnd(q, 63), arrayPopBack(a), arrayPopFront(a)) AS x
  GROUP BY x)"""

_PATHS = f"""
SELECT intDiv(k, 4096), CAST(intDiv(k % 4096, 64) AS $Event), CAST(k % 64 AS $Event), n, us FROM (
  SELECT k, count() AS n, sum(d) AS us FROM (
    SELECT toUInt32(i * 4096 + bitAnd(x, 63) * 64 + bitAnd(y, 63)) AS k,
           bitShiftRight(y, 6) - bitShiftRight(x, 6) AS d
    FROM (
      SELECT arrayJoin(arraySplit((x, y) -> bitShiftRight(x, 6) - bitShiftRight(y, 6) > {_GAP_US},
                                  a, arrayPushFront(arrayPopBack(a), a[1]))) AS session,
             arraySlice(arrayFilter((x, y) -> bitAnd(x, 63) != bitAnd(y, 63), session,
                                    arrayPushBack(arrayPopFront(session), -1 - bitAnd(session[-1], 63))),
                        1, {MAX_STEPS}) AS nodes
      FROM ({_WAYS}))
    ARRAY JOIN arrayPopBack(nodes) AS x, arrayPopFront(nodes) AS y, arrayEnumerate(arrayPopBack(nodes)) AS i)
  GROUP BY k)"""

QUESTIONS = {
    "funnel": Question({"given": _funnel("e"), "by event": _funnel("by_event")}, answers.by_level),
    "funnel_by_city": Question(
        {"given": _funnel_by_city("e"), "by event": _funnel_by_city("by_event")}, answers.by_level
    ),
    "event_day": Question(
        {"given": _event_day("e"), "by event": _event_day("by_event")}, answers.by_event_and_day
    ),
    "rolling_users": Question({"given": _ROLLING, "by user": _ROLLING_BY_USER}, answers.by_day),
    "retention": Question({"given": _retention("e"), "by event": _retention("by_event")}, answers.by_cohort),
    "transitions": Question({"given": _TRANSITIONS}, answers.by_pair),
    "paths": Question({"written by us": _PATHS}, answers.by_edge),
}

TABLES = (
    ("e", "(user_id, ts)"),
    ("by_event", "(event, user_id, ts)"),
)


def table_sql(name: str, order: str) -> str:
    """The table of that name and order."""
    return f"""
CREATE TABLE {name} (user_id UInt32, ts DateTime64(6, 'UTC'), event $Event, city LowCardinality(String),
                     position_rank UInt8)
ENGINE = MergeTree ORDER BY {order}"""
