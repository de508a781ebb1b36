"""One user with a million events, a million users with one, and nobody at all."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.conformance.answers import by_engine, by_reference
from tests.reference.values import canonical
from xingji.analysis.engine import run_query
from xingji.lake.memory import MemorySnapshot
from xingji.model.event_table import EVENT, TIME, TIME_TYPE, USER
from xingji.model.parse import parse_query

MILLION = 1_000_000
START_US = 1_767_571_200_000_000
DAY_US = 86_400_000_000
A, B = {"event": "a"}, {"event": "b"}

QUESTIONS: dict[str, dict[str, Any]] = {
    "trend": {"kind": "trend", "series": [{**A, "measure": "users"}, A], "interval": "total"},
    "funnel": {"kind": "funnel", "steps": [A, B], "window": {"value": 1, "unit": "second"}},
    "retention": {"kind": "retention", "start": A, "return": B, "periods": 1},
    "paths": {"kind": "paths", "max_steps": 3},
    "transitions": {"kind": "paths", "view": "transitions"},
}


def one_user() -> MemorySnapshot:
    """Events a and b in turn, every tenth of a second: a day and a few hours of them."""
    times = [START_US + at * 100_000 for at in range(MILLION)]
    return snapshot(["u"] * MILLION, ["a", "b"] * (MILLION // 2), times)


def many_users() -> MemorySnapshot:
    """Each user's one event, a or b, a microsecond after the last."""
    users = [f"u{at}" for at in range(MILLION)]
    return snapshot(users, ["a", "b"] * (MILLION // 2), [START_US + at for at in range(MILLION)])


def snapshot(users: list[str], events: list[str], times: list[int]) -> MemorySnapshot:
    columns = {USER: pa.array(users), EVENT: pa.array(events), TIME: pa.array(times, TIME_TYPE)}
    return MemorySnapshot.from_table(pa.table(columns), n_buckets=3)


def ask(name: str, log: MemorySnapshot) -> dict[str, Any]:
    result: dict[str, Any] = run_query(parse_query(QUESTIONS[name]), log)
    return result


def test_one_user_with_a_million_events() -> None:
    log, half = one_user(), MILLION // 2
    assert [line["total"] for line in ask("trend", log)["series"]] == [1, half]
    steps = ask("funnel", log)["groups"][0]["steps"]
    assert [(step["count"], step["mean_seconds"]) for step in steps] == [(1, None), (1, 0.1)]
    assert [c["returned"] for c in ask("retention", log)["groups"][0]["cohorts"]] == [[1, 1], [1, 0]]
    assert [edge["count"] for edge in ask("paths", log)["edges"]] == [1, 1]
    edges = ask("transitions", log)["edges"]
    assert [(edge["source"], edge["count"], edge["mean_seconds"]) for edge in edges] == [
        ("a", half, 0.1),
        ("b", half - 1, 0.1),
    ]


def test_a_million_users_with_one_event() -> None:
    log, half = many_users(), MILLION // 2
    assert [line["total"] for line in ask("trend", log)["series"]] == [half, half]
    assert [step["count"] for step in ask("funnel", log)["groups"][0]["steps"]] == [half, 0]
    assert [c["returned"] for c in ask("retention", log)["groups"][0]["cohorts"]] == [[half, 0]]
    assert ask("paths", log) == {
        "kind": "paths",
        "edges": [],
        "ends": [{"node": "1_a", "count": half}, {"node": "1_b", "count": half}],
    }


BOUNDS: dict[str, Any] = {"date_from": "2026-01-01", "date_to": "2026-01-02"}


@pytest.mark.parametrize("bounds", [{}, BOUNDS], ids=["without range", "with range"])
@pytest.mark.parametrize("n_buckets", [1, 3])
@pytest.mark.parametrize("name", QUESTIONS)
def test_nobody(name: str, n_buckets: int, bounds: dict[str, Any]) -> None:
    document = QUESTIONS[name] | bounds
    assert canonical(by_engine(document, [], (), n_buckets)) == canonical(by_reference(document, []))
