"""Bad queries: each refused with one sentence that names the place, the value and what was allowed."""

from __future__ import annotations

import pytest

from tests.unit.model.documents import A, B, Document, nested, with_fields
from xingji.model.errors import CallerError
from xingji.model.parse import parse_query

C = {"event": "c"}
X = {"event": "x"}

COMMON: list[tuple[str, Document, list[str]]] = [
    ("no kind", {"series": [A]}, ["lacks the field", '"kind"']),
    ("unknown kind", {"kind": "funel"}, ["kind", '"funel"', "trend | funnel | retention | paths"]),
    ("unknown field", with_fields("funnel", windw=None), ["windw", "the nearest: window"]),
    (
        "unknown field below",
        with_fields("funnel", steps=[{"event": "a", "fliter": {}}]),
        ["steps[0].fliter", "filter"],
    ),
    (
        "day that is none",
        with_fields("paths", date_from="2026-02-30"),
        ["date_from", "2026-02-30", "a day such as"],
    ),
    ("day in words", with_fields("paths", date_from="yesterday"), ["date_from", "yesterday", "2026-01-05"]),
    ("day as a number", with_fields("paths", date_from=20260105), ["date_from is 20260105", "a day such as"]),
    (
        "range upside down",
        with_fields("paths", date_from="2026-02-01", date_to="2026-01-01"),
        ["date_to", "date_from"],
    ),
    ("year 1", with_fields("paths", date_from="0001-01-01T00:00:00Z"), ["date_from", "0001", "1000 to 8999"]),
    ("year 9999", with_fields("paths", date_to="9999-12-31"), ["date_to", "9999-12-31", "1000 to 8999"]),
    ("as_of a day", with_fields("paths", as_of="soon"), ["as_of", '"soon"', "an instant such as"]),
    (
        "timezone",
        with_fields("paths", timezone="Asia/Shanghia"),
        ["timezone", "Asia/Shanghia", "Asia/Shanghai"],
    ),
    (
        "timezone is a path",
        with_fields("paths", timezone="../../etc/passwd"),
        ["timezone", "../../etc/passwd"],
    ),
    (
        "week start",
        with_fields("paths", week_start="friday"),
        ["week_start", '"friday"', "monday | sunday | saturday"],
    ),
    (
        "breakdown limit 0",
        with_fields("trend", breakdown_limit=0),
        ["breakdown_limit is 0", "from 1 to 10000"],
    ),
    (
        "breakdown of four",
        with_fields("trend", breakdown=["event.a"] * 4),
        ["breakdown has 4 items", "0 to 3"],
    ),
    (
        "breakdown of no owner",
        with_fields("trend", breakdown=["channel"]),
        ["breakdown[0]", "channel", "event.channel"],
    ),
    ("breakdown of a path", with_fields("paths", breakdown=["event.k"]), ["breakdown", "paths"]),
    ("count_by a word", with_fields("funnel", count_by="device"), ["count_by", '"device"', "user | session"]),
    (
        "count_by a user's",
        with_fields("funnel", count_by={"property": "user.x"}),
        ["count_by.property", "user.x"],
    ),
    ("segment by name", with_fields("funnel", segment="seg_1"), ["segment", '"seg_1"', "users"]),
    (
        "segment of numbers",
        with_fields("funnel", segment={"users": [1]}),
        ["segment.users[0] is 1", "a text"],
    ),
    (
        "true for a number",
        with_fields("funnel", breakdown_limit=True),
        ["breakdown_limit is true", "a whole number"],
    ),
    ("half a character", with_fields("funnel", steps=[{"event": "\ud800"}]), ["steps[0].event", "surrogate"]),
    ("nested deeply", with_fields("trend", filter=nested(100)), ["nested too deeply", "64"]),
    ("entry of a trend", with_fields("trend", range_applies_to="entry"), ["range_applies_to", "trend"]),
    ("users_of a step 0", with_fields("funnel", users_of={"step": 0}), ["users_of.step is 0", "from 1"]),
    ("users_of in words", with_fields("funnel", users_of="all"), ["users_of", '"all"', "place of a number"]),
    (
        "users_of a step of a trend",
        with_fields("trend", users_of={"step": 2}),
        ["users_of.step", "breakdown, bucket, series"],
    ),
    (
        "users_of a cohort of a funnel",
        with_fields("funnel", users_of={"cohort": "2026-01-05"}),
        ["users_of.cohort", "bin, breakdown, bucket, state, step"],
    ),
    (
        "users_of a bucket of a retention",
        with_fields("retention", users_of={"bucket": "2026-01-05"}),
        ["users_of.bucket", "breakdown, cohort, period"],
    ),
    (
        "users_of a group of paths",
        with_fields("paths", users_of={"node": "1_a", "breakdown": ["x"]}),
        ["users_of.breakdown", "edge, node"],
    ),
]

PREDICATES: list[tuple[str, Document, list[str]]] = [
    ("no operator", {"property": "event.k"}, ["filter lacks the field", '"op"']),
    (
        "unknown operator",
        {"property": "event.k", "op": "like", "value": "x"},
        ["filter.op", '"like"', "contains"],
    ),
    (
        "no value",
        {"property": "event.k", "op": "="},
        ["filter.value is null", "a text, a number, true or false"],
    ),
    (
        "value of is_set",
        {"property": "event.k", "op": "is_set", "value": 1},
        ["filter.value is 1", "nothing"],
    ),
    (
        "in a scalar",
        {"property": "event.k", "op": "in", "value": "x"},
        ["filter.value", '"x"', "a list of values"],
    ),
    (
        "in nothing",
        {"property": "event.k", "op": "in", "value": []},
        ["filter.value has 0 items", "1 to 100000"],
    ),
    (
        "between one",
        {"property": "event.k", "op": "between", "value": [1]},
        ["filter.value has 1 items", "2 to 2"],
    ),
    ("below true", {"property": "event.k", "op": "<", "value": True}, ["filter.value is true", "a number"]),
    (
        "= a list",
        {"property": "event.k", "op": "=", "value": [1]},
        ["filter.value is [1]", "a text, a number"],
    ),
    (
        "regex unfinished",
        {"property": "event.k", "op": "regex", "value": "(a"},
        ["filter.value", "(a", "RE2"],
    ),
    (
        "regex looks back",
        {"property": "event.k", "op": "regex", "value": r"(a)\1"},
        ["filter.value", "back-references"],
    ),
    (
        "regex explodes",
        {"property": "event.k", "op": "regex", "value": "((a{1,100}){1,100}){1,100}"},
        ["filter.value", "of moderate size"],
    ),
    (
        "in_last nothing",
        {"property": "event.k", "op": "in_last", "value": 7},
        ["filter.value is 7", "a length such as"],
    ),
    (
        "before a word",
        {"property": "event.k", "op": "before", "value": "noon"},
        ["filter.value", '"noon"', "an instant"],
    ),
    ("two at once", {"all": [], "any": []}, ["filter.any", "unknown field"]),
    ("term of all", {"all": [{"property": "event.k"}]}, ["filter.all[0]", '"op"']),
    ("not a predicate", {"not": []}, ["filter.not is []", "a predicate"]),
]

FUNNELS: list[tuple[str, Document, list[str]]] = [
    ("no steps", with_fields("funnel", steps=[]), ["steps has 0 items", "1 to 30"]),
    ("10,000 steps", with_fields("funnel", steps=[A] * 10_000), ["steps has 10000 items", "1 to 30"]),
    ("a step as a name", with_fields("funnel", steps=["a"]), ["steps[0]", '"a"', "a selector such as"]),
    ("a step of no events", with_fields("funnel", steps=[{"event": []}]), ["steps[0].event has 0 items"]),
    (
        "window of zero",
        with_fields("funnel", window={"value": 0, "unit": "day"}),
        ["window.value is 0", "from 1"],
    ),
    (
        "window of a fraction",
        with_fields("funnel", window={"value": 1.5, "unit": "day"}),
        ["window.value is 1.5", "whole"],
    ),
    (
        "window of years",
        with_fields("funnel", window={"value": 1, "unit": "year"}),
        ["window.unit", '"year"', "month"],
    ),
    (
        "two sessions",
        with_fields("funnel", window={"value": 2, "unit": "session"}),
        ["window", "a session as"],
    ),
    ("window in words", with_fields("funnel", window="7d"), ["window", '"7d"', "a length such as"]),
    (
        "exclusion before the steps",
        with_fields("funnel", exclusions=[{**X, "from_step": 0}]),
        ["exclusions[0].from_step is 0", "1 to 1"],
    ),
    (
        "exclusion beyond the steps",
        with_fields("funnel", exclusions=[{**X, "to_step": 3}]),
        ["exclusions[0].to_step is 3", "2 to 2"],
    ),
    (
        "exclusion upside down",
        with_fields("funnel", steps=[A, B, C], exclusions=[{**X, "from_step": 2, "to_step": 2}]),
        ["exclusions[0].to_step is 2", "after from_step (2)"],
    ),
    (
        "exclusion at an optional step",
        with_fields("funnel", steps=[A, {**B, "optional": True}, C], exclusions=[{**X, "to_step": 2}]),
        ["exclusions[0].to_step is 2", "optional"],
    ),
    (
        "exclusion of a first time",
        with_fields("funnel", exclusions=[{**X, "first_time": True}]),
        ["exclusions[0].first_time"],
    ),
    (
        "first step optional",
        with_fields("funnel", steps=[{**A, "optional": True}, B]),
        ["steps[0].optional", "first step"],
    ),
    (
        "any with optional",
        with_fields("funnel", order="any", steps=[A, {**B, "optional": True}]),
        ["optional", "order any"],
    ),
    (
        "any with step:1",
        with_fields("funnel", order="any", breakdown=["event.k"], attribution="step:1"),
        ["step:N", "order any"],
    ),
    (
        "any with half an exclusion",
        with_fields("funnel", order="any", steps=[A, B, C], exclusions=[{**X, "to_step": 2}]),
        ["exclusions", "from the first step to the last"],
    ),
    (
        "strict with exclusions",
        with_fields("funnel", order="strict", exclusions=[X]),
        ["exclusions", "order strict"],
    ),
    (
        "strict with optional",
        with_fields("funnel", order="strict", steps=[A, {**B, "optional": True}]),
        ["optional", "order strict"],
    ),
    (
        "order unordered",
        with_fields("funnel", order="unordered"),
        ["order", '"unordered"', "ordered | any | strict"],
    ),
    (
        "attribution of no step",
        with_fields("funnel", breakdown=["event.k"], attribution="step:3"),
        ["attribution", '"step:3"', "1 to 2"],
    ),
    (
        "attribution of no breakdown",
        with_fields("funnel", attribution="step:1"),
        ["attribution", "need a breakdown"],
    ),
    (
        "hold four",
        with_fields("funnel", hold_constant=["event.k"] * 4),
        ["hold_constant has 4 items", "0 to 3"],
    ),
    ("bins that fall", with_fields("funnel", bins=[10, 5]), ["bins is [10, 5]", "each larger"]),
    ("no bins", with_fields("funnel", bins=0), ["bins is 0", "from 1 to 200"]),
    ("a view of pictures", with_fields("funnel", view="pie"), ["view", '"pie"', "time_to_convert"]),
    ("users of step 3", with_fields("funnel", view="users", step=3), ["step is 3", "from 1 to 2"]),
    ("users of users", with_fields("funnel", view="users", users_of={"step": 2}), ["users_of", "view users"]),
    ("a page of steps", with_fields("funnel", offset=1000), ["offset", "view steps"]),
    ("a page of nothing", with_fields("funnel", view="users", limit=0), ["limit is 0", "from 1 to 1000000"]),
]

OTHERS: list[tuple[str, Document, list[str]]] = [
    ("no series", with_fields("trend", series=[]), ["series has 0 items", "1 to 26"]),
    ("interval of years", with_fields("trend", interval="year"), ["interval", '"year"', "quarter"]),
    (
        "unknown measure",
        with_fields("trend", series=[{**A, "measure": "people"}]),
        ["series[0].measure", '"people"', "events | users"],
    ),
    (
        "unknown statistic",
        with_fields("trend", series=[{**A, "measure": {"mode": "event.n"}}]),
        ["series[0].measure", "median"],
    ),
    (
        "statistic of nothing",
        with_fields("trend", series=[{**A, "measure": {"sum": "n"}}]),
        ["series[0].measure.sum", '"n"', "event.channel"],
    ),
    (
        "rolling by one day",
        with_fields("trend", window="rolling_1d"),
        ["window", "rolling_1d", "2 to 400 days"],
    ),
    (
        "rolling by many digits",
        with_fields("trend", window=f"rolling_{'9' * 5000}d"),
        ["window", "rolling_99", "2 to 400"],
    ),
    (
        "rolling by weeks",
        with_fields("trend", window="rolling_7d", interval="week"),
        ["window", "interval", '"week"', "day"],
    ),
    (
        "rolling and running",
        with_fields("trend", window="rolling_7d", cumulative=True),
        ["window", "cumulative"],
    ),
    (
        "running sum",
        with_fields("trend", series=[{**A, "measure": {"sum": "event.n"}}], cumulative=True),
        ["cumulative", "users and events"],
    ),
    (
        "compare without a range",
        with_fields("trend", compare="previous_period", date_from="2026-01-01"),
        ["compare", "date_to"],
    ),
    (
        "sessions of sessions",
        with_fields("trend", count_by="session", series=[{**A, "measure": "sessions"}]),
        ["sessions", "count_by"],
    ),
    ("no start", {"kind": "retention"}, ["lacks the field", '"start"']),
    (
        "period of minutes",
        with_fields("retention", period="minute"),
        ["period", '"minute"', "hour | day | week | month"],
    ),
    ("401 periods", with_fields("retention", periods=401), ["periods is 401", "from 1 to 400"]),
    (
        "brackets that overlap",
        with_fields("retention", bracket=[[1, 3], [3, 4]]),
        ["bracket[1]", "[3, 4]", "do not overlap"],
    ),
    ("bracket upside down", with_fields("retention", bracket=[[3, 1]]), ["bracket[0]", "[3, 1]"]),
    ("bracket of period 0", with_fields("retention", bracket=[[0, 1]]), ["bracket[0][0] is 0", "from 1"]),
    (
        "bracket in words",
        with_fields("retention", bracket="rolling"),
        ["bracket", '"rolling"', "exact | on_or_after"],
    ),
    (
        "no occurrence",
        with_fields("retention", minimum_occurrences=0),
        ["minimum_occurrences is 0", "from 1"],
    ),
    ("one step", with_fields("paths", max_steps=1), ["max_steps is 1", "from 2 to 100"]),
    ("pause of nothing", with_fields("paths", session_gap_minutes=0), ["session_gap_minutes is 0", "from 1"]),
    (
        "edges upside down",
        with_fields("paths", min_edge=5, max_edge=4),
        ["max_edge is 4", "at least min_edge (5)"],
    ),
    ("group to a number", with_fields("paths", group={"*": 1}), ['group["*"] is 1', "a label"]),
    ("label of no owner", with_fields("paths", label="path"), ["label", '"path"', "event.channel"]),
    ("around no steps", with_fields("paths", around_funnel={"step": 1}), ["around_funnel lacks", '"steps"']),
    (
        "between nothing",
        with_fields("paths", around_funnel={"steps": [A, B], "position": "between"}),
        ["around_funnel.step is 1", "between"],
    ),
    (
        "between and dropped",
        with_fields(
            "paths", around_funnel={"steps": [A, B], "position": "between", "step": 2, "state": "dropped"}
        ),
        ["around_funnel.state is dropped", "converted"],
    ),
    (
        "around an unknown field",
        with_fields("paths", around_funnel={"steps": [A], "positon": "after"}),
        ["around_funnel.positon", "position"],
    ),
]


def cases(table: list[tuple[str, Document, list[str]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("document", "said"), [row[1:] for row in table], ids=[row[0].replace(" ", "-") for row in table]
    )


def refusal(document: object) -> str:
    with pytest.raises(CallerError) as caught:
        parse_query(document)
    return str(caught.value)


def check(document: object, said: list[str]) -> None:
    message = refusal(document)
    assert [part for part in said if part not in message] == [], message
    assert "\n" not in message
    assert len(message) < 600


@cases([*COMMON, *FUNNELS, *OTHERS])
def test_bad_query(document: Document, said: list[str]) -> None:
    check(document, said)


@cases(PREDICATES)
def test_bad_predicate(document: Document, said: list[str]) -> None:
    check(with_fields("trend", filter=document), said)


@pytest.mark.parametrize("document", [None, 7, [], "[]", "null", b"1"], ids=repr)
def test_what_is_no_object(document: object) -> None:
    assert "allowed: a query such as" in refusal(document)


TEXTS: list[tuple[str, str | bytes, list[str]]] = [
    ("broken", '{"kind": "paths",', ["not JSON", "line 1, column 18"]),
    ("nan", '{"kind": "paths", "max_steps": NaN}', ["NaN", "JSON does not know"]),
    ("infinity", '{"kind": "paths", "max_steps": -Infinity}', ["-Infinity"]),
    ("named twice", '{"kind": "paths", "kind": "trend"}', ['"kind" twice']),
    ("twice below", '{"kind": "paths", "start": {"event": "a", "event": "b"}}', ['"event" twice']),
    ("not UTF-8", b'{"kind": "p\xff"}', ["not UTF-8", "byte 11"]),
    ("100,000 levels", "[" * 100_000, ["nested too deeply", "64"]),
    ("a number of 5,000 digits", '{"kind": ' + "9" * 5_000 + "}", ["cannot be read"]),
]


@pytest.mark.parametrize(
    ("text", "said"), [row[1:] for row in TEXTS], ids=[row[0].replace(" ", "-") for row in TEXTS]
)
def test_bad_text(text: str | bytes, said: list[str]) -> None:
    check(text, said)
