"""Good queries: what a document comes to, with its defaults."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.dice import DrawnDice
from tests.reference.random_queries import KINDS
from tests.unit.model.documents import A, B, nested, spoilt, with_fields
from xingji.model.errors import CallerError
from xingji.model.parse import parse_query
from xingji.model.predicate import AllOf, AnyOf, Comparison, Not, PropertyRef, properties_of
from xingji.model.query import (
    DAY_US,
    Attribution,
    CountBy,
    Exclusion,
    Funnel,
    Measure,
    Paths,
    Retention,
    Scope,
    Trend,
    Window,
)

K = PropertyRef("event", "k")
NOT_GIVEN = object()


def funnel(**fields: object) -> Funnel:
    query = parse_query(with_fields("funnel", **fields))
    assert isinstance(query, Funnel)
    return query


def retention(**fields: object) -> Retention:
    query = parse_query(with_fields("retention", **fields))
    assert isinstance(query, Retention)
    return query


def paths(**fields: object) -> Paths:
    query = parse_query(with_fields("paths", **fields))
    assert isinstance(query, Paths)
    return query


def trend(**fields: object) -> Trend:
    query = parse_query(with_fields("trend", **fields))
    assert isinstance(query, Trend)
    return query


def test_defaults_of_the_scope() -> None:
    assert paths().scope == Scope()
    assert parse_query({"kind": "paths"}, "Asia/Shanghai").scope.timezone == "Asia/Shanghai"


def test_ranges_of_days_and_of_instants() -> None:
    scope = paths(date_from="2026-01-01", date_to="2026-01-31T08:00:00+08:00").scope
    assert (scope.date_from, scope.date_to) == (dt.date(2026, 1, 1), dt.datetime(2026, 1, 31, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("given_window", "window"),
    [
        (NOT_GIVEN, Window(14 * DAY_US)),
        (None, Window(None)),
        ({"value": 1, "unit": "session"}, Window(None, session=True)),
        ({"value": 2, "unit": "month"}, Window(60 * DAY_US)),
        ({"value": Decimal("7.0"), "unit": "day"}, Window(7 * DAY_US)),
        ({"value": 1, "unit": "second"}, Window(1_000_000)),
    ],
    ids=["default", "none", "session", "months", "a whole fraction", "second"],
)
def test_window_of_a_funnel(given_window: object, window: Window) -> None:
    fields = {} if given_window is NOT_GIVEN else {"window": given_window}
    assert funnel(**fields).window == window


def test_exclusions_span_the_funnel_unless_told() -> None:
    query = funnel(steps=[A, B, A], exclusions=[{"event": "x"}, {"event": "x", "from_step": 2, "to_step": 3}])
    assert [(one.from_step, one.to_step) for one in query.exclusions] == [(1, 3), (2, 3)]
    assert isinstance(query.exclusions[0], Exclusion)


@pytest.mark.parametrize(
    ("text", "attribution"),
    [
        ("first_touch", Attribution("first_touch")),
        ("last_touch", Attribution("last_touch")),
        ("all_steps", Attribution("all_steps")),
        ("step:2", Attribution("step", 2)),
    ],
    ids=str,
)
def test_attribution(text: str, attribution: Attribution) -> None:
    assert funnel(breakdown=["event.k"], attribution=text).attribution == attribution


def test_names_of_steps() -> None:
    steps = funnel(steps=[A, {"event": ["a", "b"]}, {"event": "*"}, {"event": "a", "name": "again"}]).steps
    assert [step.name for step in steps] == ["a", "a | b", "*", "again"]
    assert [step.selector.events for step in steps] == [("a",), ("a", "b"), None, ("a",)]


@pytest.mark.parametrize(
    ("count_by", "expected"),
    [
        ("user", CountBy()),
        ("session", CountBy("session")),
        ({"property": "event.k"}, CountBy("property", K)),
    ],
    ids=["user", "session", "property"],
)
def test_units(count_by: object, expected: CountBy) -> None:
    assert funnel(count_by=count_by).scope.count_by == expected


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("event.$app_version", PropertyRef("event", "$app_version")),
        ("event.a.b", PropertyRef("event", "a.b")),
        ("user.city", PropertyRef("user", "city")),
        ("user.city@event", PropertyRef("user", "city", at_event=True)),
        ("event.x@event", PropertyRef("event", "x@event")),
        ("tag.level", PropertyRef("tag", "level")),
    ],
    ids=str,
)
def test_names_of_properties(text: str, ref: PropertyRef) -> None:
    assert trend(breakdown=[text]).scope.breakdown == (ref,)
    assert str(ref) == text


@pytest.mark.parametrize(
    ("document", "predicate"),
    [
        ({"property": "event.k", "op": "=", "value": "x"}, Comparison(K, "=", "x")),
        ({"property": "event.k", "op": "=", "value": True}, Comparison(K, "=", True)),
        ({"property": "event.k", "op": "in", "value": [1, "x"]}, Comparison(K, "in", (1, "x"))),
        ({"property": "event.k", "op": "between", "value": [1, 2]}, Comparison(K, "between", (1, 2))),
        ({"property": "event.k", "op": "is_set"}, Comparison(K, "is_set")),
        ({"property": "event.k", "op": "after", "value": "1970-01-02"}, Comparison(K, "after", DAY_US)),
        (
            {"property": "event.k", "op": "in_last", "value": {"value": 7, "unit": "day"}},
            Comparison(K, "in_last", 7 * DAY_US),
        ),
        ({"all": []}, AllOf(())),
        ({"any": [{"not": {"all": []}}]}, AnyOf((Not(AllOf(())),))),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_predicates(document: dict[str, Any], predicate: object) -> None:
    assert trend(filter=document).scope.filter == predicate


def test_fractions_stay_exact() -> None:
    text = '{"kind": "paths", "filter": {"property": "event.k", "op": "=", "value": 0.1}}'
    predicate = parse_query(text).scope.filter
    assert isinstance(predicate, Comparison)
    assert predicate.operand == Decimal("0.1")


def test_depth_that_is_still_read() -> None:
    assert list(properties_of(trend(filter=nested(60)).scope.filter)) == [K]


def test_what_comes_back_defaults_to_what_began() -> None:
    assert retention(start={"event": "a", "first_time": True}).returning == retention().start
    assert retention(**{"return": B}).returning.events == ("b",)


@pytest.mark.parametrize(
    ("bracket", "rolling", "brackets", "periods"),
    [
        ("exact", False, None, 7),
        ("on_or_after", True, None, 7),
        ([[1, 3], [4, 30]], False, ((1, 3), (4, 30)), 30),
    ],
    ids=["exact", "on_or_after", "list"],
)
def test_brackets(bracket: object, rolling: bool, brackets: object, periods: int) -> None:
    query = retention(bracket=bracket)
    assert (query.rolling, query.brackets, query.periods) == (rolling, brackets, periods)


def test_pause_of_a_session() -> None:
    assert [paths().gap_us, paths(session_gap_minutes=1).gap_us] == [1_800_000_000, 60_000_000]
    assert paths(session_gap_minutes=None).gap_us is None


def test_labels_in_the_order_in_which_they_are_tried() -> None:
    assert paths(group={"b*": "b", "*": "rest"}).groups == (("b*", "b"), ("*", "rest"))


def test_events_of_paths_by_name_or_selector() -> None:
    assert [one.events for one in paths(include=["a", {"event": ["b", "c"]}]).include] == [("a",), ("b", "c")]


def test_around_funnel_shares_the_scope() -> None:
    query = paths(
        timezone="Asia/Shanghai", users_of={"node": "1_a"}, around_funnel={"steps": [A, B], "step": 2}
    )
    assert query.around_funnel is not None
    assert query.around_funnel.funnel.scope.timezone == "Asia/Shanghai"
    assert query.around_funnel.funnel.scope.users_of is None


def test_measures() -> None:
    measures = [{"event": "a", "measure": {"p95": "event.k"}}, {"event": "a", "measure": "users"}, A]
    assert [one.measure for one in trend(series=measures).series] == [
        Measure("p95", K),
        Measure("users"),
        Measure("events"),
    ]


def test_rolling_days() -> None:
    assert trend(window="rolling_30d").rolling_days == 30


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_spoilt_query_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Whatever stands where, nothing but a refusal of ours comes out."""
    dice = DrawnDice(data.draw)
    message = refusal_of(spoilt(KINDS[kind](dice, 1_770_000_000_000_000), dice))
    assert message is None or 0 < len(message) < 1_000


def refusal_of(document: object) -> str | None:
    try:
        parse_query(document)
    except CallerError as refused:
        return str(refused)
    return None
