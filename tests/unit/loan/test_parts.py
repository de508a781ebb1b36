"""The small parts: days, draws, schedules, names, questions."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.loan.columns import APPLICATION_KEY, digits, flags, money, texts
from xingji.loan.content import questions
from xingji.loan.dice import Dice, field
from xingji.loan.geography import CHONGQING, places
from xingji.loan.loans import (
    ANNUITY,
    INTEREST_FIRST,
    NEVER,
    Calendar,
    Loans,
    bucket_of,
    class_of,
    instalment,
    left_after,
)  # fmt: skip
from xingji.loan.organisations import organisations
from xingji.loan.truth_order import Milestones, chain
from xingji.loan.workdays import kind_of_day


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2024-02-04", "workday"),
        ("2024-02-10", "holiday"),
        ("2025-01-26", "workday"),
        ("2025-10-08", "holiday"),
        ("2026-02-15", "holiday"),
        ("2026-02-14", "workday"),
        ("2026-03-07", "weekend"),
        ("2026-03-09", "workday"),
        ("2027-02-06", "holiday"),
        ("2030-01-05", "weekend"),
    ],
)
def test_kind_of_day(day: str, kind: str) -> None:
    assert kind_of_day(dt.date.fromisoformat(day)) == kind


def test_thirty_one_provinces_and_thirty_eight_districts() -> None:
    assert len(places().provinces) == 31
    assert len(CHONGQING) == 38 == places().local
    assert places().weight.sum() == pytest.approx(1)


def test_tree_has_four_levels_from_one_head() -> None:
    paths = [path.split("/") for path in organisations().paths]
    assert {len(path) for path in paths} == {4}
    assert {path[0] for path in paths} == {"总行"}
    assert len({path[3] for path in paths}) == len(paths)


def test_draws_depend_on_seed_purpose_and_id_alone() -> None:
    ids = np.arange(1_000)
    one, same, other = Dice(1), Dice(1), Dice(2)
    assert (one.bits("a", ids)[::-1] == same.bits("a", ids[::-1])).all()
    assert not (one.bits("a", ids) == other.bits("a", ids)).any()
    assert not (one.bits("a", ids) == one.bits("b", ids)).any()
    assert one.uniform("a", np.arange(100_000)).mean() == pytest.approx(0.5, abs=0.01)
    assert np.median(one.lognormal("a", np.arange(100_001), 20.0, 0.8)) == pytest.approx(20.0, rel=0.02)


@given(st.integers(1, 5_000_000), st.integers(0, 3))
def test_field_stays_in_its_span(span: int, part: int) -> None:
    values = field(Dice(3).bits("span", np.arange(500)), part, span)
    assert 0 <= values.min() <= values.max() < span


def _loan(principal_fen: int, rate_bp: int, months: int, method: int, drawn_day: int = 0) -> Loans:
    one = np.ones(1, np.int64)
    never = np.full(1, NEVER, np.int32)
    return Loans(
        app=one.astype(np.int32), person=one.astype(np.int32), product=np.zeros(1, np.int8), drawn_ms=one,
        drawn_day=np.full(1, drawn_day, np.int32), principal_fen=one * principal_fen,
        rate_bp=np.full(1, rate_bp, np.int16), term_months=np.full(1, months, np.int16),
        method=np.full(1, method, np.int8), number=one, first_due=one, bad_period=np.zeros(1, np.int16),
        cure_day=never.copy(), settle_day=never.copy(), part_day=never.copy(), part_fen=one * 0,
        write_off_day=never.copy(),
    )  # fmt: skip


@given(
    st.integers(10_000, 300_000_000),
    st.integers(300, 1_540),
    st.sampled_from([3, 6, 12, 24, 36, 60, 120]),
    st.sampled_from([ANNUITY, INTEREST_FIRST]),
)
def test_instalments_pay_back_exactly_the_principal(fen: int, rate_bp: int, months: int, method: int) -> None:
    loans = _loan(fen, rate_bp, months, method)
    calendar, row = Calendar(20_000), np.zeros(1, np.int64)
    parts = []
    for period in range(1, months + 1):
        number = np.full(1, period)
        parts.append(instalment(loans, row, number, calendar.due_day(loans, row, number)))
    assert sum(int(principal[0]) for principal, _ in parts) == fen
    assert all(principal[0] >= 0 and interest[0] > 0 for principal, interest in parts)
    assert left_after(loans, row, np.full(1, months))[0] == 0


@given(st.integers(-700, 90), st.integers(1, 24))
def test_due_days_are_a_month_apart_and_counted_once(drawn: int, period: int) -> None:
    loans, calendar, row = _loan(1_000_000, 600, 36, ANNUITY, drawn), Calendar(20_500), np.zeros(1, np.int64)
    due = int(calendar.due_day(loans, row, np.full(1, period))[0])
    assert 28 <= due - int(calendar.due_day(loans, row, np.full(1, period - 1))[0]) <= 31
    assert calendar.periods_due(loans, row, due)[0] == period
    assert calendar.periods_due(loans, row, due - 1)[0] == period - 1


@pytest.mark.parametrize(
    ("days", "bucket", "grade"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (30, 1, 1),
        (31, 2, 1),
        (60, 2, 1),
        (61, 3, 1),
        (90, 3, 1),
        (91, 4, 2),
        (361, 4, 4),
    ],
)
def test_buckets_and_classes(days: int, bucket: int, grade: int) -> None:
    assert (bucket_of(np.array([days]))[0], class_of(np.array([days]))[0]) == (bucket, grade)


def test_columns_know_what_is_missing() -> None:
    assert money(np.array([5, -1, 123_456])).to_pylist()[1] is None
    assert [str(v) for v in money(np.array([5, 123_456])).to_pylist()] == ["0.05", "1234.56"]
    assert flags(np.array([1, 0, -1])).to_pylist() == [True, False, None]
    assert texts(digits(np.array([7, 42]), 3), np.array([True, False])).to_pylist() == ["007", None]
    assert APPLICATION_KEY.name(20_260_101_000_001) == "APP20260101000001"


def test_chain_takes_the_earliest_later_milestone_of_the_same_unit() -> None:
    first = Milestones.of([1, 2, 3], [10, 10, 10], 0, 100)
    second = Milestones.of([1, 1, 2], [5, 20, 10], 0, 100)
    third = Milestones.of([1], [15], 0, 100)
    unit, depth, last = chain(first, [second, third])
    assert (unit.tolist(), depth.tolist(), last.tolist()) == ([1, 2, 3], [2, 1, 1], [20, 10, 10])


def test_questions_are_documents_dated_before_today() -> None:
    asked = questions(dt.date(2026, 3, 18))
    assert {"application_funnel", "app_retention", "busiest_paths", "daily_applications"} <= set(asked)
    for document in asked.values():
        assert json.loads(json.dumps(document)) == document
        assert document["timezone"] == "Asia/Shanghai"
        assert document.get("date_to", "2026-03-17") == "2026-03-17" or document["date_to"] < "2026-03-17"
