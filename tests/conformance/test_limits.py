"""A question that is too large is split or refused, and one that is cancelled stops where it stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conformance.answers import by_engine, snapshot_of
from tests.conformance.test_agreement import known_names, names_in
from tests.conformance.test_trouble import log_of
from tests.reference.dice import DrawnDice
from tests.reference.random_logs import make_log
from tests.reference.random_queries import KINDS
from tests.reference.values import canonical
from xingji.analysis import context, stream
from xingji.analysis.engine import run_query
from xingji.lake.memory import MemorySnapshot
from xingji.lake.view import View
from xingji.model.errors import Cancelled, QueryTooLargeError
from xingji.model.parse import parse_query

Document = dict[str, Any]
A, B = {"event": "a"}, {"event": "b"}
BY_APP = {"count_by": {"property": "event.app"}}
QUESTIONS: dict[str, Document] = {
    "trend": {"kind": "trend", "series": [{**A, "measure": "users"}]},
    "funnel": {"kind": "funnel", "steps": [A, B]},
    "retention": {"kind": "retention", "start": A, "return": B},
    "paths": {"kind": "paths"},
}
LOG = log_of(*((f"u{at % 7}", "ab"[at % 2], 3600 * at, {"app": f"A{at % 40}"}) for at in range(120)))


def ask(document: Document, snapshot: MemorySnapshot, **limits: Any) -> Any:
    return run_query(parse_query(json.dumps(document)), snapshot, **limits)


# -- memory --


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_question_that_is_split_has_the_same_answer(kind: str, data: st.DataObject) -> None:
    dice = DrawnDice(data.draw)
    log = make_log(dice, n_users=4, n_events=8)
    document = KINDS[kind](dice, log.anchor_us) | BY_APP
    document.pop("around_funnel", None)
    for series in document.get("series", []):
        series.pop("measure", None)
    assume(set(names_in(document)) <= known_names(log))
    whole = by_engine(document, log.events, log.users, 2)
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(context, "_VALUE_BYTES", 0)
        changed.setattr(context, "_FIGURE_BYTES", 0)
        changed.setattr(stream, "_SORTED_AT_ONCE", dice.pick((1, 2, 5)))
        bound = max(len(log.events) * dice.pick((1, 10, 60)), 1)
        found = ask(document, snapshot_of(log.events, log.users, 2), memory_bound_bytes=bound)
    assert canonical(found) == canonical(whole)


class Unread(MemorySnapshot):
    """A snapshot none of whose events may be looked at."""

    def views(self, bucket: int, first_us: int | None = None, last_us: int | None = None) -> Sequence[View]:  # type: ignore[override]
        raise AssertionError("read")


@pytest.mark.parametrize("kind", QUESTIONS)
def test_units_that_no_split_makes_fit_are_refused_before_anything_is_read(kind: str) -> None:
    snapshot = snapshot_of(LOG)
    snapshot.__class__ = Unread
    days = {"date_from": "2026-01-05", "date_to": "2026-01-06"}
    with pytest.raises(QueryTooLargeError, match="the query needs about"):
        ask(QUESTIONS[kind] | BY_APP | days, snapshot, memory_bound_bytes=8)


BY_GROUP: Document = {"breakdown": ["event.app"], "breakdown_limit": 100}
MINUTES: Document = {"date_from": "2026-01-05", "date_to": "2026-01-10"}


@pytest.mark.parametrize(
    "document",
    [
        QUESTIONS["trend"] | BY_GROUP | MINUTES | {"interval": "minute"},
        QUESTIONS["funnel"] | BY_GROUP | MINUTES | {"view": "trend", "interval": "minute"},
        QUESTIONS["retention"] | BY_GROUP | MINUTES | {"period": "hour", "periods": 400},
    ],
    ids=["trend", "funnel by minute", "retention"],
)
def test_an_answer_of_too_many_figures_is_refused(document: Document) -> None:
    with pytest.raises(QueryTooLargeError, match="take fewer groups, or longer or fewer periods"):
        ask(document, snapshot_of(LOG), memory_bound_bytes=8 << 20)
    assert ask(document, snapshot_of(LOG), memory_bound_bytes=1 << 30)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "trend", "series": [{**A, "measure": {"distinct": "event.app"}}]},
        {"kind": "trend", "series": [{"event": "*"}]} | BY_GROUP,
        QUESTIONS["funnel"] | BY_GROUP,
        QUESTIONS["funnel"] | BY_APP,
    ],
    ids=["distinct", "breakdown of all events", "breakdown", "units"],
)
def test_more_distinct_values_than_fit_are_refused(document: Document) -> None:
    with pytest.raises(QueryTooLargeError, match="properties of fewer values"):
        ask(document, snapshot_of(LOG), memory_bound_bytes=6_000)


def test_groups_of_many_values_are_ranked_without_a_table_of_all_their_cohorts() -> None:
    """300 values in 300 cohorts of 400 columns are 288 MB; those shown fit."""
    log = log_of(*(("u", "a", 3600 * at, {"app": f"A{at}"}) for at in range(300)))
    document = QUESTIONS["retention"] | BY_GROUP | {"breakdown_limit": 1, "period": "hour", "periods": 400}
    groups = ask(document, snapshot_of(log), memory_bound_bytes=30 << 20)["groups"]
    assert [sum(one["size"] for one in group["cohorts"]) for group in groups] == [1, 299]


# -- cancelling --


class Asked:
    """Says that a question is cancelled once it was asked so often."""

    def __init__(self, after: int) -> None:
        self.after, self.times = after, 0

    def __call__(self) -> bool:
        self.times += 1
        return self.times > self.after


EVERY_QUESTION = [
    pytest.param(QUESTIONS[kind] | units, id=f"{kind} of {name}")
    for kind in QUESTIONS
    for name, units in {"users": {}, "sessions": {"count_by": "session"}, "values": BY_APP}.items()
]


@pytest.mark.parametrize("document", EVERY_QUESTION)
def test_a_question_can_be_cancelled_wherever_it_stands(document: Document) -> None:
    counted = Asked(10**9)
    ask(document, snapshot_of(LOG, (), 3), cancel=counted)
    assert counted.times >= 3
    for after in range(counted.times):
        with pytest.raises(Cancelled):
            ask(document, snapshot_of(LOG, (), 3), cancel=Asked(after))


@pytest.mark.parametrize("kind", QUESTIONS)
def test_units_that_are_values_are_put_in_order_share_by_share(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at whether the question is cancelled, no more than a share is sorted."""
    often, seldom = Asked(10**9), Asked(10**9)
    ask(QUESTIONS[kind] | BY_APP, snapshot_of(LOG), cancel=seldom)
    monkeypatch.setattr(stream, "_SORTED_AT_ONCE", 10)
    ask(QUESTIONS[kind] | BY_APP, snapshot_of(LOG), cancel=often)
    assert often.times >= seldom.times + len(LOG) // 10 - 1


def test_values_are_looked_up_lot_by_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    often, seldom = Asked(10**9), Asked(10**9)
    ask(QUESTIONS["funnel"] | BY_APP, snapshot_of(LOG), cancel=seldom)
    monkeypatch.setattr("xingji.analysis.values._LOT", 4)
    ask(QUESTIONS["funnel"] | BY_APP, snapshot_of(LOG), cancel=often)
    assert often.times == seldom.times + 9
