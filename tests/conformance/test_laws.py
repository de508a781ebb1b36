"""Laws that answers obey whatever the log: how they may change when the question, or the log, does."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conformance.answers import by_engine
from tests.conformance.scattered import scattered
from tests.conformance.test_agreement import known_names, names_in
from tests.reference.dice import Dice, DrawnDice
from tests.reference.log import Event
from tests.reference.random_logs import RandomLog, make_log
from tests.reference.random_queries import KINDS
from tests.reference.values import canonical
from xingji.analysis.engine import run_query
from xingji.model.parse import parse_query

Document = dict[str, Any]

law = settings(max_examples=40, suppress_health_check=list(HealthCheck))
every_kind = pytest.mark.parametrize("kind", KINDS)


class Question:
    """A random query on a random log, which can be put in other words."""

    def __init__(self, dice: Dice, kind: str, **fixed: object) -> None:
        self.dice = dice
        self.log: RandomLog = make_log(dice, n_users=4, n_events=8)
        drawn = KINDS[kind](dice, self.log.anchor_us)
        self.document: Document = {name: v for name, v in (drawn | fixed).items() if v is not ...}
        assume(set(names_in(self.document)) <= known_names(self.log))

    def answer(self, n_buckets: int = 2, **changes: object) -> Any:
        document = {name: v for name, v in (self.document | changes).items() if v is not ...}
        return by_engine(document, self.log.events, self.log.users, n_buckets)

    def same(self, **changes: object) -> bool:
        return bool(canonical(self.answer(**changes)) == canonical(self.answer()))


def question(data: st.DataObject, kind: str, **fixed: object) -> Question:
    """A question with some fields fixed; `...` leaves a field out."""
    return Question(DrawnDice(data.draw), kind, **fixed)


PLAIN: dict[str, object] = {"breakdown": ..., "breakdown_limit": ..., "attribution": ...}
STEPS: dict[str, object] = {
    "view": "steps", "interval": ..., "bins": ..., "step": ..., "state": ..., "limit": ..., "offset": ...,
}  # fmt: skip


def counts(result: Document, group: int = 0) -> list[int]:
    """How many units reach each step."""
    return [step["count"] for step in result["groups"][group]["steps"]]


def not_below(larger: list[int], smaller: list[int]) -> bool:
    return all(a >= b for a, b in zip(larger, smaller, strict=True))


def falling(values: list[int]) -> bool:
    return values == sorted(values, reverse=True)


# -- the log in other pieces --


@every_kind
@law
@given(data=st.data())
def test_buckets_change_nothing(kind: str, data: st.DataObject) -> None:
    asked = question(data, kind)
    one = canonical(asked.answer(n_buckets=1))
    assert canonical(asked.answer(n_buckets=3)) == one
    assert canonical(asked.answer(n_buckets=7)) == one


@every_kind
@law
@given(data=st.data())
def test_pieces_change_nothing(kind: str, data: st.DataObject) -> None:
    asked = question(data, kind)
    pieces = scattered(asked.log.events, asked.log.users, 2)
    result = run_query(parse_query(json.dumps(asked.document)), pieces)
    assert canonical(result) == canonical(asked.answer())


@every_kind
@law
@given(data=st.data())
def test_order_of_users_changes_nothing(kind: str, data: st.DataObject) -> None:
    """Where units are not spread over users, ties between users mean nothing."""
    asked = question(data, kind, count_by=...)
    by_user: dict[str, list[Event]] = {}
    for event in asked.log.events:
        by_user.setdefault(event.user, []).append(event)
    moved = [event for user in sorted(by_user, reverse=True) for event in by_user[user]]
    moved = [dataclasses.replace(event, seq=seq) for seq, event in enumerate(moved)]
    assume(first_types(moved) == first_types(asked.log.events))
    result = by_engine(asked.document, moved, asked.log.users, 2)
    assert canonical(result) == canonical(asked.answer())


def first_types(log: list[Event]) -> dict[str, type]:
    """The type of each property's first value, which its column takes."""
    found: dict[str, type] = {}
    for event in log:
        for name, value in event.properties.items():
            found.setdefault(name, type(value))
    return found


# -- the question in other words --

ALWAYS_TRUE = (
    {"all": []},
    {"any": [{"property": "event.k", "op": "is_set"}, {"property": "event.k", "op": "is_not_set"}]},
    {"not": {"any": []}},
    {
        "any": [
            {"property": "event.n", "op": "<", "value": 5},
            {"not": {"property": "event.n", "op": "<", "value": 5}},
        ]
    },
)


@every_kind
@law
@given(data=st.data())
def test_a_filter_that_is_always_true_changes_nothing(kind: str, data: st.DataObject) -> None:
    asked = question(data, kind, filter=...)
    true = asked.dice.pick(ALWAYS_TRUE)
    assume(set(names_in(true)) <= known_names(asked.log))
    assert asked.same(filter=true)


@every_kind
@law
@given(data=st.data())
def test_a_segment_of_everybody_changes_nothing(kind: str, data: st.DataObject) -> None:
    asked = question(data, kind, segment=...)
    assert asked.same(segment={"users": sorted({event.user for event in asked.log.events})})


@every_kind
@law
@given(data=st.data())
def test_a_range_that_holds_everything_changes_nothing_but_the_labels(kind: str, data: st.DataObject) -> None:
    fixed = (
        {"interval": "day"}
        if kind in ("trend", "funnel")
        else {"period": "month"}
        if kind == "retention"
        else {}
    )
    asked = question(data, kind, date_from=..., date_to=..., compare=..., range_applies_to="all", **fixed)
    if kind in ("trend", "paths"):
        del asked.document["range_applies_to"]
    assume(asked.document.get("view") != "trend")
    bounded = asked.answer(date_from="2025-12-01", date_to="2027-03-31")
    assert list(sums_of(bounded)) == list(sums_of(asked.answer()))


def sums_of(result: Document) -> Iterator[object]:
    """What a result holds apart from empty periods at its ends."""
    for line in result.get("series", []):
        yield line["breakdown"], canonical(line["total"])
    for group in result.get("groups", []):
        rows = [row for row in group.get("cohorts", []) if row["size"]]
        yield group["breakdown"], group.get("steps"), group.get("bins"), [row["returned"] for row in rows]
    yield result.get("edges"), result.get("ends"), result.get("users"), result.get("values")


# -- funnels --


@law
@given(data=st.data())
def test_a_funnel_never_rises(data: st.DataObject) -> None:
    asked = question(data, "funnel", **STEPS)
    for group in asked.answer()["groups"]:
        assert falling([step["count"] for step in group["steps"] if not step["optional"]])
        before = 0
        for step in group["steps"]:
            assert not step["optional"] or step["count"] <= before
            before = before if step["optional"] else step["count"]


WINDOWS = (
    {"value": 1, "unit": "second"}, {"value": 10, "unit": "second"}, {"value": 30, "unit": "minute"},
    {"value": 1, "unit": "hour"}, {"value": 1, "unit": "day"}, {"value": 14, "unit": "day"}, None,
)  # fmt: skip


def required_counts(result: Document) -> list[int]:
    return [step["count"] for step in result["groups"][0]["steps"] if not step["optional"]]


@law
@given(data=st.data())
def test_a_wider_window_never_lowers_a_step(data: st.DataObject) -> None:
    """Without exclusions, which a wider window would give more time."""
    asked = question(data, "funnel", **PLAIN, **STEPS, exclusions=...)
    found = [required_counts(asked.answer(window=window)) for window in WINDOWS]
    assert all(not_below(wider, narrower) for narrower, wider in itertools.pairwise(found))


@law
@given(data=st.data())
def test_any_order_is_not_below_ordered_nor_ordered_below_strict(data: st.DataObject) -> None:
    asked = question(data, "funnel", **PLAIN, **STEPS, exclusions=...)
    for step in asked.document["steps"]:
        step.pop("optional", None)
    in_any, ordered, strict = (counts(asked.answer(order=order)) for order in ("any", "ordered", "strict"))
    assert not_below(in_any, ordered)
    assert not_below(ordered, strict)


@law
@given(data=st.data())
def test_an_exclusion_never_raises_a_step(data: st.DataObject) -> None:
    asked = question(data, "funnel", **PLAIN, **STEPS, order="ordered")
    assert not_below(required_counts(asked.answer(exclusions=...)), required_counts(asked.answer()))


@law
@given(data=st.data())
def test_a_range_of_entries_never_lowers_a_step(data: st.DataObject) -> None:
    """Without exclusions and strict order: there, events after the range can take something away."""
    asked = question(
        data, "funnel", **PLAIN, **STEPS, order="ordered", exclusions=..., range_applies_to="all"
    )
    assert not_below(required_counts(asked.answer(range_applies_to="entry")), required_counts(asked.answer()))


@law
@given(data=st.data())
def test_optional_steps_never_change_the_others(data: st.DataObject) -> None:
    asked = question(data, "funnel", **PLAIN, **STEPS, order="ordered", exclusions=...)
    required = [step for step in asked.document["steps"] if not step.get("optional")]
    assert required_counts(asked.answer()) == counts(asked.answer(steps=required))


@law
@given(data=st.data())
def test_views_and_lists_reconcile(data: st.DataObject) -> None:
    """The steps view, the sum over the trend view, the histogram and the number of users listed are equal."""
    asked = question(data, "funnel", **STEPS)
    asked.document = asked.document | {"attribution": "first_touch"}
    steps = asked.answer()
    trend = asked.answer(view="trend", interval="week")
    histogram = asked.answer(view="time_to_convert", bins=asked.dice.pick((..., 3, [0, 60])))
    for group, by_bucket, bins in zip(steps["groups"], trend["groups"], histogram["groups"], strict=True):
        found = [step["count"] for step in group["steps"]]
        last = [step["count"] for step in group["steps"] if not step["optional"]][-1]
        assert [sum(step["counts"]) for step in by_bucket["steps"]] == found
        assert (bins["count"], sum(one["count"] for one in bins["bins"])) == (last, last)
        if asked.document.get("count_by") != "session":
            spot = {"breakdown": group["breakdown"]}
            listed = [
                asked.answer(users_of={"step": step["step"], **spot})["total"] for step in group["steps"]
            ]
            assert listed == found


@law
@given(data=st.data())
def test_groups_that_assign_one_value_cover_the_total(data: st.DataObject) -> None:
    asked = question(data, "funnel", **STEPS, exclusions=...)
    asked.document |= {
        "breakdown": ["event.k"],
        "attribution": asked.dice.pick(("first_touch", "last_touch")),
    }
    assume(set(names_in(asked.document)) <= known_names(asked.log))
    groups = [counts(asked.answer(), at) for at in range(len(asked.answer()["groups"]))]
    whole = counts(asked.answer(breakdown=..., attribution=..., breakdown_limit=...))
    assert [sum(column) for column in zip(*groups, strict=True)] == (whole if groups else [])


# -- trends --


def series(result: Document, at: int = 0) -> Document:
    found: Document = result["series"][at]
    return found


def simple(data: st.DataObject, measure: str, **more: object) -> Question:
    """A trend of one plain series by day."""
    drop = {"formula": ..., "compare": ..., "window": ..., "cumulative": ..., "interval": "day", **PLAIN}
    asked = question(data, "trend", **drop, **more)
    asked.document["series"] = [{**asked.document["series"][0], "measure": measure}]
    return asked


@law
@given(data=st.data())
def test_running_totals_rise_to_the_total(data: st.DataObject) -> None:
    asked = simple(data, data.draw(st.sampled_from(["users", "events"])))
    line = series(asked.answer(cumulative=True))
    assert line["values"] == sorted(line["values"])
    assert line["values"][-1:] in ([], [line["total"]])
    assert line["total"] == series(asked.answer())["total"]


@law
@given(data=st.data())
def test_longer_rolling_windows_hold_more(data: st.DataObject) -> None:
    asked = simple(data, data.draw(st.sampled_from(["users", "events"])))
    lines = [series(asked.answer())["values"]]
    lines += [series(asked.answer(window=f"rolling_{days}d"))["values"] for days in (2, 7, 30)]
    assert all(not_below(wider, narrower) for narrower, wider in itertools.pairwise(lines))


@law
@given(data=st.data())
def test_days_add_up_and_users_lie_between(data: st.DataObject) -> None:
    asked = simple(data, "events")
    events, users = (
        series(asked.answer()),
        series(asked.answer(series=[{**asked.document["series"][0], "measure": "users"}])),
    )
    assert sum(events["values"]) == events["total"]
    assert not_below(events["values"], users["values"])
    assert max(users["values"], default=0) <= users["total"] <= sum(users["values"])


@law
@given(data=st.data())
def test_groups_of_events_add_up(data: st.DataObject) -> None:
    asked = simple(data, "events")
    broken = (
        asked.answer(breakdown=["event.k"], breakdown_limit=2)
        if "event.k" in known_names(asked.log)
        else None
    )
    assume(broken is not None)
    whole = series(asked.answer())
    assert sum(line["total"] for line in broken["series"]) == whole["total"]
    columns = zip(*(line["values"] for line in broken["series"]), strict=True)
    assert [sum(column) for column in columns] == (whole["values"] if broken["series"] else [])


@law
@given(data=st.data())
def test_as_many_again_under_other_names_is_twice_as_much(data: st.DataObject) -> None:
    asked = simple(data, "users", count_by="user", segment=...)
    assume(not any(name.startswith("user.") for name in names_in(asked.document)))
    twins = [dataclasses.replace(event, user=f"twin of {event.user}") for event in asked.log.events]
    both = [dataclasses.replace(event, seq=seq) for seq, event in enumerate([*asked.log.events, *twins])]
    doubled = series(by_engine(asked.document, both, (), 3))
    assert doubled["values"] == [2 * value for value in series(asked.answer())["values"]]


# -- retention --


def returned(result: Document) -> list[list[int]]:
    return [cohort["returned"] for group in result["groups"] for cohort in group["cohorts"]]


def pairwise_rows(asked: Question, first: object, second: object) -> Iterator[tuple[list[int], list[int]]]:
    return zip(returned(asked.answer(bracket=first)), returned(asked.answer(bracket=second)), strict=True)


@law
@given(data=st.data())
def test_who_comes_back_in_a_period_comes_back_in_it_or_later(data: st.DataObject) -> None:
    asked = question(data, "retention", bracket=..., periods=6)
    for exact, rolling in pairwise_rows(asked, "exact", "on_or_after"):
        assert not_below(rolling, exact)
        assert falling(rolling)
        assert exact[0] == rolling[0] >= max(exact)


@law
@given(data=st.data())
def test_brackets_of_one_period_are_exact(data: st.DataObject) -> None:
    asked = question(data, "retention", bracket=..., periods=4)
    for exact, brackets in pairwise_rows(asked, "exact", [[k, k] for k in range(1, 5)]):
        assert exact == brackets


@law
@given(data=st.data())
def test_a_bracket_lies_between_its_largest_period_and_their_sum(data: st.DataObject) -> None:
    asked = question(data, "retention", bracket=..., periods=4, minimum_occurrences=1)
    for exact, brackets in pairwise_rows(asked, "exact", [[1, 4]]):
        assert max(exact[1:]) <= brackets[1] <= min(sum(exact[1:]), brackets[0])


@law
@given(data=st.data())
def test_more_occurrences_are_harder(data: st.DataObject) -> None:
    asked = question(data, "retention")
    fewer, more = (returned(asked.answer(minimum_occurrences=times)) for times in (1, 2))
    assert all(not_below(a, b) for a, b in zip(fewer, more, strict=True))


@law
@given(data=st.data())
def test_a_unit_is_new_once(data: st.DataObject) -> None:
    asked = question(data, "retention", **PLAIN, count_by="user")
    sizes: Callable[[str], int] = lambda kind: sum(row[0] for row in returned(asked.answer(type=kind)))  # noqa: E731
    assert sizes("first_ever") <= sizes("first_time") <= len({event.user for event in asked.log.events})
    assert sizes("first_time") <= sizes("recurring")


# -- paths --


@law
@given(data=st.data())
def test_fewer_edges_are_the_first_of_more(data: st.DataObject) -> None:
    asked = question(data, "paths", view="transitions", start=..., end=...)
    all_edges = asked.answer(edge_limit=1000)["edges"]
    assert asked.answer(edge_limit=2)["edges"] == all_edges[:2]


@law
@given(data=st.data())
def test_what_enters_a_node_is_not_below_what_leaves_it(data: st.DataObject) -> None:
    """All ways begin with their first step: who leaves a later node, or ends there, has come to it."""
    asked = question(data, "paths", view="steps", min_edge=..., max_edge=..., edge_limit=1000)
    result = asked.answer()
    come = tally((edge["target"], edge["count"]) for edge in result["edges"])
    gone = tally((edge["source"], edge["count"]) for edge in result["edges"])
    ended = tally((end["node"], end["count"]) for end in result["ends"])
    for node, count in come.items():
        assert count == gone.get(node, 0) + ended.get(node, 0)


def tally(pairs: Iterator[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in pairs:
        found[name] = found.get(name, 0) + count
    return found
