"""The six planted incidents: what the questions of the demonstration find is what the simulation says
it planted."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from tests.unit.loan.conftest import TODAY, Bank, midnight_ms
from tests.unit.loan.recount import counts, furthest_attempts, in_range, step

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def _date(ms: int) -> str:
    return str(dt.datetime.fromtimestamp(ms / 1_000, SHANGHAI).date())


def test_ocr_outage(bank: Bank) -> None:
    told = bank.truth["incidents"]["ocr_outage"]
    columns = ("platform", "$app_version", "application_id", "result", "error_code")
    rows = in_range(
        bank.rows("apply_start", "realname_verify", "ocr_id", columns=columns), midnight_ms(1), midnight_ms(0)
    )
    android = [row for row in rows if row["platform"] == "android"]
    passed = step("realname_verify", result="pass")
    chosen = furthest_attempts(android, [step("apply_start"), passed], DAY_MS, "application_id")
    assert told["funnel_by_app_version"] == counts(chosen, 2, "$app_version")
    nine, twenty_one = midnight_ms(1) + 9 * HOUR_MS, midnight_ms(1) + 21 * HOUR_MS
    struck = {
        row["application_id"]
        for row in in_range(android, nine, twenty_one)
        if row["error_code"] == "OCR_TIMEOUT" and row["$app_version"] == "8.3.1"
    }
    got_on = {row["application_id"] for row in rows if row["event"] == "ocr_id" and row["result"] == "pass"}
    assert told["applications_affected"] == len(struck) > 0
    assert told["application_ids"] == sorted(struck - got_on)


def test_sms_delay(bank: Bank) -> None:
    told = bank.truth["incidents"]["sms_delay"]
    begin, end = midnight_ms(6) + 18 * HOUR_MS, midnight_ms(6) + 22 * HOUR_MS
    rows = in_range(
        bank.rows("sms_code_request", "sms_code_verify", columns=("result", "$operator")), begin, end + 1
    )
    steps = [step("sms_code_request"), step("sms_code_verify", result="pass")]
    chosen = furthest_attempts(rows, steps, 600_000, "user")
    assert told["funnel_by_operator"] == counts(chosen, 2, "$operator")
    stuck = {
        user
        for user, attempt in chosen.items()
        if len(attempt) == 1 and attempt[0]["$operator"] == "中国联通"
    }
    assert told["users"] == sorted(stuck)


def test_broken_page(bank: Bank) -> None:
    told = bank.truth["incidents"]["broken_page"]
    columns = ("platform", "$browser", "application_id", "result")
    rows = in_range(
        bank.rows("face_verify", "credit_authorize", columns=columns), midnight_ms(16), midnight_ms(7)
    )
    rows = [row for row in rows if row["platform"] == "h5"]
    steps = [step("face_verify", result="pass"), step("credit_authorize", result="signed")]
    found: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for attempt in furthest_attempts(rows, steps, DAY_MS, "application_id").values():
        cell = found[attempt[0]["$browser"]].setdefault(_date(attempt[0]["ms"]), [0, 0])
        cell[0] += 1
        cell[1] += len(attempt) == 2
    assert told["funnel_by_browser"] == found
    here = [r for r in in_range(rows, midnight_ms(13), midnight_ms(9)) if r["$browser"] == "UCBrowser"]
    results = Counter(row["result"] for row in here if row["event"] == "credit_authorize")
    assert (told["applications_lost"], told["signed"], told["refused"]) == (
        results["failed"], results["signed"], results["refused"],
    )  # fmt: skip
    clicks = bank.rows("$click", columns=("is_responsive", "element_id"))
    dead = [r for r in clicks if r["is_responsive"] is False]
    assert len(dead) == told["dead_clicks"] > 0
    assert {r["element_id"] for r in dead} == {"credit_agree"}


def test_marketing_burst(bank: Bank) -> None:
    told = bank.truth["incidents"]["marketing_burst"]
    shown: Counter[str] = Counter()
    for row in bank.rows("product_impression", "register_result", columns=("channel", "result")):
        if row["channel"] == "feed_ads" and (
            row["event"] == "product_impression" or row["result"] == "success"
        ):
            shown[f"{row['event']} {_date(row['ms'])}"] += 1
    for key, event in (
        ("impressions_by_day", "product_impression"),
        ("registrations_by_day", "register_result"),
    ):
        assert told[key] == {day: shown[f"{event} {day}"] for day in told[key]}
    assert told["days"] == [str(TODAY - dt.timedelta(days=n)) for n in (75, 74, 73)]
    rows = bank.rows(
        "apply_submit", "approval_result", "drawdown_result", columns=("channel", "result", "application_id")
    )
    rows = in_range(rows, midnight_ms(80), midnight_ms(67))
    steps = [
        step("apply_submit"),
        step("approval_result", result="approved"),
        step("drawdown_result", result="success"),
    ]
    assert told["funnel_by_channel"] == counts(
        furthest_attempts(rows, steps, 30 * DAY_MS, "application_id"), 3, "channel"
    )
    assert 4 < told["impressions_multiple"] < 8


def test_device_ring(bank: Bank) -> None:
    told = bank.truth["incidents"]["device_ring"]
    users: dict[str, set[str]] = defaultdict(set)
    for row in in_range(bank.rows("apply_start", columns=("$device_id",)), midnight_ms(30), midnight_ms(8)):
        users[row["$device_id"]].add(row["user"])
    crowded = {device: len(who) for device, who in users.items() if len(who) > 4}
    assert crowded == told["devices"]
    assert sum(crowded.values()) == told["accounts"] == len(told["users"])
    fast = {
        row["$device_id"]
        for row in bank.rows("form_step_complete", columns=("fill_seconds", "$device_id"))
        if row["fill_seconds"] < 8
    }
    assert fast == set(told["devices"])
    approved = {
        row["application_id"]
        for row in bank.rows("approval_result", columns=("result", "$device_id", "application_id"))
        if row["result"] == "approved" and row["$device_id"] in told["devices"]
    }
    assert told["approved_application_ids"] == sorted(approved)
    assert len(approved) == told["approved"]


def test_device_ring_works_at_night(bank: Bank) -> None:
    devices = set(bank.truth["incidents"]["device_ring"]["devices"])
    hours = {
        dt.datetime.fromtimestamp(row["ms"] / 1_000, SHANGHAI).hour
        for row in bank.rows("apply_start", "apply_submit", columns=("$device_id",))
        if row["$device_id"] in devices
    }
    assert hours <= {1, 2, 3, 4, 5}


def test_account_takeover_is_found_by_its_sequence_and_by_nothing_else(bank: Bank) -> None:
    told = bank.truth["incidents"]["account_takeover"]
    events = ("login_result", "account_security_change", "drawdown_submit")
    rows = in_range(
        bank.rows(*events, columns=("is_new_device", "result", "change_type")),
        midnight_ms(30),
        midnight_ms(0),
    )

    def rebound(row: dict[str, Any]) -> bool:
        return row["event"] == "account_security_change" and row["change_type"] in (
            "mobile",
            "password",
            "device",
        )

    steps = [step("login_result", is_new_device=True, result="success"), rebound, step("drawdown_submit")]
    chosen = furthest_attempts(rows, steps, 2 * HOUR_MS, "user")
    hit = {user: attempt for user, attempt in chosen.items() if len(attempt) == 3}
    assert sorted(hit) == told["users"]
    assert len(hit) == 3
    night = midnight_ms(4)
    assert all(
        night + 7_800_000 <= row["ms"] < night + 11_100_000 for attempt in hit.values() for row in attempt
    )
    assert "重庆市" not in told["provinces"]


def test_account_takeover_money_and_complaint(bank: Bank) -> None:
    told = bank.truth["incidents"]["account_takeover"]
    paid = [
        row
        for row in bank.rows("drawdown_result", columns=("loan_id", "amount", "result", "$device_id"))
        if row["$device_id"] in told["devices"] and row["result"] == "success"
    ]
    assert sorted(row["loan_id"] for row in paid) == sorted(told["loan_ids"])
    assert sum(row["amount"] for row in paid) == Decimal(told["paid_out_yuan"])
    complained = [r for r in bank.rows("complaint_submit", columns=("topic",)) if r["topic"] == "非本人借款"]
    assert [(r["user"], _date(r["ms"])) for r in complained] == [
        (told["complained"][0], str(TODAY - dt.timedelta(days=3)))
    ]
