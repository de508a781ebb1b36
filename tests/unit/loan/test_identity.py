"""Whose events they are: the ``user`` column is what resolving the identities in log order gives."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tests.unit.loan.conftest import Bank


def test_user_is_the_customer_or_the_first_to_log_in_on_the_device(bank: Bank) -> None:
    columns = [bank.log[name].to_pylist() for name in ("user", "identity.customer_no", "identity.device")]
    first: dict[str, str] = {}
    for _, customer, device in zip(*columns):
        if customer is not None and device is not None:
            first.setdefault(device, customer)
    wrong = [row for row in zip(*columns) if row[0] != (row[1] or first.get(row[2], row[2]))]
    assert wrong == []


def test_people_browse_before_they_log_in(bank: Bank) -> None:
    anonymous = pc.is_null(bank.log["identity.customer_no"])
    theirs = pc.and_(anonymous, pc.starts_with(bank.log["user"], "C"))
    assert pc.sum(theirs).as_py() > len(bank.log) // 50


def test_several_devices_of_a_person_and_several_people_on_a_device(bank: Bank) -> None:
    rows = bank.log.filter(pc.is_valid(bank.log["identity.customer_no"]))
    pairs = rows.group_by(["identity.customer_no", "identity.device"]).aggregate([])
    pairs = pairs.filter(pc.is_valid(pairs["identity.device"]))
    people = pairs.group_by("identity.customer_no").aggregate([("identity.device", "count")])
    devices = pairs.group_by("identity.device").aggregate([("identity.customer_no", "count")])
    assert pc.sum(pc.greater(people["identity.device_count"], 1)).as_py() > 50
    assert pc.sum(pc.greater(devices["identity.customer_no_count"], 1)).as_py() > 9


def test_sessions_are_parted_by_half_an_hour(bank: Bank) -> None:
    """No session is long enough to hide a gap of 30 minutes."""
    client = bank.log.filter(pc.equal(bank.log["$origin"].cast(pa.string()), "client"))
    sessions = client.group_by("$session_id").aggregate([("time", "min"), ("time", "max"), ("time", "count")])
    spans = pc.subtract(sessions["time_max"].cast(pa.int64()), sessions["time_min"].cast(pa.int64()))
    assert pc.max(spans).as_py() < 60 * 60_000_000
    assert pc.min(sessions["time_count"]).as_py() >= 1


def test_event_ids_are_distinct_version_four(bank: Bank) -> None:
    ids = bank.log["event_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert all(value[6] >> 4 == 4 and value[8] >> 6 == 2 for value in ids[:2_000])
