"""Rows found through lists of each event's rows are those found by looking at every row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.answers import snapshot_of
from tests.reference.dice import SeededDice
from tests.reference.random_logs import EVENTS, make_log
from tests.reference.random_queries import predicate
from xingji.analysis import selected
from xingji.analysis.context import Restricted
from xingji.analysis.selected import Search, postings_of
from xingji.analysis.selection import Target
from xingji.model.parse import parse_query
from xingji.model.query import EventSelector, Trend

DAY_US = 86_400_000_000


def selectors(dice: SeededDice) -> list[EventSelector]:
    """Some selectors of one or two names, with filters or without."""
    found = []
    for _ in range(dice.integer(1, 4)):
        series: dict[str, Any] = {"event": dice.pick(EVENTS)}
        if dice.chance(50):
            series["filter"] = predicate(dice)
        query = parse_query({"kind": "trend", "series": [series]})
        assert isinstance(query, Trend)
        found.append(query.series[0].selector)
    return found


@given(seed=st.integers(0, 10_000), ranged=st.booleans(), filtered=st.booleans())
def test_lists_and_a_walk_find_the_same_rows(seed: int, ranged: bool, filtered: bool) -> None:
    dice = SeededDice(seed)
    log = make_log(dice, n_users=5, n_events=60)
    snapshot = snapshot_of(log.events, log.users, 1)
    (view,) = snapshot.views(0)
    targets = [Target(selector) for selector in selectors(dice)]
    filter_ = selectors(dice)[0].filter if filtered else None
    span = (log.anchor_us - DAY_US, log.anchor_us + DAY_US) if ranged else None
    search = Search(targets, filter_, snapshot, snapshot.as_of_us)
    found = selected._woven(search, view, span)
    walked = search.rows(Restricted(view, view.user_ids), span)  # type: ignore[arg-type]
    for name in ("offsets", "rows", "time", "bits"):
        assert getattr(found, name).tolist() == getattr(walked, name).tolist(), name
    assert (found.bits != 0).all()


def test_lists_of_events_are_kept_while_there_is_room() -> None:
    log = make_log(SeededDice(3), n_users=5, n_events=300)
    snapshot = snapshot_of(log.events, (), 1)
    (view,) = snapshot.views(0)
    assert view.kept is not None
    for code in range(len(snapshot.event_names)):
        posting = postings_of([code], view)[code]
        assert posting.rows.tolist() == np.flatnonzero(view.event == code).tolist()
        assert posting.offsets is not None
        assert np.diff(posting.offsets).sum() == len(posting.rows)
        held = sum(len(each.rows) for each in view.kept["postings"].values())
        assert held <= view.n_rows / 2 or len(view.kept["postings"]) == 1
    assert postings_of([code], view)[code] is posting
    assert list(postings_of([1, 0], view)) == [1, 0]


def test_a_view_that_keeps_nothing_has_no_lists() -> None:
    log = make_log(SeededDice(3), n_users=2, n_events=20)
    (view,) = snapshot_of(log.events, (), 1).views(0)
    with pytest.raises(ValueError, match="keeps nothing"):
        postings_of([0], Restricted(view, view.user_ids))  # type: ignore[arg-type]
