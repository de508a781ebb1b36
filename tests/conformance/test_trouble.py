"""Questions about which engine and reference once disagreed, as small as they go, with the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.conformance.answers import ANSWERS, Answer
from tests.conformance.peer_documents import us
from tests.reference.log import Event
from tests.reference.values import canonical

START_US = us("2026-01-05T12:00:00Z")
Row = tuple[str, str, float, dict[str, object]]


def log_of(*rows: Row) -> list[Event]:
    """Events of (user, event, seconds after the start, properties)."""
    return [
        Event(user, event, START_US + round(seconds * 1_000_000), seq, properties)
        for seq, (user, event, seconds, properties) in enumerate(rows)
    ]


def counts(result: dict[str, Any]) -> list[list[object]]:
    return [[*group["breakdown"], *(step["count"] for step in group["steps"])] for group in result["groups"]]


def lines(result: dict[str, Any]) -> list[list[object]]:
    return [[*line["breakdown"], line["total"], *line["values"]] for line in result["series"]]


def edges(result: dict[str, Any]) -> list[tuple[object, ...]]:
    return [(edge["source"], edge["target"], edge["count"], edge["mean_seconds"]) for edge in result["edges"]]


def returned(result: dict[str, Any]) -> list[list[int]]:
    return [cohort["returned"] for cohort in result["groups"][0]["cohorts"]]


def bins(result: dict[str, Any]) -> list[int]:
    return [one["count"] for one in result["groups"][0]["bins"]]


def units(result: dict[str, Any]) -> object:
    return result.get("users", result.get("values"))


A, B, C = {"event": "a"}, {"event": "b"}, {"event": "c"}
SERVER: dict[str, object] = {"$origin": "server"}

CASES: dict[str, tuple[dict[str, Any], list[Event], Callable[[dict[str, Any]], object], object]] = {
    "two exclusions in any order, the first of them also a step": (
        {"kind": "funnel", "steps": [B, A, C], "order": "any", "exclusions": [B, {"event": "x"}]},
        log_of(("u", "b", 0, {}), ("u", "x", 1, {}), ("u", "a", 2, {})),
        counts,
        [[1, 0, 0]],
    ),
    "a value of step 2 that only users of another bucket have": (
        {"kind": "funnel", "steps": [A, B], "breakdown": ["event.k"], "attribution": "step:2"},
        log_of(("u", "a", 0, {}), ("u", "b", 1, {"k": "x"}), ("v", "a", 0, {}), ("w", "a", 0, {})),
        counts,
        [["x", 3, 1]],
    ),
    "a value of step 2 into whose group nobody comes": (
        {"kind": "funnel", "steps": [C, B], "breakdown": ["event.k"], "breakdown_limit": 1,
         "attribution": "step:2"},
        log_of(("u", "a", 0, {}), ("u", "b", 1, {"k": "x"})),
        counts,
        [],
    ),
    "nobody in any group, by day": (
        {"kind": "funnel", "steps": [C], "breakdown": ["event.k"], "view": "trend"},
        log_of(("u", "a", 0, {"k": "x"})),
        lambda result: (result["buckets"], result["groups"]),
        ([], []),
    ),
    "other sessions of one user are other units": (
        {"kind": "funnel", "steps": [A], "breakdown": ["event.k"], "breakdown_limit": 1,
         "count_by": "session", "attribution": "all_steps"},
        log_of(*(("u", "a", at * 86_400, {"k": at}) for at in range(3))),
        counts,
        [[0, 1], ["Other", 2]],
    ),
    "the last of given edges is in the last given bin": (
        {"kind": "funnel", "steps": [A, B], "view": "time_to_convert", "bins": [0, 10, 3600]},
        log_of(("u", "a", 0, {}), ("u", "b", 3600, {}), ("v", "a", 0, {}), ("v", "b", 3601, {})),
        bins,
        [0, 0, 1, 1],
    ),
    "a breakdown of nothing": (
        {"kind": "trend", "series": [C], "breakdown": ["event.k"], "interval": "total"},
        log_of(("u", "a", 0, {"k": "x"})),
        lines,
        [],
    ),
    "sessions of the user's first event, not each session's": (
        {"kind": "trend", "series": [{**A, "first_time": True, "measure": "sessions"}], "interval": "total"},
        log_of(("u", "a", 0, {}), ("u", "a", 86_400, {})),
        lines,
        [[1, 1]],
    ),
    "the total of a rolling window begins with the range, not with its day": (
        {"kind": "trend", "series": [A], "window": "rolling_2d", "date_from": "2026-01-05T12:00:00Z",
         "date_to": "2026-01-05T13:00:00Z"},
        log_of(("u", "a", -60, {}), ("u", "a", 60, {})),
        lines,
        [[1, 2]],
    ),
    "other of the period before holds what is not shown": (
        {"kind": "trend", "series": [A], "breakdown": ["event.k"], "breakdown_limit": 1,
         "compare": "previous_period", "date_from": "2026-01-05", "date_to": "2026-01-05"},
        log_of(("u", "a", 0, {"k": "x"}), ("u", "a", 1, {"k": "y"}), ("u", "a", -86_400, {"k": "z"})),
        lambda result: lines(result["compare"]),
        [["x", 0, 0], ["Other", 1, 1]],
    ),
    "doubles beside decimals of the same text": (
        {"kind": "trend", "interval": "total", "series": [
            {**A, "measure": {"sum": "event.money"}}, {**A, "measure": {"sum": "event.score"}}]},
        log_of(("u", "a", 0, {"money": Decimal("0.10"), "score": 0.1}),
               ("u", "a", 1, {"money": Decimal("0.20"), "score": 0.2})),
        lines,
        [[Decimal("0.3")] * 2, [0.1 + 0.2] * 2],
    ),
    "infinities and NaN are missing": (
        {"kind": "trend", "interval": "total", "breakdown": ["event.v"], "series": [
            {**A, "measure": "events"}, {**A, "measure": {"sum": "event.v"}}]},
        log_of(*(("u", "a", 0, {"v": value}) for value in (1.5, math.inf, -math.inf, math.nan))),
        lines,
        [[None, 3, 3], [1.5, 1, 1], [None, 0, 0], [1.5, 1.5, 1.5]],
    ),
    "a sum beyond the largest double": (
        {"kind": "trend", "interval": "total", "series": [
            {**A, "measure": {"sum": "event.v"}}, {**A, "measure": {"avg": "event.v"}}]},
        log_of(*(("u", "a", 0, {"v": 1.5e308}) for _ in range(2))),
        lines,
        [[None, None], [1.5e308, 1.5e308]],
    ),
    **{
        f"an event without the value held constant begins no attempt, {order}": (
            {"kind": "funnel", "steps": [A, B], "order": order, "hold_constant": ["event.k", "event.n"]},
            log_of(("u", "a", 0, {"k": "x"}), ("u", "b", 1, {"k": "x"}),
                   ("v", "a", 0, {"k": "x", "n": 1}), ("v", "b", 1, {"k": "x", "n": 1})),
            counts,
            [[1, 1]],
        )
        for order in ("ordered", "any", "strict")
    },
    "an event without the value held constant still parts neighbours": (
        {"kind": "funnel", "steps": [A, B], "order": "strict", "hold_constant": ["event.k"]},
        log_of(("u", "a", 0, {"k": "x"}), ("u", "a", 1, {}), ("u", "b", 2, {"k": "x"})),
        counts,
        [[1, 0]],
    ),
    "an exclusion without the value held constant excludes nothing": (
        {"kind": "funnel", "steps": [A, B], "hold_constant": ["event.k"], "exclusions": [C]},
        log_of(("u", "a", 0, {"k": "x"}), ("u", "c", 1, {}), ("u", "b", 2, {"k": "x"})),
        counts,
        [[1, 1]],
    ),
    "returns before the first cohort": (
        {"kind": "retention", "start": A, "return": B, "bracket": "on_or_after", "periods": 2},
        log_of(("u", "b", -200_000, {}), ("u", "a", 0, {}), ("u", "b", 86_400, {})),
        returned,
        [[1, 1, 0]],
    ),
    "a run of equal labels counts with its last time": (
        {"kind": "paths", "view": "transitions"},
        log_of(("u", "a", 0, {}), ("u", "a", 10, {}), ("u", "b", 20, {}), ("u", "b", 50, {})),
        edges,
        [("a", "b", 1, 40)],
    ),
    "without a pause every event of the user is on the way": (
        {"kind": "paths", "session_gap_minutes": None},
        log_of(("u", "a", 0, SERVER), ("u", "b", 1, {})),
        edges,
        [("1_a", "2_b", 1, 1)],
    ),
    "a server's event outside of sessions is on no way": (
        {"kind": "paths"},
        log_of(("u", "a", 0, SERVER), ("u", "b", 1, {}), ("u", "c", 1801, SERVER), ("u", "a", 1802, SERVER)),
        edges,
        [("1_b", "2_c", 1, 1800)],
    ),
    "ways end at a user's first, not at each session's": (
        {"kind": "paths", "end": {**B, "first_time": True}, "count_by": "session"},
        log_of(("u", "a", 0, {}), ("u", "b", 1, {}), ("u", "a", 86_400, {}), ("u", "b", 86_401, {})),
        edges,
        [("1_a", "2_b", 1, 1)],
    ),
    "the second page of users, two on each": (
        {"kind": "funnel", "steps": [A, B], "view": "users", "step": 2, "state": "dropped", "limit": 2,
         "offset": 2},
        log_of(*((user, "a", 0, {}) for user in "edcba")),
        lambda result: {name: result[name] for name in ("total", "limit", "offset", "users")},
        {"total": 5, "limit": 2, "offset": 2, "users": ["c", "d"]},
    ),
    "units in the order of values, not of texts": (
        {"kind": "funnel", "steps": [A], "count_by": {"property": "event.k"}, "view": "users"},
        log_of(*(("u", "a", 0, {"k": value}) for value in ("10", 10, "9", 9, 1.5, True, False))),
        units,
        [False, True, 1.5, 9, 10, "10", "9"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("n_buckets", [1, 3])
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_trouble(answer: Answer, case: str, n_buckets: int) -> None:
    document, log, figure, expected = CASES[case]
    assert canonical(figure(answer(document, log, (), n_buckets))) == canonical(expected)
