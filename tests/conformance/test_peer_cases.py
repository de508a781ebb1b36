"""The worked cases of peers, through the public query function and through the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conformance.answers import ANSWERS, Answer
from tests.conformance.peer_documents import (
    START_US,
    condition,
    events_of,
    funnel,
    load_cases,
    paths,
    retention,
    rows_of,
    us,
    variants,
    ways_with,
    window_funnel,
)
from tests.reference.log import Event
from tests.shared_data import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data
CASES = load_cases(SHARED_DATA) if SHARED_DATA.is_dir() else {}

NOT_EXPRESSED = {
    "lifecycle-day-whole-range": "lifecycle is a kind of its own, not one of the four analyses",
    "lifecycle-month": "lifecycle is a kind of its own, not one of the four analyses",
}

DECIDED_OTHERWISE: dict[str, tuple[str, Any]] = {
    "funnel-trends-one-person-many-buckets": (
        "view trend: a unit is counted once, on the day of its chosen attempt's step 1",
        [("2021-05-01", 1, 1), ("2021-05-02", 0, 0), ("2021-05-03", 0, 0), ("2021-05-04", 1, 0)],
    ),
    "funnel-time-to-convert-same-event": (
        "the histogram's number equals the units that convert: its bins span the times, the last one closed",
        [(2220, 42510, 2), (42510, 82800, 1)],
    ),
    "ch-wf-one-row-three-equal-conditions-default": (
        "one event satisfies at most one step of an attempt",
        {"0": 1},
    ),
    "ch-wf-reentry-aabac-strict_order": (
        "every event that matches step 1 starts an attempt: the second a begins a, b, a, c",
        {"1": 4},
    ),
    "ch-wf-insert-order-independent-1003-first": (
        "a user's events are ordered by (time, seq): of two at one time the first received comes first",
        {"1": 1},
    ),
}


def cases(*prefixes: str, analysis: str | None = None) -> Any:
    """Marks a test for every case of a kind and for both that answer."""
    chosen = [
        case
        for name, case in CASES.items()
        if name.startswith(prefixes)
        and name not in NOT_EXPRESSED
        and analysis in (None, case.get("analysis"))
    ]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case["id"])


@pytest.fixture(params=list(ANSWERS))
def answer(request: pytest.FixtureRequest) -> Answer:
    return ANSWERS[request.param]


# -- funnels --


@cases("funnel-", analysis="funnel")
def test_funnel(case: dict[str, Any], answer: Answer) -> None:
    log = events_of(case)
    for query, expected in variants(case):
        document = funnel(query)
        result = answer(document, log)
        if case["id"] in DECIDED_OTHERWISE:
            assert bins_of(result) == DECIDED_OTHERWISE[case["id"]][1]
            assert result["groups"][0]["mean_seconds"] == expected["average_seconds"]
        elif "breakdowns" in expected:
            groups = {text_of(group["breakdown"][0]): group["steps"] for group in result["groups"]}
            assert set(groups) == set(expected["breakdowns"])
            for value, wanted in expected["breakdowns"].items():
                check_steps(groups[value], wanted)
            for group in result["groups"]:
                wanted = expected["breakdowns"][text_of(group["breakdown"][0])]
                check_users(answer, document, log, wanted, {"breakdown": group["breakdown"]})
        else:
            check_steps(result["groups"][0]["steps"], expected)
            check_users(answer, document, log, expected, {})


def text_of(value: object) -> str:
    return "" if value is None else str(value)


def bins_of(result: dict[str, Any]) -> list[tuple[float, float, int]]:
    return [(one["from_seconds"], one["to_seconds"], one["count"]) for one in result["groups"][0]["bins"]]


def check_steps(steps: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    counts = [step["count"] for step in steps]
    assert counts == expected.get("counts", counts)
    assert counts in expected.get("counts_one_of", [counts])
    assert counts[0] == expected.get("first", counts[0])
    assert counts[-1] == expected.get("last", expected.get("last_step_count", counts[-1]))
    if "average_conversion_seconds" in expected:
        assert [step["mean_seconds"] for step in steps] == expected["average_conversion_seconds"]


def check_users(
    answer: Answer,
    document: dict[str, Any],
    log: Sequence[Event],
    expected: dict[str, Any],
    spot: dict[str, Any],
) -> None:
    for number, users in expected.get("users_at_step", {}).items():
        asked = {**document, "users_of": {"step": int(number), **spot}}
        assert answer(asked, log)["users"] == sorted(users)


@cases("funnel-", analysis="trends")
def test_funnel_trend(case: dict[str, Any], answer: Answer) -> None:
    query, expected = case["query"], case["expected"]
    result = answer(funnel(query), events_of(case))
    steps = [step["counts"] for step in result["groups"][0]["steps"]]
    rows = list(zip(result["buckets"], steps[query.get("from_step", 0)], steps[-1], strict=True))
    if case["id"] in DECIDED_OTHERWISE:
        assert rows == DECIDED_OTHERWISE[case["id"]][1]
    elif "rates" in expected:
        assert [100 * to / start if start else 0 for _, start, to in rows] == expected["rates"]
    else:
        assert rows == [(row["day"], row["from"], row["to"]) for row in expected["rows"]]


# -- retention --


@cases("retention-")
def test_retention(case: dict[str, Any], answer: Answer) -> None:
    log = events_of(case)
    for query, expected in variants(case):
        result = answer(retention(query), log)
        groups = {text_of(next(iter(group["breakdown"]), "")): group["cohorts"] for group in result["groups"]}
        for value, matrix in expected.get("breakdowns", {"": expected.get("matrix")}).items():
            check_matrix(groups[value], matrix)
        starts = [cohort["start"] for cohort in next(iter(groups.values()))]
        assert starts == expected.get("row_dates", starts)
        assert starts[0] == expected.get("first_row_date", starts[0])
        assert starts[-1] == expected.get("last_row_date", starts[-1])


def check_matrix(cohorts: list[dict[str, Any]], matrix: list[list[int]]) -> None:
    """A peer's rows end where the range does; nothing can have come back after that."""
    for cohort, row in zip(cohorts, matrix, strict=True):
        assert cohort["size"] == row[0]
        assert cohort["returned"] == row + [0] * (len(cohort["returned"]) - len(row))


# -- paths --


@cases("paths-average", "paths-end", "paths-include")
def test_paths(case: dict[str, Any], answer: Answer) -> None:
    log = events_of(case)
    for query, expected in variants(case):
        result = answer(paths(query, log), log)
        assert [
            (edge["source"], edge["target"], edge["count"], edge["mean_seconds"] * 1000)
            for edge in result["edges"]
        ] == [(edge["source"], edge["target"], edge["value"], edge["avg_ms"]) for edge in expected["edges"]]


@cases("paths-edge-validation")
def test_edges_cut_loose(case: dict[str, Any], answer: Answer) -> None:
    for query, expected in variants(case):
        document = {"kind": "paths", "min_edge": 2, "session_gap_minutes": 30}
        result = answer(document, ways_with(query["edges"]))
        assert {(edge["source"], edge["target"]) for edge in result["edges"]} == set(
            map(tuple, expected["kept"])
        )


# -- sequence functions --


def levels(answer: Answer, document: dict[str, Any], log: Sequence[Event]) -> dict[str, int]:
    """How far each user comes in a funnel."""
    found = dict.fromkeys((event.user for event in log), 0)
    for number in range(1, len(document["steps"]) + 1):
        for user in answer({**document, "users_of": {"step": number}}, log)["users"]:
            found[user] = number
    return found


@cases("ch-wf-")
def test_window_funnel(case: dict[str, Any], answer: Answer) -> None:
    expected = case["expected"] if isinstance(case["expected"], dict) else {"0": case["expected"]}
    if case["id"] in DECIDED_OTHERWISE:
        expected = DECIDED_OTHERWISE[case["id"]][1]
    assert levels(answer, window_funnel(case), rows_of(case)) == expected


@cases("ch-retention-")
def test_clickhouse_retention(case: dict[str, Any], answer: Answer) -> None:
    log = [
        Event(str(user), "row", us(one["date"]), 0, {})
        for one in case["rows"]["generate"]
        for user in range(int(one["users"].split("..")[1]) + 1)
    ]
    log = [Event(event.user, event.event, event.time_us, seq) for seq, event in enumerate(log)]
    document = {"kind": "retention", "start": {"event": "*"}, "periods": 2}
    first = answer(document, log)["groups"][0]["cohorts"][0]
    assert (first["start"], first["returned"]) == (case["conditions"][0]["value"], case["expected"])


def sequence_funnel(case: dict[str, Any]) -> dict[str, Any]:
    """Neighbours are a strict funnel, a bound of time between them is a window; `.*` is any event."""
    pattern = case["pattern"]
    document: dict[str, Any] = {"kind": "funnel", "order": "strict", "window": None}
    document["steps"] = [
        condition(case["conditions"][int(n) - 1]) for n in re.findall(r"\(\?(\d)\)", pattern)
    ]
    if not document["steps"]:
        document["steps"] = [{"event": "*"}]
    for seconds in re.findall(r"\(\?t<(\d+)\)", pattern):
        document |= {"order": "ordered", "window": {"value": int(seconds) - 1, "unit": "second"}}
    return document


@cases("ch-seq-.*", "ch-seq-(")
def test_sequence_match(case: dict[str, Any], answer: Answer) -> None:
    """What a funnel knows of a pattern is whether it occurs."""
    steps = answer(sequence_funnel(case), rows_of(case))["groups"][0]["steps"]
    assert steps[-1]["count"] == case["expected"]["match"]


@pytest.mark.parametrize("n_buckets", [1, 3])
def test_sequence_match_after_merging(answer: Answer, n_buckets: int) -> None:
    case = CASES["ch-seq-serialised-state"]
    log = [Event("0", "row", START_US + n * 1_000_000, n, {"x": n % 2}) for n in range(100)]
    result = answer(sequence_funnel(case), log, n_buckets=n_buckets)
    assert result["groups"][0]["steps"][-1]["count"] == case["expected"]["direct"]


@cases("ch-next-")
def test_next_node(case: dict[str, Any], answer: Answer) -> None:
    """The way of one user, forwards or backwards from its base, begins with the chain: what comes next?"""
    document: dict[str, Any] = {
        "kind": "paths", "max_steps": 100, "session_gap_minutes": None, "collapse_repeats": False
    }  # fmt: skip
    if case["base"] == "first_match":
        document["start" if case["direction"] == "forward" else "end"] = {"event": case["chain"][0]}
    log = rows_of(case)
    for user, expected in case["expected"].items():
        way = way_of(answer({**document, "segment": {"users": [user]}}, log))
        way = way if case["direction"] == "forward" else way[::-1]
        n_chain = len(case["chain"])
        following = [*way, None][n_chain] if way[:n_chain] == case["chain"] and way else None
        assert following == expected


def way_of(result: dict[str, Any]) -> list[str]:
    """The one way of a result with its nodes' labels."""
    targets = {edge["source"]: edge["target"] for edge in result["edges"]}
    nodes = list({*targets, *targets.values(), *(end["node"] for end in result["ends"])})
    nodes.sort(key=lambda node: int(node.partition("_")[0]))
    return [node.partition("_")[2] for node in nodes]


TESTS = (
    test_funnel,
    test_funnel_trend,
    test_retention,
    test_paths,
    test_edges_cut_loose,
    test_window_funnel,
    test_clickhouse_retention,
    test_sequence_match,
    test_next_node,
)


def test_every_case_is_either_answered_or_listed_with_the_reason() -> None:
    answered = {
        mark.args[1][at]["id"]
        for test in TESTS
        for mark in test.pytestmark
        for at in range(len(mark.args[1]))
        if mark.name == "parametrize"
    } | {"ch-seq-serialised-state"}
    assert answered | set(NOT_EXPRESSED) == set(CASES)
    assert set(DECIDED_OTHERWISE) <= answered
    assert set(NOT_EXPRESSED) == {
        case["id"] for case in CASES.values() if case.get("analysis") == "lifecycle"
    }
