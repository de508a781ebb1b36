"""Persons are those of a replay, however the log is lived through and whatever is taken back."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.identity import EXCLUSIVE, KINDS, Item, ReferenceLog, ReferencePersons
from tests.unit.govern.identity.living import Life, cut
from xingji.govern.identity.kinds import Limits, identity_of, name_of
from xingji.ports.identity_store import Outcome

pytestmark = pytest.mark.slow
LIMITS = Limits(unionid=1, openid=1, mobile=1, device=2, anonymous=2)
BY_KIND = {kind: getattr(LIMITS, kind) for kind in KINDS[2:]}
EXAMPLES = 300
VALUES = ("xa", "yb", "zc")


@st.composite
def logs(draw: st.DrawFn) -> list[Item]:
    """Logs of few ids, which therefore meet often; what is undone is an act that is there by then."""
    most = draw(st.integers(2, 4))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=most, unique=True))
    one = st.tuples(st.sampled_from(kinds), st.sampled_from(VALUES))
    ids = st.lists(one, min_size=1, max_size=4, unique_by=lambda one: one[0])
    event = st.tuples(st.just("event"), ids)
    said = st.one_of(
        st.tuples(st.sampled_from(["bind", "unbind"]), one, one),
        st.tuples(st.just("undo"), st.integers(0, 200)),
        st.tuples(st.just("undo"), st.integers(0, 200)),
        st.tuples(st.sampled_from(["deny", "allow"]), one),
    )
    return targeted(draw(st.lists(st.one_of(event, event, event, said), min_size=4, max_size=30)))


def targeted(log: list[Item]) -> list[Item]:
    """A log whose undoings say the numbers of acts that are there by then, where there are any."""
    found: list[Item] = []
    for item in log:
        if item[0] == "undo":
            rows = ReferenceLog(found).rows
            item = ("undo", rows[item[1] % len(rows)][0] if rows else item[1])
        found.append(item)
    return found


SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=8)
FATES = st.lists(st.sampled_from(["on", "on", "restart", "lost", "again"]), min_size=1, max_size=8)


def live(log: Sequence[Item], sizes: Sequence[int] = (1_000,), fates: Sequence[str] = ("on",)) -> Life:
    life = Life(Path(tempfile.mkdtemp(prefix="xingji-ids-")), LIMITS)
    for number, lot in enumerate(cut(log, sizes)):
        life.live(lot, fates[number % len(fates)])
    return life


def check(life: Life, log: list[Item], without: frozenset[int] = frozenset()) -> None:
    """That what a life has come to is what the reference makes of a log."""
    told = ReferenceLog(log)
    persons = ReferencePersons(ReferenceLog(log, without), BY_KIND)
    assert life.owners[: len(log)] == [name_of(owner) if owner else None for owner in told.owners]
    assert life.parents() == persons.parent
    assert {identity_of(k): identity_of(v) for k, v in life.overrides.items()} == persons.parent
    for one, person in persons.person.items():
        assert life.end(name_of(one)) == name_of(persons.root(one))
        assert all(
            count == 1 for kind, count in Counter(kind for kind, _ in person).items() if kind in EXCLUSIVE
        )


@given(log=logs(), sizes=SIZES, fates=FATES)
@settings(max_examples=EXAMPLES)
def test_a_life_in_any_lots_comes_to_what_a_replay_comes_to(
    log: list[Item], sizes: list[int], fates: list[str]
) -> None:
    life = live(log, sizes, fates)
    check(life, log)
    acts = {act.number: act for act in life.store.acts_of(range(1, life.store.next_number()))}
    told = ReferenceLog(log)
    assert sorted(acts) == sorted(number for number, *_ in told.rows)
    bound = {number for number, act in acts.items() if act.outcome is Outcome.BOUND}
    assert bound == ReferencePersons(told, BY_KIND).bound
    life.close()


@given(log=logs(), sizes=SIZES, which=st.integers(0, 10_000))
@settings(max_examples=EXAMPLES)
def test_undoing_is_replaying_without(log: list[Item], sizes: list[int], which: int) -> None:
    rows = [row for row in ReferenceLog(log).rows if row[4] in ("event", "bind")]
    if not rows:
        return
    number = rows[which % len(rows)][0]
    life = live([*log, ("undo", number)], sizes)
    # A bind that is undone also no longer lifts an unbind before it; of events nothing but their ids is left.
    if rows[which % len(rows)][4] == "event":
        check(life, log, frozenset([number]))
    undone = [*log, ("undo", number)]
    check(life, undone)
    life.live([("undo", ReferenceLog(undone).rows[-1][0])])
    assert life.parents() == ReferencePersons(ReferenceLog(log), BY_KIND).parent
    life.close()


@given(log=logs(), dice=st.randoms(use_true_random=False))
def test_the_order_of_ids_inside_an_event_is_nothing(log: list[Item], dice: object) -> None:
    mixed = [("event", dice.sample(item[1], len(item[1]))) if item[0] == "event" else item for item in log]  # type: ignore[attr-defined]
    one, other = live(log), live(mixed)
    assert (one.parents(), one.owners, one.overrides) == (other.parents(), other.owners, other.overrides)
    one.close()
    other.close()
