"""Timing: how often a question is asked, and that waiting for a calm machine ends."""

from __future__ import annotations

import itertools

import pytest

from benchmarks import timing
from benchmarks.timing import Patience, best_of


@pytest.mark.parametrize(("repeats", "asked"), [(0, 1), (1, 2), (5, 6)])
def test_a_question_is_asked_to_warm_up_and_then_for_the_record(
    repeats: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "WARM_S", 0)
    monkeypatch.setattr(timing, "APART_S", 0)
    counter = itertools.count()
    timed = best_of(lambda: next(counter), repeats, Patience(0))
    assert (timed.answer, next(counter)) == (0, asked)
    assert min(timed.best_s, timed.first_s) >= 0
    assert 0 <= timed.others <= 1


def test_a_short_question_is_asked_until_it_is_warm() -> None:
    counter = itertools.count()
    best_of(lambda: next(counter), 1, Patience(0))
    assert next(counter) > 100


def test_waiting_ends() -> None:
    patience = Patience(0.05)
    patience.wait()
    patience.wait()
    assert patience.left_s < 0.05
