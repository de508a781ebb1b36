"""The questions: each as a document of the query contract, with what of its answer is compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rows = list[list[Any]]
"""An answer in the one form in which answers are compared: sorted rows of JSON values."""
Result = dict[str, Any]

FUNNEL_EVENTS = ("product_impression", "view_product", "quota_estimate", "apply_start")
WINDOW_DAYS = 7
MAX_RANK = 2
START_EVENT, RETURN_EVENT = "$app_start", "product_impression"
RETENTION_DAYS = 14
ROLLING_DAYS = 7
MAX_STEPS = 5
GAP_MINUTES = 30
_EVERY_EDGE = 10_000


@dataclass(frozen=True, slots=True)
class Case:
    """One question; `least` is how many times faster than the peer the engine has to be."""

    name: str
    title: str
    document: dict[str, Any]
    rows: Callable[[Result], Rows]
    least: float


def _funnel_rows(result: Result) -> Rows:
    rows = [[*group["breakdown"], *(step["count"] for step in group["steps"])] for group in result["groups"]]
    return in_order(rows)


def _trend_rows(result: Result) -> Rows:
    """Event, day, events, users; days without events left out."""
    cells: dict[tuple[str, str], list[int]] = {}
    for line in result["series"]:
        for day, value in zip(result["buckets"], line["values"], strict=True):
            cells.setdefault((line["breakdown"][0], day), [0, 0])[line["series"]] = value
    return in_order([[*key, *values] for key, values in cells.items() if values[0]])


def _rolling_rows(result: Result) -> Rows:
    return in_order(
        [list(pair) for pair in zip(result["buckets"], result["series"][0]["values"], strict=True)]
    )


def _retention_rows(result: Result) -> Rows:
    """Day, days later, users; nobody left out."""
    cohorts = result["groups"][0]["cohorts"]
    cells = ([cohort["start"], later, n] for cohort in cohorts for later, n in enumerate(cohort["returned"]))
    return in_order([cell for cell in cells if cell[2]])


def _transition_rows(result: Result) -> Rows:
    return in_order([[edge["source"], edge["target"], edge["count"]] for edge in result["edges"]])


def _path_rows(result: Result) -> Rows:
    edges = result["edges"]
    return in_order([[edge["source"], edge["target"], edge["count"], edge["mean_seconds"]] for edge in edges])


def in_order(rows: Rows) -> Rows:
    """Rows in an order of their own, nulls first."""
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def _steps() -> list[dict[str, Any]]:
    return [{"event": name} for name in FUNNEL_EVENTS]


def _narrow_steps() -> list[dict[str, Any]]:
    first, *others = _steps()
    return [{**first, "filter": {"property": "event.position_rank", "op": "<=", "value": MAX_RANK}}, *others]


_WINDOW = {"value": WINDOW_DAYS, "unit": "day"}

CASES = (
    Case(
        "funnel",
        "four-step funnel, 7 days",
        {"kind": "funnel", "steps": _steps(), "window": _WINDOW},
        _funnel_rows,
        5,
    ),
    Case(
        "funnel_by_city",
        "the same, one filter, one breakdown",
        {
            "kind": "funnel",
            "steps": _narrow_steps(),
            "window": _WINDOW,
            "breakdown": ["event.city"],
            "breakdown_limit": 100,
        },
        _funnel_rows,
        5,
    ),
    Case(
        "event_day",
        "events and exact users by event and day",
        {
            "kind": "trend",
            "series": [{"event": "*", "measure": "events"}, {"event": "*", "measure": "users"}],
            "breakdown": ["event.$event"],
            "breakdown_limit": 100,
            "interval": "day",
        },
        _trend_rows,
        8,
    ),
    Case(
        "rolling_users",
        "rolling 7-day users",
        {
            "kind": "trend",
            "series": [{"event": "*", "measure": "users"}],
            "window": f"rolling_{ROLLING_DAYS}d",
            "interval": "day",
        },
        _rolling_rows,
        5,
    ),
    Case(
        "retention",
        "14-day retention",
        {
            "kind": "retention",
            "start": {"event": START_EVENT},
            "return": {"event": RETURN_EVENT},
            "type": "recurring",
            "period": "day",
            "periods": RETENTION_DAYS,
        },
        _retention_rows,
        5,
    ),
    Case(
        "transitions",
        "transitions",
        {
            "kind": "paths",
            "view": "transitions",
            "session_gap_minutes": None,
            "collapse_repeats": False,
            "mean_seconds": False,
            "edge_limit": _EVERY_EDGE,
        },
        _transition_rows,
        15,
    ),
    Case(
        "paths",
        "5-step paths",
        {
            "kind": "paths",
            "max_steps": MAX_STEPS,
            "session_gap_minutes": GAP_MINUTES,
            "edge_limit": _EVERY_EDGE,
        },
        _path_rows,
        15,
    ),
)
