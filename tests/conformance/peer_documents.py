"""The worked cases of peers as queries of our contract, and their rows as events."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.reference.log import Event
from xingji.model.moments import parse_instant, to_us

ORDERS = {"ordered": "ordered", "strict": "strict", "unordered": "any"}
OPERATORS = {"= (null counts as '')": "="}


def load_cases(folder: Path) -> dict[str, dict[str, Any]]:
    """Every case by its id."""
    document = json.loads((folder / "cases" / "peer_cases.json").read_text())
    return {case["id"]: case for part in ("analytics", "sequence_functions") for case in document[part]}


def variants(case: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The queries of a case, each with what is expected."""
    if "variants" in case["query"]:
        return list(zip(case["query"]["variants"], case["expected"]["variants"], strict=True))
    return [(case["query"], case["expected"])]


def events_of(case: dict[str, Any]) -> list[Event]:
    """The events of an analytics case; what a peer keeps as the name of a screen is a path like any other."""
    return [
        Event(
            row["user"],
            row["event"],
            us(row["time"]),
            seq,
            {"$current_url" if name == "$screen_name" else name: v for name, v in row["properties"].items()},
        )
        for seq, row in enumerate(case["events"])
    ]


def us(text: str) -> int:
    """µs of an instant; without offset it is UTC."""
    moment = parse_instant(text)
    assert moment is not None
    return to_us(moment)


def bound(text: str) -> str:
    """A bound of a range: a day stays a day, a time of day is an instant in UTC."""
    return text if len(text) == 10 else text.replace(" ", "T").removesuffix("Z") + "Z"


def scope(query: dict[str, Any]) -> dict[str, Any]:
    """The fields that funnels and paths share."""
    found: dict[str, Any] = {"timezone": query.get("timezone", "UTC")}
    found |= {name: bound(query[name]) for name in ("date_from", "date_to") if name in query}
    if "now" in query:
        found |= {"date_to": bound(query["now"]), "as_of": bound(query["now"])}
    if "breakdown" in query:
        found["breakdown"] = [f"event.{query['breakdown']}"]
    if "breakdown_limit" in query:
        found["breakdown_limit"] = query["breakdown_limit"]
    if "aggregate_by" in query:
        found["count_by"] = {"property": f"event.{query['aggregate_by']}"}
    return found


def step(one: str | dict[str, Any]) -> dict[str, Any]:
    """A step; a peer's filter is an object of values that properties must equal."""
    if isinstance(one, str):
        return {"event": one}
    found: dict[str, Any] = {"event": one["event"], "optional": one.get("optional", False)}
    found["first_time"] = one.get("first_time_for_user", False)
    if "filter" in one:
        terms = [{"property": f"event.{name}", "op": "=", "value": v} for name, v in one["filter"].items()]
        found["filter"] = {"all": terms}
    return found


def funnel(query: dict[str, Any]) -> dict[str, Any]:
    """A funnel; a peer counts steps from 0."""
    steps = [step(one) for one in query["steps"]]
    if "to_step" in query:
        steps = steps[: query["to_step"] + 1]
    document = {"kind": "funnel", "steps": steps, "order": ORDERS[query["order"]], "window": query["window"]}
    if "exclusions" in query:
        document["exclusions"] = [
            {"event": one["event"], "from_step": one["from_step"] + 1, "to_step": one["to_step"] + 1}
            for one in query["exclusions"]
        ]
    if "attribution" in query:
        document["attribution"] = f"step:{query['attribution']['step'] + 1}"
    if query.get("viz") == "trends":
        document |= {"view": "trend", "interval": query["interval"]}
    if query.get("viz") == "time_to_convert":
        document["view"] = "time_to_convert"
    return document | scope(query)


def retention(query: dict[str, Any]) -> dict[str, Any]:
    """A retention: a peer's range is the given number of whole periods, the last of which holds `date_to`."""
    day = dt.date.fromisoformat(query["date_to"])
    days = 1
    if query["period"] == "week":
        days = 7
        day -= dt.timedelta(days=(day.weekday() + (query["week_start"] == "sunday")) % 7)
    document = {
        "kind": "retention",
        "start": {"event": query["start_event"] or "*"},
        "return": {"event": query["return_event"] or "*"},
        "type": query["type"],
        "period": query["period"],
        "periods": max(query["intervals"] - 1, 1),
        "bracket": "on_or_after" if query.get("rolling") else "exact",
    }
    bounds = {
        "date_from": str(day - dt.timedelta(days=days * (query["intervals"] - 1))),
        "date_to": str(day + dt.timedelta(days=days - 1)),
    }
    kept = {name: value for name, value in query.items() if name != "date_to"}
    return document | scope(kept) | bounds | {"week_start": query.get("week_start", "monday")}


def paths(query: dict[str, Any], log: Sequence[Event]) -> dict[str, Any]:
    """Paths of pages, screens and own events, the last being those whose name has no `$`."""
    own = sorted({event.event for event in log if not event.event.startswith("$")})
    document: dict[str, Any] = {
        "kind": "paths",
        "label": "event.$current_url",
        "max_steps": query["step_limit"],
        "edge_limit": query["edge_limit"],
        "session_gap_minutes": query["session_gap_minutes"],
        "include": [own if name == "custom_event" else name for name in query.get("include", [])],
        "exclude": query.get("exclude", []),
    }
    document["include"] = [{"event": name} for name in document["include"]]
    if "end" in query:
        pattern = f"^{query['end'].rstrip('/')}/?$"
        document["end"] = {
            "event": "*",
            "filter": {"property": "event.$current_url", "op": "regex", "value": pattern},
        }
    return document | scope(query)


def ways_with(edges: Sequence[Sequence[str]]) -> list[Event]:
    """A log whose ways have each of the edges twice, and otherwise only edges that occur once."""
    log: list[Event] = []
    for number, (source, target) in enumerate(edges):
        place, _, label = source.partition("_")
        for copy in range(2):
            before = [f"before {number} {copy} {at}" for at in range(1, int(place))]
            for at, name in enumerate([*before, label, target.partition("_")[2]]):
                log.append(Event(f"user {number} {copy}", name, at * 1_000_000, len(log)))
    return log


START_US = us("2026-01-05T00:00:00Z")


def rows_of(case: dict[str, Any]) -> list[Event]:
    """A case's rows as events; numbers in the time column are seconds, from the first row on."""
    rows = case["rows"]
    first = min(row["t"] for row in rows)
    return [
        Event(
            str(row.get("user", 0)),
            row.get("action", "row"),
            us(row["t"]) if isinstance(row["t"], str) else START_US + (row["t"] - first) * 1_000_000,
            seq,
            {name: value for name, value in row.items() if name not in ("user", "t")},
        )
        for seq, row in enumerate(rows)
    ]


def condition(one: str | dict[str, Any]) -> dict[str, Any]:
    """A condition on a row as a step."""
    if isinstance(one, str):
        name, _, value = one.split()
        found: dict[str, Any] = {"property": f"event.{name}", "op": "=", "value": int(value)}
    elif "all_null" in one:
        found = {"property": f"event.{one['all_null'][0]}", "op": "is_not_set"}
    else:
        op = OPERATORS.get(one["op"], one["op"])
        found = {"property": f"event.{one['field']}", "op": op, "value": one["value"]}
    return {"event": "*", "filter": found}


def window_funnel(case: dict[str, Any]) -> dict[str, Any]:
    """windowFunnel; its `strict_order` is our strict where every row is one of the conditions' own."""
    seconds = case["window"]
    order = "strict" if case["modes"] == ["strict_order"] else "ordered"
    return {
        "kind": "funnel",
        "steps": [condition(one) for one in case["conditions"]],
        "order": order,
        "window": {"value": seconds, "unit": "second"} if seconds <= 1_000_000 else None,
    }
