"""The stream: the same seed gives the same log, in order of arrival, as long as was asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.unit.loan.conftest import Bank, midnight_ms
from xingji.loan import Simulation, SimulationConfig
from xingji.loan.config import SHANGHAI_OFFSET_MS

TODAY = dt.date(2025, 10, 20)


def _log(**settings: int) -> pa.Table:
    config = SimulationConfig(today=TODAY, **settings)
    return pa.Table.from_batches(Simulation(config).event_batches(), Simulation.event_schema)


def test_same_seed_same_bytes() -> None:
    one, two, other = (_log(events=25_000, days=10, seed=seed) for seed in (3, 3, 4))
    assert one.equals(two)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("events", "days"),
    [(60_000, 90), (60_000, 30), (120_000, 12), (50_000, 10), (20_000, 7), (150_000, 180)],
    ids=["quarter", "month", "twelve days", "ten days", "a week", "half a year"],
)
def test_size_is_within_a_tenth(events: int, days: int) -> None:
    config = SimulationConfig(today=TODAY, events=events, days=days)
    count = sum(len(batch) for batch in Simulation(config).event_batches())
    assert abs(count / events - 1) < 0.10


def test_log_is_in_order_of_arrival_and_ends_at_as_of(bank: Bank) -> None:
    time_us = bank.log["time"].cast(pa.int64()).to_numpy()
    arrival_us = time_us + bank.log["$received_delay_ms"].to_numpy() * 1_000
    assert (np.diff(arrival_us) >= 0).all()
    as_of_us = (midnight_ms(0) + 10 * 3_600_000) * 1_000
    assert midnight_ms(90) * 1_000 <= time_us.min()
    assert as_of_us - 900_000_000 < time_us.max() < as_of_us
    assert (time_us % 1_000 == 0).all()


def test_every_batch_has_the_schema() -> None:
    for batch in Simulation(SimulationConfig(today=TODAY, events=20_000, days=7)).event_batches():
        assert batch.schema == Simulation.event_schema
        batch.validate(full=True)


def test_short_windows_leave_out_what_does_not_fit() -> None:
    simulation = Simulation(SimulationConfig(today=TODAY, events=30_000, days=20))
    with pytest.raises(RuntimeError, match="read to its end"):
        simulation.truth()
    for _ in simulation.event_batches():
        pass
    planted = simulation.truth()["incidents"]
    assert list(planted) == ["ocr_outage", "sms_delay", "broken_page", "account_takeover"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"days": 3}, "days is 3; allowed: 7 to 400"),
        ({"events": 10}, "events is 10; allowed: 20000 to"),
        ({"hour_of_today": 24}, "hour_of_today is 24; allowed: 0 to 23"),
        ({"seed": -1}, "seed is -1; allowed: 0 to"),
        ({"today": dt.date(1, 1, 1)}, "today is 0001-01-01; allowed: 1990-01-01 to 2199-12-31"),
        ({"today": dt.date(9999, 12, 31)}, "today is 9999-12-31; allowed"),
    ],
    ids=["days", "events", "hour", "seed", "first year", "last year"],
)
def test_settings_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulationConfig(**({"today": TODAY} | settings))


@pytest.mark.parametrize("today", [dt.date(1990, 1, 1), dt.date(2199, 12, 31)], ids=str)
def test_the_first_day_and_the_last_can_be_simulated(today: dt.date) -> None:
    simulation = Simulation(SimulationConfig(today=today, events=20_000, days=7))
    n_events = sum(len(batch) for batch in simulation.event_batches())
    assert sum(simulation.truth()["events"].values()) == n_events > 10_000


def test_people_sleep_at_night(bank: Bank) -> None:
    client = bank.log.filter(pc.equal(bank.log["$origin"].cast(pa.string()), "client"))
    hours = (client["time"].cast(pa.int64()).to_numpy() // 1_000 + SHANGHAI_OFFSET_MS) // 3_600_000 % 24
    share = np.bincount(hours, minlength=24) / len(hours)
    assert share[3] < share[20] / 5


def test_arrears_follow_from_what_was_not_paid(bank: Bank) -> None:
    """A loan that turns late has a failed debit on the day its instalment fell due."""
    failed = {
        (row["loan_id"], row["period_no"])
        for row in bank.rows("repayment_posted", columns=("loan_id", "period_no", "result"))
        if row["result"] == "fail"
    }
    due = {
        (r["loan_id"], r["period_no"]) for r in bank.rows("repayment_due", columns=("loan_id", "period_no"))
    }
    late = {
        (row["loan_id"], row["period_no"])
        for row in bank.rows("overdue_change", columns=("loan_id", "period_no", "days_past_due"))
        if row["days_past_due"] == 1
    }
    assert late & due
    assert late & due <= failed


def test_loans_migrate_bucket_by_bucket(bank: Bank) -> None:
    bounds = {"M0": (0, 0), "M1": (1, 30), "M2": (31, 60), "M3": (61, 90), "M3+": (91, 10_000)}
    for row in bank.rows("loan_snapshot", columns=("bucket", "days_past_due")):
        low, high = bounds[row["bucket"]]
        assert low <= row["days_past_due"] <= high
    moves = {
        (r["from_bucket"], r["to_bucket"])
        for r in bank.rows("overdue_change", columns=("from_bucket", "to_bucket"))
    }
    assert {("M0", "M1"), ("M1", "M2"), ("M1", "M0")} <= moves
    assert not moves & {("M0", "M2"), ("M0", "M3"), ("M1", "M3")}


def test_principal_is_what_was_drawn_less_what_was_paid(bank: Bank) -> None:
    """For loans drawn in the window the last balance is the principal less the principal parts paid since."""
    columns = ("loan_id", "result", "amount", "interest_amount", "outstanding_principal")
    rows = bank.rows("drawdown_result", "repayment_posted", "loan_snapshot", columns=columns)
    left: dict[str, object] = {}
    for row in sorted(rows, key=lambda row: (row["ms"], row["seq"])):
        loan = row["loan_id"]
        if row["event"] == "drawdown_result" and row["result"] == "success":
            left[loan] = row["amount"]
        elif loan in left and row["event"] == "repayment_posted" and row["result"] == "success":
            left[loan] = left[loan] - (row["amount"] - row["interest_amount"])  # type: ignore[operator]
        elif loan in left and row["event"] == "loan_snapshot":
            assert row["outstanding_principal"] == left[loan], loan
