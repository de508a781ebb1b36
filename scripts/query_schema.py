"""Writes docs/reference/query.schema.json: queries as JSON Schema, words and bounds from the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from xingji.model import parse, parse_funnel, parse_scope
from xingji.model.parse_predicate import OPERATORS
from xingji.model.query import PAGE, Interval, Period, Statistic, WeekStart

FILE = Path(__file__).parent.parent / "docs" / "reference" / "query.schema.json"
Schema = dict[str, Any]
_UNITS = ("second", "minute", "hour", "day", "week", "month")


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def schema() -> Schema:
    """The schema of a query: one of the kinds, each with the fields all share."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Xingji query",
        "description": "One question to the engine. Null counts as absent, but for window and "
        "session_gap_minutes, where it means none.",
        "oneOf": [_ref(kind) for kind in parse.KINDS],
        "$defs": _kinds() | _shared() | _predicates(),
    }


def _kinds() -> dict[str, Schema]:
    return {
        "trend": _kind(
            "trend", "How measures of events develop over calendar intervals.", _trend(), ["series"]
        ),
        "funnel": _kind(
            "funnel", "How many units go through steps, and how long it takes.", _funnel(), ["steps"]
        ),
        "retention": _kind(
            "retention", "How many of those who began in a period come back later.", _retention(), ["start"]
        ),
        "paths": _kind("paths", "Which ways units take from node to node within a session.", _paths(), []),
    }


def _trend() -> Schema:
    return {
        "series": _list(_ref("series"), 1, 26),
        "interval": _enum(get_args(Interval), "day"),
        "window": {
            "type": "string",
            "pattern": r"^rolling_[0-9]+d$",
            "description": "rolling_<days>d, 2 to 400 days; for users and events, interval day.",
        },
        "cumulative": _flag("Count from the start of the range to the end of each interval."),
        "formula": _text(
            "Series as A, B, …, numbers, + - * / and parentheses; its line replaces the series."
        ),
        "compare": _enum(["previous_period"], None),
    }


def _funnel() -> Schema:
    return {
        "steps": _list(_ref("step"), 1, parse_funnel._MAX_STEPS),
        "order": _enum(["ordered", "any", "strict"], "ordered"),
        "window": {
            "oneOf": [_ref("duration"), _ref("sessionWindow"), {"type": "null"}],
            "default": {"value": 14, "unit": "day"},
            "description": "How long an attempt may take from its first step on, inclusive; null: no bound.",
        },
        "exclusions": _list(_ref("exclusion"), 0, parse_funnel._MAX_EXCLUSIONS),
        "hold_constant": _list(_ref("property"), 0, 3),
        "attribution": {
            "type": "string",
            "pattern": r"^(first_touch|last_touch|all_steps|step:[0-9]+)$",
            "default": "first_touch",
        },
        "view": _enum(["steps", "time_to_convert", "trend", "users"], "steps"),
        "interval": _enum(get_args(Interval), "day") | {"description": "Of the trend view."},
        "bins": {
            "oneOf": [
                _whole(1, parse_funnel._MAX_BINS),
                _list(_whole(0, 10**12), 2, parse_funnel._MAX_BINS + 1),
            ],
            "description": "Of the histogram: how many, or their edges in seconds.",
        },
        "step": _whole(1, parse_funnel._MAX_STEPS) | {"default": 1, "description": "Of the users view."},
        "state": _enum(["converted", "dropped"], "converted") | {"description": "Of the users view."},
        "limit": _limit() | {"description": "Of the users view."},
        "offset": _offset() | {"description": "Of the users view."},
    }


def _retention() -> Schema:
    bracket = _list(_whole(1, parse._MAX_PERIODS), 2, 2)
    return {
        "start": _ref("selector"),
        "return": _ref("selector") | {"description": "Absent: the start event."},
        "type": _enum(["recurring", "first_time", "first_ever"], "recurring"),
        "period": _enum(get_args(Period), "day"),
        "periods": _whole(1, parse._MAX_PERIODS) | {"default": 7},
        "clock": _enum(["calendar", "24h"], "calendar"),
        "bracket": {
            "oneOf": [_enum(["exact", "on_or_after"], "exact"), _list(bracket, 1, 100)],
            "default": "exact",
        },
        "minimum_occurrences": _whole(1, 1_000_000) | {"default": 1},
    }


def _paths() -> Schema:
    return {
        "start": _ref("selector"),
        "end": _ref("selector"),
        "max_steps": _whole(2, 100) | {"default": 5},
        "session_gap_minutes": _whole(1, 7 * 24 * 60)
        | {
            "type": ["integer", "null"],
            "default": 30,
            "description": "null: a unit's events are one session.",
        },
        "include": _list(_ref("selectorOrName"), 0, 1000),
        "exclude": _list(_ref("selectorOrName"), 0, 1000),
        "group": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "description": "Patterns and the label for what fits them; the first that fits wins.",
        },
        "label": _ref("property") | {"description": "Absent: the event's name."},
        "collapse_repeats": _flag("Neighbours of one label are one node.", default=True),
        "mean_seconds": _flag("Edges say how long they took on average.", default=True),
        "min_edge": _whole(1, 2**53) | {"default": 1},
        "max_edge": _whole(1, 2**53),
        "edge_limit": _whole(1, 10_000) | {"default": 50},
        "around_funnel": _ref("aroundFunnel"),
        "view": _enum(["steps", "transitions"], "steps"),
    }


def _scope() -> Schema:
    bound = {
        "type": "string",
        "description": "A day of the timezone, or an instant with offset; inclusive.",
    }
    return {
        "date_from": bound,
        "date_to": bound,
        "timezone": _text("An IANA name such as Asia/Shanghai.") | {"default": "UTC"},
        "week_start": _enum(get_args(WeekStart), "monday"),
        "filter": _ref("predicate"),
        "segment": _object({"users": _list({"type": "string"}, 0, 10_000_000)}, ["users"]),
        "breakdown": _list(_ref("property"), 0, parse_scope._MAX_BREAKDOWNS),
        "breakdown_limit": _whole(1, parse_scope._MAX_GROUPS) | {"default": 25},
        "count_by": {
            "oneOf": [
                _enum(["user", "session"], "user"),
                _object({"property": _ref("property")}, ["property"]),
            ],
            "default": "user",
        },
        "range_applies_to": _enum(["all", "entry"], "all"),
        "as_of": _text("An instant with offset; absent: that of the last event."),
        "users_of": _ref("usersOf"),
    }


def _shared() -> dict[str, Schema]:
    selector = {
        "event": {
            "oneOf": [
                {"type": "string", "minLength": 1},
                _list({"type": "string", "minLength": 1}, 1, parse_scope._MAX_EVENTS),
            ],
            "description": 'A name, several names, or "*" for any event.',
        },
        "filter": _ref("predicate"),
        "first_time": _flag("Only the unit's first such event in all history."),
        "name": _text("How results call it; absent: the event's name."),
    }
    only_trend = {"measure": _ref("measure")}
    steps = {"from_step": _whole(1, parse_funnel._MAX_STEPS), "to_step": _whole(2, parse_funnel._MAX_STEPS)}
    around = {
        "step": _whole(1, parse_funnel._MAX_STEPS) | {"default": 1},
        "position": _enum(["before", "between", "after"], "after"),
        "state": _enum(["converted", "dropped"], "converted"),
    }
    counts = ["events", "users", "events_per_user", "sessions"]
    statistics = [_object({name: _ref("property")}, [name]) for name in get_args(Statistic)]
    return {
        "selector": _object(selector, ["event"]),
        "selectorOrName": {"oneOf": [{"type": "string", "minLength": 1}, _ref("selector")]},
        "series": _object(selector | only_trend, ["event"]),
        "step": _object(selector | {"optional": _flag("Looked for, but not needed.")}, ["event"]),
        "exclusion": _object(
            {name: each for name, each in selector.items() if name != "first_time"} | steps, ["event"]
        ),
        "measure": {"oneOf": [_enum(counts, "events"), *statistics], "default": "events"},
        "aroundFunnel": _object(_funnel() | around, ["steps"]),
        "duration": _object({"value": _whole(1, 1_000_000), "unit": _enum(_UNITS, None)}, ["value", "unit"]),
        "sessionWindow": _object({"value": {"const": 1}, "unit": {"const": "session"}}, ["value", "unit"]),
        "property": {
            "type": "string",
            "pattern": r"^(event|user|tag)\..+$",
            "description": "event.x, user.x, user.x@event or tag.x; presets are event.$name.",
        },
        "usersOf": _users_of(),
    }


def _limit() -> Schema:
    return _whole(1, 1_000_000) | {"default": PAGE}


def _offset() -> Schema:
    return _whole(0, 2**40) | {"default": 0}


def _users_of() -> Schema:
    return _object(
        {
            "breakdown": _list(
                {"type": ["string", "number", "boolean", "null"]}, 0, parse_scope._MAX_BREAKDOWNS
            ),
            "series": _whole(0, 25) | {"default": 0},
            "bucket": _text("A label of the result's buckets."),
            "step": _whole(1, 100) | {"default": 1},
            "state": _enum(["converted", "dropped"], "converted"),
            "bin": _whole(0, 1000),
            "cohort": _text("The start of a cohort of the result."),
            "period": _whole(0, 1000) | {"default": 0},
            "edge": _list({"type": "string"}, 2, 2),
            "node": _text("A node of the result."),
            "as": _enum(["users", "units"], "units"),
            "limit": _limit(),
            "offset": _offset(),
        },
        [],
    )


def _predicates() -> dict[str, Schema]:
    scalar = {"type": ["string", "number", "boolean"]}
    return {
        "predicate": {
            "oneOf": [
                _ref("comparison"),
                _object({"all": {"type": "array", "items": _ref("predicate")}}, ["all"]),
                _object({"any": {"type": "array", "items": _ref("predicate")}}, ["any"]),
                _object({"not": _ref("predicate")}, ["not"]),
            ]
        },
        "comparison": _object(
            {
                "property": _ref("property"),
                "op": _enum(OPERATORS, None),
                "value": {"oneOf": [scalar, {"type": "array", "items": scalar}, _ref("duration")]},
            },
            ["property", "op"],
        ),
    }


def _kind(name: str, what: str, own: Schema, required: list[str]) -> Schema:
    return _object({"kind": {"const": name}} | own | _scope(), ["kind", *required]) | {"description": what}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _enum(words: Any, default: str | None) -> Schema:
    return {"enum": list(words)} | ({"default": default} if default else {})


def _list(items: Schema, low: int, high: int) -> Schema:
    return {"type": "array", "items": items, "minItems": low, "maxItems": high}


def _whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _text(what: str) -> Schema:
    return {"type": "string", "minLength": 1, "description": what}


def _flag(what: str, default: bool = False) -> Schema:
    return {"type": "boolean", "default": default, "description": what}


if __name__ == "__main__":
    main()
