"""The published truth against a plain recount of the emitted rows, under the semantics of the query
contract."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.unit.loan.conftest import TODAY, Bank, midnight_ms
from tests.unit.loan.recount import counts, furthest_attempts, in_range, step

DAY_MS = 86_400_000
PRODUCTS = ("愉快贷", "愉悦贷", "房快贷", "税快贷", "房快借")


def test_events_per_name(bank: Bank) -> None:
    found = Counter(bank.log["event"].to_pylist())
    assert {name: found.get(name, 0) for name in bank.truth["events"]} == bank.truth["events"]


def test_users_per_platform(bank: Bank) -> None:
    pairs = set(zip(bank.log["user"].to_pylist(), bank.log["platform"].to_pylist()))
    found = Counter(platform for _, platform in pairs)
    assert bank.truth["users"]["by_platform"] == {
        name: found.get(name, 0) for name in bank.truth["users"]["by_platform"]
    }
    assert bank.truth["users"]["total"] == len({user for user, _ in pairs})


def test_person_funnel_per_product(bank: Bank) -> None:
    steps = [
        step("product_impression"),
        step("view_product"),
        step("quota_estimate", result="success"),
        step("apply_start"),
        step("realname_verify", result="pass"),
        step("face_verify", result="pass"),
        step("credit_authorize", result="signed"),
        step("apply_submit"),
        step("approval_result", result="approved"),
        step("contract_sign", result="success"),
        step("drawdown_result", result="success"),
    ]
    rows = bank.rows(*bank.truth["funnel_steps"], columns=("product", "result"))
    rows = in_range(rows, midnight_ms(90), midnight_ms(60))
    found = counts(furthest_attempts(rows, steps, 60 * DAY_MS, "user", "product"), len(steps), "product")
    assert bank.truth["funnel"] == {product: found.get(product, [0] * len(steps)) for product in PRODUCTS}
    assert sum(row[-1] for row in bank.truth["funnel"].values()) > 10


def test_application_funnel_per_product(bank: Bank) -> None:
    steps = [
        step("apply_start"),
        step("realname_verify", result="pass"),
        step("face_verify", result="pass"),
        step("credit_authorize", result="signed"),
        step("apply_submit"),
        step("approval_result", result="approved"),
        step("contract_sign", result="success"),
        step("drawdown_result", result="success"),
    ]
    rows = bank.rows(*bank.truth["application_funnel_steps"], columns=("product", "result", "application_id"))
    found = counts(furthest_attempts(rows, steps, None, "application_id"), len(steps), "product")
    assert bank.truth["application_funnel"] == found


@pytest.mark.parametrize(("unit", "key"), [("user", "by_user"), ("$device_id", "by_device")])
def test_conversions_by_unit(bank: Bank, unit: str, key: str) -> None:
    rows = bank.rows("view_product", "apply_submit", columns=("$device_id",))
    rows = in_range(rows, midnight_ms(30), midnight_ms(0))
    chosen = furthest_attempts(rows, [step("view_product"), step("apply_submit")], 14 * DAY_MS, unit)
    assert bank.truth["identity"][key] == counts(chosen, 2)[None]


def test_cross_device_conversions_are_the_difference(bank: Bank) -> None:
    identity = bank.truth["identity"]
    assert identity["cross_device_conversions"] == identity["by_user"][1] - identity["by_device"][1] > 0


def test_shared_devices(bank: Bank) -> None:
    people: dict[str, set[str]] = defaultdict(set)
    for device, customer in zip(
        bank.log["identity.device"].to_pylist(), bank.log["identity.customer_no"].to_pylist()
    ):
        if device is not None and customer is not None:
            people[device].add(customer)
    shared = {device: users for device, users in people.items() if 2 <= len(users) <= 4}
    assert bank.truth["identity"]["shared_devices"] == len(shared)
    assert bank.truth["identity"]["people_on_shared_devices"] == sum(map(len, shared.values()))
    for device, users in bank.truth["identity"]["shared_devices_sample"].items():
        assert shared[device] == set(users)


def test_stage_times(bank: Bank) -> None:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in bank.rows("approval_stage", columns=("product", "stage", "handler_type", "stage_seconds")):
        found[row["product"], f"{row['stage']}/{row['handler_type']}"].append(row["stage_seconds"])
    told = {
        (product, stage): figures["count"]
        for product, process in bank.truth["process"].items()
        for stage, figures in process["stages"].items()
    }
    assert told == {key: len(values) for key, values in found.items()}
    for (product, stage), values in found.items():
        figures = bank.truth["process"][product]["stages"][stage]
        assert figures["median_seconds"] == pc.quantile(pa.array(values), 0.5)[0].as_py()


@pytest.mark.parametrize("product", PRODUCTS)
def test_decision_and_valuation_times(bank: Bank, product: str) -> None:
    events = ("apply_submit", "approval_result", "collateral_submit", "collateral_valuation")
    at: dict[str, dict[str, int]] = {event: {} for event in events}
    for row in bank.rows(*events, columns=("product", "application_id")):
        if row["product"] == product:
            at[row["event"]][row["application_id"]] = row["ms"]
    decided = [at["approval_result"][a] - at["apply_submit"][a] for a in at["approval_result"]]
    told = bank.truth["process"][product]
    assert told["submit_to_decision"]["count"] == len(decided)
    assert told["submit_to_decision"]["median_seconds"] == pytest.approx(_median(decided) / 1_000)
    valued = [at["collateral_valuation"][a] - at["collateral_submit"][a] for a in at["collateral_valuation"]]
    assert sum(mode["count"] for mode in told["valuation"].values()) == len(valued)


def _median(values: list[int]) -> float:
    return float(pc.quantile(pa.array(values, pa.int64()), 0.5)[0].as_py())


def test_drawdown_requests_by_day_and_hour(bank: Bank) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    week = [[0] * 24 for _ in range(7)]
    for row in in_range(bank.rows("drawdown_submit"), midnight_ms(90), midnight_ms(0)):
        local = dt.datetime.fromtimestamp(row["ms"] / 1_000, dt.timezone(dt.timedelta(hours=8)))
        users[str(local.date())].add(row["user"])
        week[local.weekday()][local.hour] += 1
    told = bank.truth["rhythm"]
    assert {day: n for day, n in told["users_by_day"].items() if n} == {
        day: len(who) for day, who in users.items()
    }
    assert told["requests_by_weekday_and_hour"] == week
    assert told["multiple_of_workday"]["payday"] > 1 > told["multiple_of_workday"]["weekend"]


def _cohorts(bank: Bank, product: str | None, elapsed: bool) -> dict[str, list[int]]:
    zone = dt.timezone(dt.timedelta(hours=8))

    def monday(ms: int) -> dt.date:
        date = dt.datetime.fromtimestamp(ms / 1_000, zone).date()
        return date - dt.timedelta(days=date.weekday())

    rows = in_range(bank.rows("drawdown_result", columns=("product", "is_first_drawdown")), 0, midnight_ms(0))
    entry: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["ms"], row["seq"])):
        if row["is_first_drawdown"]:
            entry.setdefault(row["user"], row)
    table: dict[str, list[set[str]]] = {}
    for user, first in entry.items():
        if product in (None, first["product"]):
            table.setdefault(str(monday(first["ms"])), [set() for _ in range(13)])[0].add(user)
    for row in rows:
        first = entry.get(row["user"], row)
        if row["is_first_drawdown"] or first is row or product not in (None, first["product"]):
            continue
        weeks = (
            (row["ms"] - first["ms"]) // (7 * DAY_MS)
            if elapsed
            else (monday(row["ms"]) - monday(first["ms"])).days // 7
        )
        if 1 <= weeks <= 12:
            table[str(monday(first["ms"]))][weeks].add(row["user"])
    return {start: [len(users) for users in cells] for start, cells in table.items()}


@pytest.mark.parametrize("product", PRODUCTS)
def test_repeat_borrowing_by_elapsed_weeks(bank: Bank, product: str) -> None:
    told = {c["start"]: c["returned"] for c in bank.truth["repeat"]["by_product"][product] if c["size"]}
    assert told == _cohorts(bank, product, elapsed=True)


def test_cohorts_by_calendar_weeks(bank: Bank) -> None:
    told = {c["start"]: c["returned"] for c in bank.truth["cohorts"] if c["size"]}
    assert told == _cohorts(bank, None, elapsed=False)
    assert all(c["returned"][0] == c["size"] for c in bank.truth["cohorts"])


@pytest.mark.parametrize(
    ("key", "last", "late", "matured"),
    [
        ("late_1_by_channel", 1, 1, False),
        ("late_30_by_channel", 31, 30, True),
        ("late_30_by_channel_in_range", 31, 30, False),
    ],
)
def test_first_payment_defaults(bank: Bank, key: str, last: int, late: int, matured: bool) -> None:
    low, high = midnight_ms(60), midnight_ms(last - 1)
    rows = bank.rows(
        "repayment_due", "overdue_change", columns=("loan_id", "period_no", "days_past_due", "channel")
    )
    rows = [
        r
        for r in rows
        if low <= r["ms"] < high or (matured and r["event"] == "overdue_change" and r["ms"] >= low)
    ]

    def is_late(row: dict[str, Any]) -> bool:
        return bool(
            row["event"] == "overdue_change" and row["period_no"] == 1 and row["days_past_due"] >= late
        )

    chosen = furthest_attempts(rows, [step("repayment_due", period_no=1), is_late], 31 * DAY_MS, "loan_id")
    assert bank.truth["fpd"][key] == counts(chosen, 2, "channel")


def test_first_payment_defaults_by_district(bank: Bank) -> None:
    by_channel = bank.truth["fpd"]["late_30_by_channel"]
    for channel, districts in bank.truth["fpd"]["late_30_by_channel_and_district"].items():
        assert [sum(cell[i] for cell in districts.values()) for i in range(2)] == by_channel[channel]


def test_balances_of_every_day(bank: Bank) -> None:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    loans: Counter[tuple[str, str]] = Counter()
    zone = dt.timezone(dt.timedelta(hours=8))
    for row in bank.rows("loan_snapshot", columns=("product", "snapshot_type", "outstanding_principal")):
        if row["snapshot_type"] == "day_end":
            key = str(dt.datetime.fromtimestamp(row["ms"] / 1_000, zone).date()), row["product"]
            sums[key] += row["outstanding_principal"]
            loans[key] += 1
    told = {
        (day, product): (Decimal(cell["yuan"]), cell["loans"])
        for day, cells in bank.truth["balances"].items()
        for product, cell in cells.items()
        if cell["loans"]
    }
    assert told == {key: (sums[key], loans[key]) for key in sums}
    assert len(bank.truth["balances"]) == 90
    assert str(TODAY) not in bank.truth["balances"]
