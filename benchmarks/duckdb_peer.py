"""The second peer: DuckDB, a table laid out by user and time, and its SQL at its best.

The table's physical order is the order of (user_id, ts), which DuckDB keeps in a scan; windows `OVER ()` then stream
over it without sorting, which is what makes neighbours cheap.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb

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
_ANY_STEP = ", ".join(f"'{name}'" for name in FUNNEL_EVENTS)
_WINDOW_US = WINDOW_DAYS * 86_400_000_000
_GAP_US = GAP_MINUTES * 60_000_000


def _funnel(first: str, value: str) -> str:
    """Level by unit: each step's event takes over the latest start that the step before it has had, if in the window."""
    so_far = "OVER (PARTITION BY user_id ORDER BY us ROWS UNBOUNDED PRECEDING)"
    return f"""
WITH s AS (SELECT user_id, epoch_us(ts) AS us, event, city, position_rank FROM e WHERE event IN ({_ANY_STEP})),
one AS (SELECT *, max(CASE WHEN {first} THEN us END) {so_far} AS start1 FROM s),
two AS (SELECT *, max(CASE WHEN event = '{_B}' AND us - start1 <= {_WINDOW_US} THEN start1 END) {so_far} AS start2 FROM one),
three AS (SELECT *, max(CASE WHEN event = '{_C}' AND us - start2 <= {_WINDOW_US} THEN start2 END) {so_far} AS start3 FROM two),
units AS (
  SELECT user_id, {value}
         CASE WHEN bool_or(event = '{_D}' AND us - start3 <= {_WINDOW_US}) THEN 4
              WHEN max(start3) IS NOT NULL THEN 3
              WHEN max(start2) IS NOT NULL THEN 2
              WHEN max(start1) IS NOT NULL THEN 1 ELSE 0 END AS level
  FROM three GROUP BY user_id)"""


_DAY_BITS = "SELECT DISTINCT user_id, CAST(ts AS DATE) AS d FROM e"

QUESTIONS = {
    "funnel": Question(
        _funnel(f"event = '{_A}'", "") + " SELECT level, count(*) FROM units WHERE level > 0 GROUP BY level",
        answers.by_level,
    ),
    "funnel_by_city": Question(
        _funnel(f"event = '{_A}' AND position_rank <= {MAX_RANK}", f"arg_min(city, us) FILTER (event = '{_A}') AS city,")
        + " SELECT city, level, count(*) FROM units WHERE level > 0 GROUP BY city, level",
        answers.by_level,
    ),
    "event_day": Question(
        """
SELECT event, d, sum(n), count(*) FROM (
  SELECT event, CAST(ts AS DATE) AS d, user_id, count(*) AS n FROM e GROUP BY event, d, user_id)
GROUP BY event, d""",
        answers.by_event_and_day,
    ),
    "rolling_users": Question(
        f"""
WITH t AS ({_DAY_BITS}),
gaps AS (SELECT d, coalesce(lead(d) OVER (PARTITION BY user_id ORDER BY d) - d, 7) AS later FROM t),
steps AS (
  SELECT d AS x, 1 AS n FROM gaps
  UNION ALL SELECT d + CAST(least(later, 7) AS INTEGER), -1 FROM gaps),
sums AS (SELECT x, sum(n) AS n FROM steps GROUP BY x)
SELECT CAST(x AS DATE), CAST(sum(n) OVER (ORDER BY x) AS BIGINT) FROM sums
WHERE x <= (SELECT max(d) FROM t)""",
        answers.by_day,
    ),
    "retention": Question(
        f"""
WITH p AS (SELECT DISTINCT user_id, CAST(ts AS DATE) AS c FROM e WHERE event = '{START_EVENT}'),
     q AS (SELECT DISTINCT user_id, CAST(ts AS DATE) AS r FROM e WHERE event = '{RETURN_EVENT}')
SELECT c, 0, count(*) FROM p GROUP BY c
UNION ALL
SELECT c, r - c, count(*) FROM p JOIN q USING (user_id) WHERE r > c AND r <= c + {RETENTION_DAYS} GROUP BY c, r - c""",
        answers.by_cohort,
    ),
    "transitions": Question(
        """
SELECT event, next, count(*) FROM (
  SELECT event, user_id, lead(event) OVER () AS next, lead(user_id) OVER () AS next_user FROM e)
WHERE user_id = next_user GROUP BY event, next""",
        answers.by_pair,
    ),
    "paths": Question(
        f"""
WITH r AS (
  SELECT user_id, epoch_us(ts) AS us, event, lead(event) OVER () AS next,
         coalesce(lead(user_id) OVER () <> user_id OR epoch_us(lead(ts) OVER ()) - epoch_us(ts) > {_GAP_US}, true) AS last
  FROM e),
nodes AS (
  SELECT us, event, last, row_number() OVER () AS i FROM r WHERE last OR next <> event),
numbered AS (
  SELECT us, event, last, i, lead(us) OVER () AS next_us, lead(event) OVER () AS next,
         coalesce(max(CASE WHEN last THEN i END) OVER (ROWS UNBOUNDED PRECEDING), 0) AS closed
  FROM nodes)
SELECT i - closed AS step, event, next, count(*), sum(next_us - us)
FROM numbered WHERE NOT last AND i - closed < {MAX_STEPS} GROUP BY step, event, next""",
        answers.by_edge,
    ),
}


class DuckDb:
    """A database file over the log in a folder."""

    def __init__(self, folder: Path, log: Log) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        known = (folder / "loaded").exists()
        if not known:
            (folder / "log.duckdb").unlink(missing_ok=True)
        self._connection = duckdb.connect(folder / "log.duckdb", config={"threads": THREADS, "memory_limit": "6GB"})
        self._connection.execute("SET TimeZone = 'UTC'")
        self.load_s = None if known else self._load(folder, log)

    def _load(self, folder: Path, log: Log) -> float:
        started = time.perf_counter()
        names = ", ".join(f"'{name}'" for name in log.event_names)
        self._connection.execute(f"CREATE TYPE event_name AS ENUM ({names})")
        self._connection.execute(
            f"""
CREATE TABLE e AS
SELECT CAST(CAST(user[2:] AS UINTEGER) + CASE WHEN user[1] = 'D' THEN {log.people} ELSE 0 END AS UINTEGER) AS user_id,
       CAST(time AS TIMESTAMP) AS ts, CAST(event AS event_name) AS event, CAST(city AS VARCHAR) AS city,
       CAST(position_rank AS UTINYINT) AS position_rank
FROM read_parquet('{log.folder}/log-*.parquet') ORDER BY user_id, ts"""
        )
        (folder / "loaded").touch()
        return time.perf_counter() - started

    def ask(self, case: Case) -> list[tuple[Any, ...]]:
        return self._connection.execute(QUESTIONS[case.name].sql).fetchall()

    def rows(self, case: Case, answer: Any) -> Rows:
        return QUESTIONS[case.name].rows(answer)

    def close(self) -> None:
        self._connection.close()


def open_duckdb(folder: Path, log: Log) -> DuckDb:
    """The second peer."""
    return DuckDb(folder, log)
