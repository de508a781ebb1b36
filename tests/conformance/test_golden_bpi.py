"""A real bank's loan log: every figure that others counted and that the four analyses can express."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xingji.analysis.engine import run_query
from xingji.lake.memory import MemorySnapshot
from xingji.model.event_table import EVENT, PREFIX, TIME, TIME_TYPE, USER
from xingji.model.moments import parse_instant
from xingji.model.parse import parse_query

NOT_EXPRESSED = {
    "variants_activity": "a variant is a whole sequence; only the paths' edges are counted",
    "variants_activity_lifecycle": "as above",
    "duration_seconds": "from a case's first event to its last: `interval`, not one of the four analyses",
}
EVERY_EDGE = {"session_gap_minutes": None, "collapse_repeats": False, "edge_limit": 10_000}


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "data/bpi2012/GOLDEN_bpi2012_dev80.json").read_text())
    return found


@pytest.fixture(scope="module")
def snapshot(shared_data: Path) -> MemorySnapshot:
    with gzip.open(
        shared_data / "data/bpi2012/bpi2012_dev80.csv.gz", "rt", encoding="utf-8", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    columns: dict[str, pa.Array] = {
        USER: pa.array([row["case:concept:name"] for row in rows]),
        EVENT: pa.array([row["concept:name"] for row in rows]),
        TIME: pa.array([parse_instant(row["time:timestamp"]) for row in rows], TIME_TYPE),
        PREFIX + "lifecycle": pa.array([row["lifecycle:transition"] for row in rows]),
        PREFIX + "resource": pa.array([row["org:resource"] or None for row in rows]),
        PREFIX + "amount": pa.array([int(row["case:AMOUNT_REQ"]) for row in rows]),
    }
    return MemorySnapshot.from_table(pa.table(columns), n_buckets=4)


@pytest.fixture(scope="module")
def ask(snapshot: MemorySnapshot) -> Any:
    def answer(kind: str, **fields: object) -> dict[str, Any]:
        result: dict[str, Any] = run_query(parse_query({"kind": kind, **fields}), snapshot)
        return result

    return answer


def totals(ask: Any, series: list[dict[str, Any]], **fields: object) -> list[Any]:
    """The total of each series."""
    return [line["total"] for line in ask("trend", series=series, interval="total", **fields)["series"]]


def funnel_counts(ask: Any, *steps: str | list[str], order: str = "ordered") -> list[int]:
    """How many cases reach each step, whatever time it takes."""
    document = {"steps": [{"event": step} for step in steps], "order": order, "window": None}
    return [step["count"] for step in ask("funnel", **document)["groups"][0]["steps"]]


def test_every_figure_is_asked_or_listed(golden: dict[str, Any]) -> None:
    asked = {
        "cases_with_activity", "outcome_cases", "complete_only", "top_variant", "funnel_ordered_no_window",
        "resources_distinct_incl_null", "resource_null_events", "resource_top5",
        "submitted_by_local_month", "submitted_by_local_weekday_Mon0", "AMOUNT_REQ",
        "dfg_top15", "dfg_edges", "start_activity", "end_activity",
    }  # fmt: skip
    assert asked | set(NOT_EXPRESSED) == set(golden)


def test_cases_with_activity(ask: Any, golden: dict[str, Any]) -> None:
    wanted = golden["cases_with_activity"]
    found = totals(ask, [{"event": name, "measure": "users"} for name in wanted])
    assert dict(zip(wanted, found, strict=True)) == wanted


def test_funnel(ask: Any, golden: dict[str, Any]) -> None:
    wanted = golden["funnel_ordered_no_window"]
    assert funnel_counts(ask, *wanted["steps"]) == wanted["cases"]


def test_outcomes_as_funnels(ask: Any, golden: dict[str, Any]) -> None:
    outcomes = {"approved": "A_APPROVED", "declined": "A_DECLINED", "cancelled": "A_CANCELLED"}
    found = {name: funnel_counts(ask, "A_SUBMITTED", event)[1] for name, event in outcomes.items()}
    for both in ("approved&declined", "approved&cancelled", "declined&cancelled"):
        steps = [outcomes[name] for name in both.split("&")]
        found[both] = funnel_counts(ask, *steps, order="any")[1]
    submitted, ended = funnel_counts(ask, "A_SUBMITTED", list(outcomes.values()))
    assert found | {"none": submitted - ended} == golden["outcome_cases"]


def test_complete_events_only(ask: Any, golden: dict[str, Any]) -> None:
    complete = {"property": "event.lifecycle", "op": "=", "value": "COMPLETE"}
    events, cases = totals(ask, [{"event": "*"}, {"event": "*", "measure": "users"}], filter=complete)
    wanted = golden["complete_only"]
    assert (events, cases) == (wanted["events"], wanted["cases"])


def test_resources(ask: Any, golden: dict[str, Any]) -> None:
    nobody = {"property": "event.resource", "op": "is_not_set"}
    distinct, unset = totals(
        ask, [{"event": "*", "measure": {"distinct": "event.resource"}}, {"event": "*", "filter": nobody}]
    )
    assert distinct + 1 == golden["resources_distinct_incl_null"]
    assert unset == golden["resource_null_events"]
    lines = ask(
        "trend", series=[{"event": "*"}], interval="total", breakdown=["event.resource"], breakdown_limit=6
    )
    groups = {line["breakdown"][0]: line["total"] for line in lines["series"]}
    assert groups.pop(None) == golden["resource_null_events"]
    assert list(groups)[-1] == "Other"
    assert {name: groups[name] for name in list(groups)[:-1]} == golden["resource_top5"]


def test_submitted_by_local_month(ask: Any, golden: dict[str, Any]) -> None:
    line = ask(
        "trend", series=[{"event": "A_SUBMITTED", "measure": "users"}], interval="month", timezone=ZONE
    )
    months = [label[:7] for label in line["buckets"]]
    assert dict(zip(months, line["series"][0]["values"], strict=True)) == golden["submitted_by_local_month"]


def test_submitted_by_local_weekday(ask: Any, golden: dict[str, Any]) -> None:
    line = ask("trend", series=[{"event": "A_SUBMITTED", "measure": "users"}], interval="day", timezone=ZONE)
    found: Counter[str] = Counter()
    for label, value in zip(line["buckets"], line["series"][0]["values"], strict=True):
        found[str(dt.date.fromisoformat(label).weekday())] += value
    assert found == golden["submitted_by_local_weekday_Mon0"]


ZONE = "Europe/Amsterdam"


def test_amounts_by_the_first_event(ask: Any, golden: dict[str, Any]) -> None:
    """The amount is the case's, so that one event of each tells it."""
    kinds = ("sum", "avg", "median", "min", "max", "distinct")
    series: list[dict[str, Any]] = [
        {"event": "A_SUBMITTED", "measure": {kind: "event.amount"}} for kind in kinds
    ]
    zero = {"property": "event.amount", "op": "=", "value": 0}
    found = totals(ask, [*series, {"event": "A_SUBMITTED", "filter": zero}])
    wanted = golden["AMOUNT_REQ"]
    assert [found[0], round(found[1], 4), *found[2:]] == [
        wanted[name] for name in ("sum", "mean", "median", "min", "max", "distinct", "zero")
    ]  # fmt: skip


def test_neighbours(ask: Any, golden: dict[str, Any]) -> None:
    """Of all events, whatever their lifecycle; those at one time in the order of the file."""
    result = ask("paths", view="transitions", **EVERY_EDGE)
    edges = {f"{edge['source']} -> {edge['target']}": edge["count"] for edge in result["edges"]}
    assert len(edges) == golden["dfg_edges"]
    assert dict(list(edges.items())[:15]) == golden["dfg_top15"]
    assert {end["node"]: end["count"] for end in result["ends"]} == golden["end_activity"]


def test_first_and_shortest_ways(ask: Any, golden: dict[str, Any]) -> None:
    result = ask("paths", max_steps=100, **EVERY_EDGE)
    starts: Counter[str] = Counter()
    for edge in result["edges"]:
        if edge["source"].startswith("1_"):
            starts[edge["source"][2:]] += edge["count"]
    assert starts == golden["start_activity"]
    *way, last = (name.partition("+")[0] for name in golden["top_variant"]["seq"])
    ends = {end["node"]: end["count"] for end in result["ends"]}
    assert ends[f"{len(way) + 1}_{last}"] == golden["top_variant"]["n"]
