"""Queries from JSON documents: every fault names the field, its value and what was allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, cast, get_args

from xingji.model.document import Fields, Reader, load_document
from xingji.model.errors import CallerError, shown
from xingji.model.formula import parse_formula
from xingji.model.parse_funnel import read_around_funnel, read_funnel
from xingji.model.parse_predicate import read_property
from xingji.model.parse_scope import read_scope, read_selector
from xingji.model.query import (
    EventSelector,
    Interval,
    Measure,
    Paths,
    Period,
    Query,
    Retention,
    Scope,
    Series,
    Statistic,
    Trend,
)

KINDS = ("trend", "funnel", "retention", "paths")
_SHORT_NUMBER = re.compile("[0-9]{1,4}")
_MAX_SERIES = 26
_MAX_PERIODS = 400
_MAX_LABEL_GROUPS = 1_000


def parse_query(document: object, default_timezone: str = "UTC") -> Query:
    """The query of a JSON document (an object, or its text); raises CallerError naming the field that is
    wrong."""
    if isinstance(document, str | bytes):
        document = load_document(document)
    fields = Reader(document).object('a query such as {"kind": "funnel", …}')
    kind = fields.need("kind", lambda r: r.one_of(*KINDS))
    scope = read_scope(fields, default_timezone, kind)
    if scope.range_applies_to == "entry" and kind in ("trend", "paths"):
        raise CallerError(f"range_applies_to cannot be entry for a {kind}: it has no entries")
    query = _READERS[kind](fields, scope)
    fields.close()
    return query


def _read_trend(fields: Fields, scope: Scope) -> Trend:
    series = fields.need("series", _read_series)
    interval = cast(Interval, fields.get("interval", lambda r: r.one_of(*get_args(Interval)), "day"))
    rolling = fields.get("window", _rolling_days, None)
    cumulative = fields.get("cumulative", Reader.flag, False)
    if rolling and cumulative:
        raise CallerError("window and cumulative cannot be given together: a total that runs has no window")
    if (rolling or cumulative) and any(one.measure.kind not in ("users", "events") for one in series):
        raise CallerError("window and cumulative apply to the measures users and events only")
    if rolling and interval != "day":
        raise CallerError(
            f"window rolls from day to day; interval is {shown(interval)}; allowed with it: day"
        )
    formula = fields.get("formula", Reader.text, None)
    if formula is not None:
        parse_formula(formula, len(series))
    compare = fields.get("compare", lambda r: r.one_of("previous_period"), None)
    if compare and (scope.date_from is None or scope.date_to is None):
        raise CallerError("compare needs date_from and date_to: a range without ends has no previous period")
    if scope.count_by.kind == "session" and any(one.measure.kind == "sessions" for one in series):
        raise CallerError('measure "sessions" and count_by "session" are the same figure; give one of them')
    return Trend(scope, series, interval, formula, compare, rolling, cumulative)


def _rolling_days(reader: Reader) -> int:
    text = reader.text("rolling_<days>d, such as rolling_7d")
    days = text.removeprefix("rolling_").removesuffix("d")
    if text != f"rolling_{days}d" or not _SHORT_NUMBER.fullmatch(days) or not 2 <= int(days) <= 400:
        reader.fail("rolling_<days>d with 2 to 400 days, such as rolling_7d")
    return int(days)


def _read_series(reader: Reader) -> tuple[Series, ...]:
    found = []
    for item in reader.items("a list of series", 1, _MAX_SERIES):
        selector = read_selector(item, "measure")
        measure = item.object().get("measure", _measure, Measure("events"))
        found.append(Series(selector, measure, selector.name))
    return tuple(found)


def _measure(reader: Reader) -> Measure:
    counts = ("events", "users", "events_per_user", "sessions")
    statistics = get_args(Statistic)
    allowed = f'{" | ".join(counts)} or {{"{"|".join(statistics)}": "event.…"}}'
    if isinstance(reader.value, str):
        return Measure(cast(Statistic, reader.one_of(*counts)))
    if (
        not isinstance(reader.value, dict)
        or len(reader.value) != 1
        or next(iter(reader.value)) not in statistics
    ):
        reader.fail(allowed)
    statistic = next(iter(reader.value))
    return Measure(cast(Statistic, statistic), reader.object().need(statistic, read_property))


def _read_retention(fields: Fields, scope: Scope) -> Retention:
    start = fields.need("start", read_selector)
    periods = fields.get("periods", lambda r: r.integer(1, _MAX_PERIODS), 7)
    bracket = fields.at("bracket")
    clock = fields.get("clock", lambda r: r.one_of("calendar", "24h"), "calendar")
    brackets = _brackets(bracket) if isinstance(bracket.value, list) else None
    rolling = brackets is None and fields.get("bracket", _bracket_word, "exact") == "on_or_after"
    return Retention(
        scope,
        start,
        fields.get("return", read_selector, EventSelector(start.events, start.filter, name=start.name)),
        fields.get("type", lambda r: r.one_of("recurring", "first_time", "first_ever"), "recurring"),
        cast(Period, fields.get("period", lambda r: r.one_of(*get_args(Period)), "day")),
        max((last for _, last in brackets), default=periods) if brackets else periods,
        cast(Literal["calendar", "24h"], clock),
        rolling,
        brackets,
        fields.get("minimum_occurrences", lambda r: r.integer(1, 1_000_000), 1),
    )


def _bracket_word(reader: Reader) -> str:
    if not isinstance(reader.value, str) or reader.value not in ("exact", "on_or_after"):
        reader.fail("exact | on_or_after | a list such as [[1,3],[4,7],[8,30]]")
    return reader.value


def _brackets(reader: Reader) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for item in reader.items("a list such as [[1,3],[4,7],[8,30]]", 1, 100):
        low, high = (bound.integer(1, _MAX_PERIODS) for bound in item.items("[first, last]", 2, 2))
        if high < low or (found and low <= found[-1][1]):
            item.fail("[first, last] periods, rising, that do not overlap the bracket before")
        found.append((low, high))
    return tuple(found)


def _read_paths(fields: Fields, scope: Scope) -> Paths:
    edges = (fields.get("min_edge", _count, 1), fields.get("max_edge", _count, None))
    if edges[1] is not None and edges[1] < edges[0]:
        fields.at("max_edge").fail(f"a whole number of at least min_edge ({edges[0]})")
    if scope.breakdown:
        raise CallerError("breakdown cannot be given for paths: filter by the value instead")
    return Paths(
        scope,
        start=fields.get("start", read_selector, None),
        end=fields.get("end", read_selector, None),
        max_steps=fields.get("max_steps", lambda r: r.integer(2, 100), 5),
        gap_us=_gap_us(fields),
        include=fields.get("include", _selectors, ()),
        exclude=fields.get("exclude", _selectors, ()),
        groups=fields.get("group", _label_groups, ()),
        label=fields.get("label", read_property, None),
        collapse_repeats=fields.get("collapse_repeats", Reader.flag, True),
        min_edge=edges[0],
        max_edge=edges[1],
        edge_limit=fields.get("edge_limit", lambda r: r.integer(1, 10_000), 50),
        around_funnel=fields.get("around_funnel", lambda r: read_around_funnel(r, scope), None),
        view=fields.get("view", lambda r: r.one_of("steps", "transitions"), "steps"),
        mean_seconds=fields.get("mean_seconds", Reader.flag, True),
    )


def _count(reader: Reader) -> int:
    return reader.integer(1, 2**53)


def _gap_us(fields: Fields) -> int | None:
    """Minutes of pause that end a session; a null, unlike an absent field, means that none does."""
    if fields.has("session_gap_minutes"):
        return fields.at("session_gap_minutes").integer(1, 7 * 24 * 60) * 60_000_000
    return None if fields.given("session_gap_minutes") else 30 * 60_000_000


def _selectors(reader: Reader) -> tuple[EventSelector, ...]:
    found = []
    for item in reader.items("a list of events or selectors"):
        document = {"event": item.value} if isinstance(item.value, str) else item.value
        found.append(read_selector(Reader(document, item.path, item.depth)))
    return tuple(found)


def _label_groups(reader: Reader) -> tuple[tuple[str, str], ...]:
    if not isinstance(reader.value, dict) or not 0 < len(reader.value) <= _MAX_LABEL_GROUPS:
        reader.fail('an object of patterns and labels such as {"*/loan/*": "loan pages"}')
    found = []
    for pattern, label in reader.value.items():
        path = f"{reader.path}[{shown(pattern)}]"
        glob = Reader(pattern, path, reader.depth).text("a pattern that is not empty")
        found.append((glob, Reader(label, path, reader.depth).text("a label that is not empty")))
    return tuple(found)


_READERS: dict[str, Callable[[Fields, Scope], Query]] = {
    "trend": _read_trend,
    "funnel": read_funnel,
    "retention": _read_retention,
    "paths": _read_paths,
}
