"""Peers' rows become the rows of our results, so that equal answers are equal documents."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import answers
from benchmarks.cases import CASES, in_order

FUNNEL_GROUP = {"breakdown": ["上海市"], "steps": [{"count": n} for n in (6, 4, 3, 1)]}
COHORT = {"start": "2026-01-01", "size": 3, "returned": [3, 0, 2]}
EDGE = {"source": "1_open", "target": "2_view", "count": 3, "mean_seconds": 2.0}

FORMS: list[tuple[str, Any, list[tuple[Any, ...]], Any]] = [
    (
        "funnel_by_city",
        {"groups": [FUNNEL_GROUP]},
        [("上海市", "1", "2"), ("上海市", "2", "1"), ("上海市", "3", "2"), ("上海市", "4", "1")],
        answers.by_level,
    ),
    (
        "funnel_by_city",
        {"groups": [{"breakdown": [None], "steps": [{"count": 1}] * 2 + [{"count": 0}] * 2}]},
        [("", 2, 1)],
        answers.by_level,
    ),
    (
        "retention",
        {"groups": [{"cohorts": [COHORT]}]},
        [("2026-01-01", 2, 2), ("2026-01-01", 0, 3), ("2026-01-01", 1, 0)],
        answers.by_cohort,
    ),
    (
        "event_day",
        {
            "buckets": ["2026-01-01", "2026-01-02"],
            "series": [
                {"series": 0, "breakdown": ["open"], "values": [5, 0]},
                {"series": 1, "breakdown": ["open"], "values": [2, 0]},
            ],
        },
        [("open", "2026-01-01", "5", "2")],
        answers.by_event_and_day,
    ),
    ("transitions", {"edges": [EDGE]}, [("1_open", "2_view", "3")], answers.by_pair),
    ("paths", {"edges": [EDGE]}, [(1, "open", "view", 3, 6_000_000)], answers.by_edge),
]


@pytest.mark.parametrize(
    ("name", "result", "found", "rows"), FORMS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FORMS)]
)
def test_both_sides_come_to_the_same_rows(name: str, result: Any, found: Any, rows: Any) -> None:
    (case,) = (case for case in CASES if case.name == name)
    assert case.rows(result) == rows(found)


def test_rolling_days_after_the_end_of_the_log_are_left_out() -> None:
    found = [(f"2026-01-{day:02d}", 1) for day in range(1, 9)] + [("2026-01-09", 0)]
    assert answers.by_day(found) == [["2026-01-01", 1], ["2026-01-02", 1]]


def test_missing_values_come_first() -> None:
    assert in_order([["b", 1], [None, 2], ["a", 3]]) == [[None, 2], ["a", 3], ["b", 1]]
