"""Engine and reference give the same answer, to the last digit, to random questions on random logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.answers import by_engine, by_reference
from tests.conformance.spots import spots_of
from tests.reference.dice import Dice, DrawnDice, SeededDice
from tests.reference.random_logs import RandomLog, make_log
from tests.reference.random_queries import KINDS
from tests.reference.values import canonical
from xingji.model.errors import UnknownNameError

SEEDS = 80
"""Logs of several hundred events a kind; hypothesis looks among smaller ones, and makes what fails small."""


def names_in(document: object) -> Iterator[str]:
    """The properties that a query names."""
    if isinstance(document, dict):
        for value in document.values():
            yield from names_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from names_in(value)
    elif isinstance(document, str) and document.startswith(("event.", "user.")):
        yield document.removesuffix("@event")


def known_names(log: RandomLog) -> set[str]:
    """The properties that events, or users with events, have."""
    users = {event.user for event in log.events}
    return (
        {
            f"event.{name}"
            for event in log.events
            for name, value in event.properties.items()
            if value is not None
        }
        | {"event.$event"}
        | {f"user.{change.name}" for change in log.users if change.user in users}
    )


def check(document: dict[str, Any], log: RandomLog, n_buckets: int, dice: Dice) -> None:
    """The same result, and the same units behind its numbers; a property that nothing has is refused."""
    if log.events and not set(names_in(document)) <= known_names(log):
        with pytest.raises(UnknownNameError):
            by_engine(document, log.events, log.users, n_buckets)
        return
    expected = by_reference(document, log.events, log.users)
    assert canonical(by_engine(document, log.events, log.users, n_buckets)) == canonical(expected)
    spots = spots_of(document, expected)
    for _ in range(min(3, len(spots))):
        spot, count = dice.pick(spots)
        asked = {**document, "users_of": {**spot, "limit": dice.pick((1000, 1)), "offset": dice.pick((0, 1))}}
        listed = by_reference(asked, log.events, log.users)
        assert count in (None, listed["total"])
        assert canonical(by_engine(asked, log.events, log.users, n_buckets)) == canonical(listed)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_larger_logs(kind: str, seed: int) -> None:
    dice = SeededDice(seed)
    log = make_log(dice, n_users=8, n_events=30)
    check(KINDS[kind](dice, log.anchor_us), log, 1 + seed % 3, dice)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_smaller_logs(kind: str, data: st.DataObject) -> None:
    dice = DrawnDice(data.draw)
    log = make_log(dice, n_users=3, n_events=6)
    document = KINDS[kind](dice, log.anchor_us)
    check(document, log, dice.integer(1, 3), dice)
