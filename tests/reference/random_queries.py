"""Random queries of each kind, as the JSON documents that callers send; together they use every field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from tests.reference.dice import Dice, several
from tests.reference.random_logs import (
    DAY_US,
    EVENTS,
    HOUR_US,
    UNKNOWN_EVENT,
    USERS,
    ZONES,
)
from xingji.model.moments import from_us, iso

Document = dict[str, Any]

PROPERTIES = (
    "event.k", "event.mix", "event.n", "event.amount", "event.score", "event.at", "event.day",
    "event.app", "event.path", "event.$origin", "event.$event",
    "user.city", "user.level", "user.level@event", "user.city@event",
)  # fmt: skip
TEXTS = ("x", "y", "1", "", "2026-01-05", "/a", "server", "上海", "A1")
NUMBERS = (1, 0, 2, -3, 0.5, 0.1, 3.5, 1.0, 9_007_199_254_740_993)
PATTERNS = ("^x$", "[xy]", "^/loan/", "(?i)X", "^$")
INSTANTS = ("2026-01-05T00:00:00Z", "2026-01-05T08:00:00+08:00", "2026-03-29T01:00:00Z")
LENGTHS = (
    {"value": 1, "unit": "second"}, {"value": 10, "unit": "second"}, {"value": 30, "unit": "minute"},
    {"value": 1, "unit": "hour"}, {"value": 1, "unit": "day"}, {"value": 2, "unit": "week"},
    {"value": 1, "unit": "month"},
)  # fmt: skip


def predicate(dice: Dice, depth: int = 2) -> Document:
    """A predicate with any operator."""
    kind = dice.integer(0, 9) if depth else 0
    if kind == 7:
        return {"all": [predicate(dice, depth - 1) for _ in range(dice.integer(0, 2))]}
    if kind == 8:
        return {"any": [predicate(dice, depth - 1) for _ in range(dice.integer(1, 2))]}
    if kind == 9:
        return {"not": predicate(dice, depth - 1)}
    if dice.chance(50):
        return dice.pick(_MOSTLY_TRUE)
    op = dice.pick(tuple(_OPERANDS))
    found: Document = {"property": dice.pick((*PROPERTIES, "user.since", "event.k", "event.k")), "op": op}
    value = _OPERANDS[op](dice)
    return found if value is None else {**found, "value": value}


_MOSTLY_TRUE: tuple[Document, ...] = (
    {"property": "event.k", "op": "!=", "value": "x"},
    {"property": "event.mix", "op": "not_in", "value": [1, "x"]},
    {"property": "event.$origin", "op": "is_not_set"},
    {"property": "event.k", "op": "in", "value": ["x", "y", "z"]},
    {"property": "event.path", "op": "starts_with", "value": "/"},
    {"not": {"property": "event.n", "op": "<", "value": 1}},
    {"any": [{"property": "event.n", "op": ">=", "value": 0.1}, {"property": "event.at", "op": "is_set"}]},
)


def _scalar(dice: Dice) -> object:
    return dice.pick(dice.pick((TEXTS, NUMBERS, (True, False))))


def _ordered(dice: Dice) -> object:
    return dice.pick(dice.pick((TEXTS, NUMBERS)))


def _list(dice: Dice) -> list[object]:
    return [_scalar(dice) for _ in range(dice.integer(1, 3))]


_OPERANDS: dict[str, Callable[[Dice], object]] = {
    "is_set": lambda dice: None, "=": _scalar, "!=": _scalar, "in": _list, "not_in": _list,
    "<": _ordered, "<=": _ordered, ">": _ordered, ">=": _ordered,
    "between": lambda dice: [_ordered(dice), _ordered(dice)],
    "contains": _scalar, "not_contains": _scalar, "is_not_set": lambda dice: None,
    "starts_with": lambda dice: dice.pick(("x", "/", "2026")),
    "ends_with": lambda dice: dice.pick(("x", "/", "1")),
    "regex": lambda dice: dice.pick(PATTERNS), "in_last": lambda dice: dice.pick(LENGTHS),
    "before": lambda dice: dice.pick(INSTANTS), "after": lambda dice: dice.pick(INSTANTS),
}  # fmt: skip


def selector(dice: Dice, first_time: bool = True) -> Document:
    """A selector of one event, of several, of every one, or of one that nobody ever sent."""
    kind = dice.integer(0, 19)
    found: Document = {"event": dice.pick(EVENTS)}
    if kind >= 15:
        found = {"event": {19: UNKNOWN_EVENT, 18: "*"}.get(kind, several(dice, EVENTS, 2, 3))}
    if dice.chance(20):
        found["filter"] = predicate(dice, 1)
    if first_time and dice.chance(10):
        found["first_time"] = True
    if dice.chance(10):
        found["name"] = dice.pick(("named", "a"))
    return found


def scope(dice: Dice, anchor_us: int, days: int | None = None) -> Document:
    """The common fields; with `days`, a range of at most so many."""
    found: Document = {"timezone": dice.pick(ZONES)}
    found |= _range(dice, anchor_us, days)
    if dice.chance(50):
        found["week_start"] = dice.pick(("monday", "sunday", "saturday"))
    if dice.chance(20):
        found["filter"] = predicate(dice)
    if dice.chance(10):
        found["segment"] = {"users": several(dice, (*USERS, "stranger"), 0, 4)}
    if dice.chance(40):
        found["count_by"] = dice.pick(
            ("user", "session", {"property": "event.app"}, {"property": "event.mix"})
        )
    if dice.chance(15):
        found["as_of"] = iso(anchor_us + dice.integer(-2, 40) * DAY_US)
    return found


def _range(dice: Dice, anchor_us: int, days: int | None) -> Document:
    kind = dice.integer(-3, 5) if days is None else dice.pick((1, 2)) if days else 2
    if kind <= 0:
        return {}
    first_us = anchor_us - (0 if days == 0 else dice.integer(0, 1)) * DAY_US
    length = dice.integer(0, 30 if days is None else days)
    day = from_us(first_us).date()
    if kind == 2:
        last_us = first_us + length * DAY_US + dice.pick((HOUR_US, 0, -1, 1))
        return {"date_from": iso(first_us), "date_to": iso(max(first_us, last_us))}
    bounds = {"date_from": day.isoformat(), "date_to": (day + dt.timedelta(days=length)).isoformat()}
    return {name: bounds[name] for name in {3: ("date_from",), 4: ("date_to",)}.get(kind, tuple(bounds))}


def _breakdown(dice: Dice) -> Document:
    if not dice.chance(40):
        return {}
    found: Document = {"breakdown": several(dice, PROPERTIES, 1, 2)}
    if dice.chance(60):
        found["breakdown_limit"] = dice.pick((1, 2, 3))
    return found


def trend(dice: Dice, anchor_us: int) -> Document:
    """A trend."""
    interval = dice.pick(("day", "day", "day", "week", "month", "quarter", "total", "hour", "minute"))
    found = scope(dice, anchor_us, {"hour": 2, "minute": 0}.get(interval)) | _breakdown(dice)
    counting = dice.chance(30)
    found["series"] = [_series(dice, found, counting) for _ in range(dice.integer(1, 3))]
    if counting and interval == "day" and dice.chance(60):
        found["window"] = dice.pick(("rolling_2d", "rolling_3d", "rolling_7d", "rolling_30d"))
    elif counting:
        found["cumulative"] = True
    if dice.chance(20):
        found["formula"] = dice.pick(_FORMULAS[len(found["series"])])
    if "date_from" in found and "date_to" in found and dice.chance(30):
        found["compare"] = "previous_period"
    return {"kind": "trend", "interval": interval, **found}


_FORMULAS = {
    1: ("A", "A / 3", "-(A - 1.5) * 2"),
    2: ("B / A", "A + B", "(A - B) / (A + B)"),
    3: ("A / B / C", "A + B * C", "A / (B - B)"),
}


def _series(dice: Dice, common: Document, counting: bool) -> Document:
    counts = ["events", "users", "events_per_user", "sessions"]
    if common.get("count_by", "user") != "user":
        counts.remove("sessions")
    found = selector(dice)
    if counting:
        return {**found, "measure": dice.pick(("users", "events"))}
    if dice.chance(50):
        return {**found, "measure": dice.pick(counts)} if dice.chance(80) else found
    name = dice.pick(("sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99", "distinct"))
    properties = ("event.amount", "event.score", "event.n", "event.mix", "user.level", "user.level@event")
    return {**found, "measure": {name: dice.pick(properties)}}


def funnel(dice: Dice, anchor_us: int) -> Document:
    """A funnel in any order, with whatever that order allows."""
    found = scope(dice, anchor_us) | _breakdown(dice) | _steps(dice)
    if dice.chance(25):
        found["range_applies_to"] = "entry"
    if "breakdown" in found and dice.chance(80):
        found["attribution"] = _attribution(dice, found)
    view = dice.pick(("steps", "time_to_convert", "trend", "users"))
    found["view"] = view
    if view == "trend":
        found["interval"] = dice.pick(("day", "week", "month", "quarter", "total"))
    if view == "time_to_convert" and dice.chance(60):
        found["bins"] = dice.pick((1, 2, 7, [0, 10, 3600], [60, 86_400]))
    if view == "users":
        found |= {"step": dice.integer(1, len(found["steps"])), "state": dice.pick(("converted", "dropped"))}
        if dice.chance(30):
            found |= {"limit": dice.pick((1, 2, 1000)), "offset": dice.integer(0, 2)}
    return {"kind": "funnel", **found}


def _steps(dice: Dice) -> Document:
    """Steps and what goes with their order."""
    order = dice.pick(("ordered", "ordered", "any", "strict"))
    steps = [selector(dice) for _ in range(dice.integer(1, 4))]
    found: Document = {"steps": steps, "order": order}
    if order == "ordered":
        for step in steps[1:]:
            if dice.chance(25):
                step["optional"] = True
    if dice.chance(80):
        found["window"] = dice.pick((*LENGTHS, *LENGTHS, None, {"value": 1, "unit": "session"}))
    if order != "strict" and dice.chance(35):
        exclusions = [_exclusion(dice, steps, order) for _ in range(dice.integer(1, 2))]
        found["exclusions"] = [one for one in exclusions if one]
    if dice.chance(20):
        found["hold_constant"] = several(dice, ("event.k", "event.app", "event.mix", "user.city@event"), 1, 2)
    return found


def _exclusion(dice: Dice, steps: list[Document], order: str) -> Document | None:
    required = [at for at, step in enumerate(steps, start=1) if not step.get("optional")]
    if len(required) < 2:
        return None
    first, last = sorted(several(dice, required, 2, 2)) if order == "ordered" else (1, len(steps))
    return {**selector(dice, first_time=False), "from_step": first, "to_step": last}


def _attribution(dice: Dice, found: Document) -> str:
    kinds = ["first_touch", "last_touch", "all_steps"]
    if found["order"] != "any":
        kinds.append(f"step:{dice.integer(1, len(found['steps']))}")
    return dice.pick(kinds)


def retention(dice: Dice, anchor_us: int) -> Document:
    """A retention."""
    period = dice.pick(("day", "week", "month", "hour"))
    found = scope(dice, anchor_us, 2 if period == "hour" else None) | _breakdown(dice)
    found |= {"start": selector(dice), "period": period}
    if dice.chance(80):
        found["return"] = selector(dice)
    if dice.chance(70):
        found["type"] = dice.pick(("recurring", "first_time", "first_ever"))
    if dice.chance(70):
        found["periods"] = dice.integer(1, 8)
    if dice.chance(50):
        found["clock"] = dice.pick(("calendar", "24h"))
    if dice.chance(60):
        found["bracket"] = dice.pick(("exact", "on_or_after", [[1, 1], [2, 4], [7, 20]], [[2, 3]]))
    if dice.chance(25):
        found["minimum_occurrences"] = dice.integer(1, 3)
    if dice.chance(30):
        found["range_applies_to"] = "entry"
    return {"kind": "retention", **found}


def paths(dice: Dice, anchor_us: int) -> Document:
    """Paths."""
    found = scope(dice, anchor_us)
    found |= {"view": dice.pick(("steps", "steps", "transitions"))}
    if found["view"] == "steps":
        found |= {name: selector(dice) for name in ("start", "end") if dice.chance(25)}
    if dice.chance(30):
        found["mean_seconds"] = False
    if dice.chance(50):
        found["max_steps"] = dice.integer(2, 6)
    if dice.chance(50):
        found["session_gap_minutes"] = dice.pick((30, 1, 10, 60, 1440, None))
    for name in ("include", "exclude"):
        if dice.chance(20):
            found[name] = [dice.pick((selector(dice), dice.pick(EVENTS))) for _ in range(dice.integer(1, 2))]
    if dice.chance(50):
        found["label"] = dice.pick(("event.path", "event.mix", "event.at", "user.city", "event.amount"))
    if dice.chance(25):
        found["group"] = dice.pick(({"/loan/*": "loan pages", "*": "rest"}, {"[ab]": "ab"}, {"/a": "/a/"}))
    if dice.chance(50):
        found["collapse_repeats"] = dice.chance(50)
    if dice.chance(20):
        found["min_edge"] = dice.integer(1, 2)
    if dice.chance(10):
        found["max_edge"] = dice.integer(2, 4)
    if dice.chance(25):
        found["edge_limit"] = dice.integer(1, 6)
    if found.get("count_by", "user") == "user" and dice.chance(25):
        found["around_funnel"] = _around(dice)
    return {"kind": "paths", **found}


def _around(dice: Dice) -> Document:
    found = _steps(dice)
    position = dice.pick(("before", "between", "after"))
    first = 2 if position == "between" else 1
    if len(found["steps"]) < first:
        position, first = "after", 1
    state = "converted" if position == "between" else dice.pick(("converted", "dropped"))
    return {**found, "position": position, "step": dice.integer(first, len(found["steps"])), "state": state}


KINDS: dict[str, Callable[[Dice, int], Document]] = {
    "trend": trend,
    "funnel": funnel,
    "retention": retention,
    "paths": paths,
}
