"""The first peer: ClickHouse in process (chDB), a table ordered by user and time, and its SQL at its best."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from chdb.session import Session

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
    Case,
    Rows,
)
from benchmarks.engine import THREADS, Question
from benchmarks.log import Log

_A, _B, _C, _D = FUNNEL_EVENTS
_STEPS = ", ".join(f"event = '{name}'" for name in (_B, _C, _D))
_ANY_STEP = ", ".join(f"'{name}'" for name in FUNNEL_EVENTS)
_WINDOW_US = WINDOW_DAYS * 86_400_000_000
_GAP_US = GAP_MINUTES * 60_000_000
_MICROS = "toUnixTimestamp64Micro(ts)"

_WAYS = f"""
SELECT arraySort(groupArray({_MICROS} * 64 + toUInt8(event))) AS a FROM e GROUP BY user_id
SETTINGS optimize_aggregation_in_order = 1"""
"""Each user's events in order, packed: µs in the high bits, the event's code in the low six."""

QUESTIONS = {
    "funnel": Question(
        f"""
SELECT level, count() FROM (
  SELECT user_id, windowFunnel({_WINDOW_US})(toUInt64({_MICROS}), event = '{_A}', {_STEPS}) AS level
  FROM e WHERE event IN ({_ANY_STEP}) GROUP BY user_id)
WHERE level > 0 GROUP BY level""",
        answers.by_level,
    ),
    "funnel_by_city": Question(
        f"""
SELECT city, level, count() FROM (
  SELECT user_id, argMinIf(city, ts, event = '{_A}') AS city,
         windowFunnel({_WINDOW_US})(toUInt64({_MICROS}), event = '{_A}' AND position_rank <= {MAX_RANK}, {_STEPS}) AS level
  FROM e WHERE event IN ({_ANY_STEP}) GROUP BY user_id)
WHERE level > 0 GROUP BY city, level""",
        answers.by_level,
    ),
    "event_day": Question(
        "SELECT event, toDate(ts) AS d, count(), groupBitmap(user_id) FROM e GROUP BY event, d",
        answers.by_event_and_day,
    ),
    "rolling_users": Question(
        """
WITH t AS (SELECT toDate(ts) AS d, groupBitmapState(user_id) AS s FROM e GROUP BY d),
     (SELECT max(d) FROM t) AS last
SELECT x, groupBitmapMerge(s) FROM (SELECT arrayJoin(arrayMap(i -> d + i, range(7))) AS x, s FROM t)
WHERE x <= last GROUP BY x""",
        answers.by_day,
    ),
    "retention": Question(
        f"""
WITH p AS (SELECT toDate(ts) AS c, groupBitmapState(user_id) AS s FROM e WHERE event = '{START_EVENT}' GROUP BY c),
     q AS (SELECT toDate(ts) AS r, groupBitmapState(user_id) AS z FROM e WHERE event = '{RETURN_EVENT}' GROUP BY r)
SELECT c, 0, bitmapCardinality(s) FROM p
UNION ALL
SELECT c, r - c, bitmapAndCardinality(s, z) FROM p CROSS JOIN q WHERE r > c AND r <= c + {RETENTION_DAYS}""",
        answers.by_cohort,
    ),
    "transitions": Question(
        f"""
SELECT CAST(intDiv(x, 64) AS $Event), CAST(x % 64 AS $Event), n FROM (
  SELECT x, count() AS n FROM ({_WAYS})
  ARRAY JOIN arrayMap((p, q) -> bitAnd(p, 63) * 64 + bitAnd(q, 63), arrayPopBack(a), arrayPopFront(a)) AS x
  GROUP BY x)""",
        answers.by_pair,
    ),
    "paths": Question(
        f"""
SELECT intDiv(k, 4096), CAST(intDiv(k % 4096, 64) AS $Event), CAST(k % 64 AS $Event), n, us FROM (
  SELECT k, count() AS n, sum(d) AS us FROM (
    SELECT toUInt32(i * 4096 + bitAnd(x, 63) * 64 + bitAnd(y, 63)) AS k,
           bitShiftRight(y, 6) - bitShiftRight(x, 6) AS d
    FROM (
      SELECT arrayJoin(arraySplit((x, y) -> bitShiftRight(x, 6) - bitShiftRight(y, 6) > {_GAP_US},
                                  a, arrayPushFront(arrayPopBack(a), a[1]))) AS session,
             arraySlice(arrayFilter((x, y) -> bitAnd(x, 63) != bitAnd(y, 63),
                                    session, arrayPushBack(arrayPopFront(session), -1 - bitAnd(session[-1], 63))),
                        1, {MAX_STEPS}) AS nodes
      FROM ({_WAYS}))
    ARRAY JOIN arrayPopBack(nodes) AS x, arrayPopFront(nodes) AS y, arrayEnumerate(arrayPopBack(nodes)) AS i)
  GROUP BY k)""",
        answers.by_edge,
    ),
}


class ChDb:
    """A session over a table of the log in a folder."""

    def __init__(self, folder: Path, log: Log) -> None:
        enum = ", ".join(f"'{name}' = {code}" for code, name in enumerate(log.event_names))
        self._event = f"Enum8({enum})"
        known = (folder / "loaded").exists()
        if not known:
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
        self._session = Session(str(folder))
        self._say(f"SET max_threads = {THREADS}")
        self.load_s = None if known else self._load(folder, log)

    def _say(self, sql: str) -> str:
        return str(self._session.query(sql.replace("$Event", self._event), "TabSeparated"))

    def _load(self, folder: Path, log: Log) -> float:
        started = time.perf_counter()
        self._say(
            """
CREATE TABLE e (user_id UInt32, ts DateTime64(6, 'UTC'), event $Event, city LowCardinality(String),
                position_rank UInt8)
ENGINE = MergeTree ORDER BY (user_id, ts)"""
        )
        self._say(
            f"""
INSERT INTO e SELECT toUInt32(substring(user, 2)) + if(startsWith(user, 'D'), {log.people}, 0), time, event,
                     ifNull(city, ''), ifNull(position_rank, 0)
FROM file('{log.folder}/log-*.parquet') SETTINGS max_insert_threads = {THREADS}"""
        )
        self._say("OPTIMIZE TABLE e FINAL")
        (folder / "loaded").touch()
        return time.perf_counter() - started

    def ask(self, case: Case) -> str:
        return self._say(QUESTIONS[case.name].sql)

    def rows(self, case: Case, answer: Any) -> Rows:
        found = [tuple(line.split("\t")) for line in answer.splitlines()]
        return QUESTIONS[case.name].rows(found)

    def close(self) -> None:
        self._session.close()


def open_chdb(folder: Path, log: Log) -> ChDb:
    """The first peer."""
    return ChDb(folder, log)
