"""The first copy of an id counts, once within the horizon, whatever lots, days and restarts lie between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.govern.dedup.reference import (
    HORIZON_US,
    LATE_US,
    START_US,
    Reference,
    keys,
    make_small,
    times,
)
from xingji.govern.dedup import SeenIds
from xingji.model.errors import BusyError, FieldError

Event = tuple[int, int]
"""An id's number, and when it was received after START_US."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[SeenIds]:
    opened = SeenIds(tmp_path / "seen", HORIZON_US, LATE_US)
    yield opened
    opened.close()


def split(seen: SeenIds, lot: int, events: list[Event]) -> list[bool]:
    received_us = [START_US + at_us for _, at_us in events]
    return seen.split(lot, keys(number for number, _ in events), times(received_us)).tolist()


def do(seen: SeenIds, lot: int, events: list[Event]) -> list[bool]:
    fresh = split(seen, lot, events)
    seen.commit(lot)
    return fresh


@pytest.mark.parametrize(
    ("lots", "expected"),
    [
        pytest.param([[(1, 0), (1, 0), (2, 0)]], [[True, False, True]], id="within a lot"),
        pytest.param([[(1, 0)], [(2, 1), (1, 1)]], [[True], [True, False]], id="across lots"),
        pytest.param([[(1, 0)], [(1, HORIZON_US)]], [[True], [False]], id="just within the horizon"),
        pytest.param([[(1, 0)], [(1, HORIZON_US + 1)]], [[True], [True]], id="just beyond it"),
        pytest.param(
            [[(1, 0)], [(1, 600)], [(1, 1_200)]], [[True], [False], [True]], id="the stored copy counts alone"
        ),
        pytest.param(
            [[(1, 0), (1, 701), (1, 1), (1, 1_402)]],
            [[True, True, False, True]],
            id="a lot beyond the horizon",
        ),
        pytest.param([[(1, 100)], [(1, 0)]], [[True], [False]], id="received before the stored copy"),
        pytest.param([[(1, 900)], [(1, 150)], [(1, 149)]], [[True], [True], [False]], id="long before it"),
        pytest.param(
            [[(7, 0), (18, 0)], [(18, 1), (7, 1)]], [[True, True], [False, False]], id="shared halves"
        ),
        pytest.param([[], [(1, 0)], []], [[], [True], []], id="empty lots"),
        pytest.param(
            [[(1, 0)], [(2, 5_000)], [(1, 5_001)]], [[True], [True], [True]], id="after a long time"
        ),
        pytest.param([[(1, -START_US - 5)], [(1, -START_US)]], [[True], [False]], id="before the epoch"),
    ],
)
def test_what_is_fresh(seen: SeenIds, lots: list[list[Event]], expected: list[list[bool]]) -> None:
    assert [do(seen, lot, events) for lot, events in enumerate(lots)] == expected


LOTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 10, 60, 60, 200, 900]),  # since the lot before
        st.lists(st.tuples(st.integers(0, 76), st.integers(-LATE_US, 0)), max_size=14),
        st.sampled_from(["on", "on", "asked again", "committed again", "killed", "tidy", "forget"]),
    ),
    max_size=50,
)


@settings(max_examples=120)
@given(lots=LOTS)
def test_answers_are_those_of_a_dictionary(
    lots: list[tuple[int, list[Event], str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("seen")
    seen, reference, now_us = SeenIds(folder, HORIZON_US, LATE_US), Reference(), 0
    for lot, (later_us, near, fate) in enumerate(lots):
        now_us += later_us
        # The first event of a lot shows where time is: those before it may be late only by what is allowed.
        events = [(number, now_us + offset_us * bool(at)) for at, (number, offset_us) in enumerate(near)]
        expected = reference.split([n for n, _ in events], [START_US + at_us for _, at_us in events])
        assert split(seen, lot, events) == expected
        if fate == "killed":
            seen = reopened(seen, folder)
            assert seen.lot == (lot - 1 if lot else None)
            assert split(seen, lot, events) == expected
        seen.commit(lot)
        if fate == "committed again":
            seen = reopened(seen, folder)
            assert (seen.lot, split(seen, lot, events)) == (lot, expected)
            seen.commit(lot)
        if fate == "asked again":
            assert split(seen, lot, events) == expected
        if fate == "tidy":
            while seen.tidy():
                pass
        if fate == "forget":
            gone = [number for number, _ in events[:4]]
            seen.forget(keys(gone))
            assert seen.forget(keys(gone)) == 0
            reference.stored = {number: at for number, at in reference.stored.items() if number not in gone}
    seen.check()
    seen.close()


def reopened(seen: SeenIds, folder: Path) -> SeenIds:
    seen.close()
    return SeenIds(folder, HORIZON_US, LATE_US)


@given(times_us=st.lists(st.integers(-(10**17), 10**17), max_size=30))
def test_wild_clocks_make_no_event_seen_that_is_not(
    times_us: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    seen, stored_us = SeenIds(tmp_path_factory.mktemp("seen"), HORIZON_US, LATE_US), []
    for lot, now_us in enumerate(times_us):
        (is_fresh,) = do(seen, lot, [(1, now_us)])
        assert is_fresh or any(abs(now_us - other_us) <= HORIZON_US for other_us in stored_us)
        if is_fresh:
            stored_us.append(now_us)
    seen.close()


def test_ids_outlive_a_clock_that_leaps_and_is_put_right(seen: SeenIds) -> None:
    do(seen, 0, [(1, 0)])
    for lot in range(1, 9):
        do(seen, lot, [(2 + lot, 10**15 if lot in (2, 5) else lot)])
    assert do(seen, 9, [(1, 600)]) == [False]


def test_what_is_too_old_goes(seen: SeenIds) -> None:
    for lot in range(400):
        do(seen, lot, [(at, lot * 20) for at in range(0, 50, 10)])
    kept_us = HORIZON_US + LATE_US + 4 * HORIZON_US // 8  # what merges hold up included
    assert seen.n_ids <= 5 * kept_us // 20
    assert seen.n_runs < 40


def test_a_low_traffic_project_has_few_runs(seen: SeenIds) -> None:
    for lot in range(150):
        seen.split(lot, np.array([[lot, lot]], np.uint64), times([START_US + lot]))
        seen.commit(lot)
    assert (seen.n_ids, seen.n_runs < 20) == (150, True)


def test_lots_go_up(seen: SeenIds) -> None:
    do(seen, 5, [(1, 0)])
    with pytest.raises(FieldError, match="lot is 4; allowed: 5, the last one committed, or above"):
        split(seen, 4, [(1, 0)])
    do(seen, 17, [(2, 0)])
    assert seen.lot == 17


@pytest.mark.parametrize("before", ["nothing", "another", "committed", "forgotten"])
def test_a_lot_is_committed_as_it_was_split(seen: SeenIds, before: str) -> None:
    if before != "nothing":
        split(seen, 2 if before == "another" else 3, [(1, 0)])
    if before == "committed":
        seen.commit(3)
    if before == "forgotten":
        seen.forget(keys([1]))
    with pytest.raises(FieldError, match="lot is 3; allowed: "):
        seen.commit(3)


def test_a_lot_that_was_split_and_not_committed_leaves_nothing(seen: SeenIds) -> None:
    split(seen, 1, [(1, 0)])
    assert split(seen, 2, [(1, 0)]) == [True]
    assert seen.n_ids == 0


def test_one_holder_at_a_time(seen: SeenIds, tmp_path: Path) -> None:
    with pytest.raises(BusyError, match="in use by"):
        SeenIds(tmp_path / "seen")


@pytest.mark.parametrize("other_us", [70, 7_000, 7 * 86_400_000_000])
def test_another_horizon_may_follow(tmp_path: Path, other_us: int) -> None:
    for lot, horizon_us in enumerate([HORIZON_US, other_us, HORIZON_US, other_us]):
        seen = SeenIds(tmp_path, horizon_us, LATE_US)
        assert do(seen, lot, [(lot, lot), (9, lot)]) == [True, lot == 0]
        while seen.tidy():
            pass
        seen.close()


def test_what_was_not_stored_after_all_is_no_repeat_later(seen: SeenIds) -> None:
    assert split(seen, 1, [(1, 0), (2, 0), (1, 0)]) == [True, True, False]
    seen.commit(1, keys([1, 9]))
    assert split(seen, 1, [(1, 0), (2, 0), (1, 0)]) == [True, True, False]
    assert do(seen, 2, [(1, 1), (2, 1)]) == [True, False]
