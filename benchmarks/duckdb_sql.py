"""The questions in DuckDB's SQL, at its best.

The table's physical order is that of (user_id, ts), which DuckDB keeps in a scan; windows
`OVER ()` stream over it without sorting, which is what makes neighbours cheap. `$middle` stands for a
user's number in the middle.
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
_ANY_STEP = ", ".join(f"'{name}'" for name in FUNNEL_EVENTS)
_WINDOW_US = WINDOW_DAYS * 86_400_000_000
_GAP_US = GAP_MINUTES * 60_000_000


def _units(first: str, value: str) -> str:
    """Steps reached by unit: an event takes over the latest start of the step before it, in the window."""
    so_far = "OVER (PARTITION BY user_id ORDER BY us ROWS UNBOUNDED PRECEDING)"
    taken = "max(CASE WHEN event = '{0}' AND us - {1} <= {2} THEN {1} END)"
    return f"""
WITH s AS (
  SELECT user_id, epoch_us(ts) AS us, event, city, position_rank FROM e WHERE event IN ({_ANY_STEP})),
one AS (SELECT *, max(CASE WHEN {first} THEN us END) {so_far} AS start1 FROM s),
two AS (SELECT *, {taken.format(_B, "start1", _WINDOW_US)} {so_far} AS start2 FROM one),
three AS (SELECT *, {taken.format(_C, "start2", _WINDOW_US)} {so_far} AS start3 FROM two),
units AS (
  SELECT user_id, {value}
         CASE WHEN bool_or(event = '{_D}' AND us - start3 <= {_WINDOW_US}) THEN 4
              WHEN max(start3) IS NOT NULL THEN 3
              WHEN max(start2) IS NOT NULL THEN 2
              WHEN max(start1) IS NOT NULL THEN 1 ELSE 0 END AS level
  FROM three GROUP BY user_id)"""


_FIRST_CITY = f"arg_min(city, us) FILTER (event = '{_A}') AS city,"
_FUNNEL = _units(f"event = '{_A}'", "") + " SELECT level, count(*) FROM units WHERE level > 0 GROUP BY level"
_FUNNEL_BY_CITY = (
    _units(f"event = '{_A}' AND position_rank <= {MAX_RANK}", _FIRST_CITY)
    + " SELECT city, level, count(*) FROM units WHERE level > 0 GROUP BY city, level"
)

_EVENT_DAY = """
SELECT event, d, sum(n), count(*) FROM (
  SELECT event, CAST(ts AS DATE) AS d, user_id, count(*) AS n FROM e GROUP BY event, d, user_id)
GROUP BY event, d"""

_ROLLING = """
WITH t AS (SELECT DISTINCT user_id, CAST(ts AS DATE) AS d FROM e),
gaps AS (SELECT d, coalesce(lead(d) OVER (PARTITION BY user_id ORDER BY d) - d, 7) AS later FROM t),
steps AS (
  SELECT d AS x, 1 AS n FROM gaps
  UNION ALL SELECT d + CAST(least(later, 7) AS INTEGER), -1 FROM gaps),
sums AS (SELECT x, sum(n) AS n FROM steps GROUP BY x)
SELECT CAST(x AS DATE), CAST(sum(n) OVER (ORDER BY x) AS BIGINT) FROM sums"""

_RETENTION = f"""
WITH p AS MATERIALIZED (SELECT DISTINCT user_id, CAST(ts AS DATE) AS c FROM e WHERE event = '{START_EVENT}'),
     q AS (SELECT DISTINCT user_id, CAST(ts AS DATE) AS r FROM e WHERE event = '{RETURN_EVENT}')
SELECT c, 0, count(*) FROM p GROUP BY c
UNION ALL
SELECT c, r - c, count(*) FROM p JOIN q USING (user_id)
WHERE r > c AND r <= c + {RETENTION_DAYS} GROUP BY c, r - c"""

_NEIGHBOURS = "SELECT event, user_id, lead(event) OVER () AS next, lead(user_id) OVER () AS next_user FROM e"
_TRANSITIONS = "SELECT event, next, count(*) FROM ({rows}) WHERE user_id = next_user GROUP BY event, next"
_HALVES = f"{_NEIGHBOURS} WHERE user_id < $middle UNION ALL {_NEIGHBOURS} WHERE user_id >= $middle"
"""The streaming windows run on one thread; two halves by hand run on two."""

_PATHS = f"""
WITH r AS (
  SELECT user_id, epoch_us(ts) AS us, event, lead(event) OVER () AS next,
         coalesce(lead(user_id) OVER () <> user_id
                  OR epoch_us(lead(ts) OVER ()) - epoch_us(ts) > {_GAP_US}, true) AS last
  FROM e),
nodes AS (SELECT us, event, last, row_number() OVER () AS i FROM r WHERE last OR next <> event),
numbered AS (
  SELECT us, event, last, i, lead(us) OVER () AS next_us, lead(event) OVER () AS next,
         coalesce(max(CASE WHEN last THEN i END) OVER (ROWS UNBOUNDED PRECEDING), 0) AS closed
  FROM nodes)
SELECT i - closed AS step, event, next, count(*), sum(next_us - us)
FROM numbered WHERE NOT last AND i - closed < {MAX_STEPS} GROUP BY step, event, next"""

QUESTIONS = {
    "funnel": Question({"windows": _FUNNEL}, answers.by_level),
    "funnel_by_city": Question({"windows": _FUNNEL_BY_CITY}, answers.by_level),
    "event_day": Question({"grouped": _EVENT_DAY}, answers.by_event_and_day),
    "rolling_users": Question({"differences": _ROLLING}, answers.by_day),
    "retention": Question({"joined": _RETENTION}, answers.by_cohort),
    "transitions": Question(
        {
            "streaming": _TRANSITIONS.format(rows=_NEIGHBOURS),
            "streaming in halves": _TRANSITIONS.format(rows=_HALVES),
        },
        answers.by_pair,
    ),
    "paths": Question({"streaming": _PATHS}, answers.by_edge),
}
