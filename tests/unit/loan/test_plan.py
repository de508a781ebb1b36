"""What is emitted is the tracking plan: every event, every property, in its type and within its values."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.unit.loan.conftest import Bank
from xingji.loan import PLAN, Simulation
from xingji.loan.plan import Property

EVERY = [(event.name, item) for event in PLAN.events for item in event.properties]
IDS = [f"{event}.{item.name}" for event, item in EVERY]
PAGES = {
    "首页", "贷款频道", "产品详情", "额度测算", "申请表单", "身份证识别", "人脸识别", "征信授权",
    "税务授权", "押品信息", "审批进度", "签约", "提款", "还款", "我的贷款", "客服",
}  # fmt: skip
WHEN = {"signed": "result", "success": "result", "fail": "result", "rejected": "result", "failed": "result"}
"""The property that says whether a value which is needed "when failed" and the like is."""
CLIENT_ONLY = ("$app_version", "$os", "$session_id", "$device_id", "$is_first_day")


def test_sizes_of_the_plan() -> None:
    assert (len(PLAN.events), len(PLAN.common), len(EVERY), len(PLAN.user)) == (46, 24, 235, 29)


def test_plan_is_the_published_one(shared_data: Path) -> None:
    text = (shared_data / "loan" / "tracking_plan.md").read_text(encoding="utf-8")
    for event, item in EVERY:
        cells = f"| `{event}` | `{item.name}` | {item.title} | {item.kind} | {item.unit} | {item.allowed} |"
        assert cells.replace("  ", " ") in text.replace("  ", " ")


def test_every_event_is_emitted(bank: Bank) -> None:
    assert [name for name, count in bank.truth["events"].items() if not count] == []


def test_schema_names_every_property() -> None:
    names = set(Simulation.event_schema.names)
    assert {item.name for item in PLAN.common} <= names
    assert set(PLAN.event_properties) <= names
    assert [f"identity.{kind}" for kind in ("device", "anonymous", "login", "customer_no", "openid")] == [
        name for name in Simulation.event_schema.names if name.startswith("identity.")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("amount", pa.decimal128(18, 2)),
        ("rate_pct", pa.decimal128(18, 2)),
        ("shown_rate_pct", pa.float64()),
        ("fill_seconds", pa.float64()),
        ("attempt_no", pa.int64()),
        ("is_responsive", pa.bool_()),
        ("product", pa.dictionary(pa.int16(), pa.string())),
        ("application_id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("event_id", pa.binary(16)),
    ],
)
def test_types(name: str, kind: pa.DataType) -> None:
    assert Simulation.event_schema.field(name).type == kind


def _column(bank: Bank, event: str, name: str) -> pa.ChunkedArray:
    rows = pc.equal(bank.log["event"].cast(pa.string()), event)
    column = bank.log[name].filter(rows)
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


@pytest.mark.parametrize(("event", "item"), EVERY, ids=IDS)
def test_property_of_event(bank: Bank, event: str, item: Property) -> None:
    column = _column(bank, event, item.name)
    if item.is_required:
        assert column.null_count == 0
    assert column.null_count < len(column), "never given"
    if item.kind == "枚举" or item.allowed.startswith("3/6/"):
        found = {str(value) for value in pc.unique(column.drop_null()).to_pylist()}
        assert found <= allowed_values(item, found)
    elif item.kind in ("整数", "数值", "小数"):
        low, high = pc.min(column).as_py(), pc.max(column).as_py()
        assert all(holds(Decimal(str(value))) for holds in bounds(item) for value in (low, high)), (low, high)


def allowed_values(item: Property, found: set[str]) -> set[str]:
    """The values that the plan lists; those of trees and places are as found."""
    if item.allowed.startswith("见 §6"):
        return PAGES
    if item.allowed.startswith(("机构", "GB/T", "31 个")):
        return found
    if item.allowed.startswith("同 "):
        named = item.allowed.removeprefix("同 ").partition("；")[0]
        other = next(p for event in PLAN.events if event.name == named for p in event.properties
                     if p.name == item.name)  # fmt: skip
        return allowed_values(other, found) | ({"direct"} if "direct" in item.allowed else set())
    return {value.strip() for value in item.allowed.split("；")[0].split("/")}


def bounds(item: Property) -> list[Callable[[Decimal], bool]]:
    """What every number of a property must satisfy."""
    text = item.allowed.replace("点击获取到提交，", "")
    if between := re.match(r"([\d.]+)–([\d.]+)", text):
        low, high = map(Decimal, between.groups())
        return [lambda value: low <= value <= high]
    if least := re.match(r">(=?)(\d+)", text):
        bound = Decimal(least[2])
        return [lambda value: value > bound or (bool(least[1]) and value == bound)]
    raise AssertionError(f"{item.name}: {item.allowed} says no bounds")


@pytest.mark.parametrize(
    ("event", "item"),
    [(event, item) for event, item in EVERY if item.required.endswith("必填")],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_property_that_is_needed_sometimes(bank: Bank, event: str, item: Property) -> None:
    values = re.split("、", item.required.removesuffix(" 必填"))
    decides = "reach_channel" if set(values) <= {"sms", "call"} else WHEN[values[0]]
    decides = "status" if event == "reach_receipt" and decides == "result" else decides
    needed = pc.is_in(_column(bank, event, decides), pa.array(values))
    assert pc.sum(needed).as_py() > 0
    assert _column(bank, event, item.name).filter(needed).null_count == 0


@pytest.mark.parametrize(
    ("name", "high"),
    [
        ("click_x", 1),
        ("scroll_depth_pct", 100),
        ("dwell_seconds", 1800),
        ("attempt_no", 10),
        ("rate_pct", 15.4),
        ("estimated_rate_pct", 15.4),
        ("wait_seconds", 600),
        ("position_rank", 20),
        ("rating", 5),
        ("ltv_pct", 100),
    ],
)
def test_upper_bounds(bank: Bank, name: str, high: float) -> None:
    assert float(pc.max(bank.log[name]).as_py()) <= high


@pytest.mark.parametrize("item", PLAN.common, ids=lambda item: item.name)
def test_common_property(bank: Bank, item: Property) -> None:
    column = bank.log[item.name]
    if item.is_required:
        assert column.null_count == 0
    if item.name in CLIENT_ONLY:
        client = pc.equal(bank.log["$origin"].cast(pa.string()), "client")
        assert column.filter(client).null_count == 0
    assert column.null_count < len(column)
    if item.kind == "枚举" and not item.allowed.startswith(("31 个", "GB/T", "重庆")):
        found = set(pc.unique(column.cast(pa.string()).drop_null()).to_pylist())
        assert found <= allowed_values(item, found)


def test_browsers_are_those_of_the_web(bank: Bank) -> None:
    client = bank.log.filter(pc.equal(bank.log["$origin"].cast(pa.string()), "client"))
    web = pc.is_in(client["platform"].cast(pa.string()), pa.array(["web", "h5"]))
    assert client["$browser"].filter(web).null_count == 0
    assert client["$browser"].filter(pc.invert(web)).null_count == pc.sum(pc.invert(web)).as_py()


def test_districts_are_those_of_chongqing(bank: Bank) -> None:
    here = pc.equal(bank.log["$ip_province"].cast(pa.string()), "重庆市")
    assert bank.log["$ip_district"].filter(here).null_count == 0
    elsewhere = pc.fill_null(pc.invert(here), True)
    assert bank.log["$ip_district"].filter(elsewhere).null_count == pc.sum(elsewhere).as_py()


@pytest.mark.parametrize(
    ("event", "name", "pattern"),
    [
        ("apply_start", "application_id", r"^APP\d{14}$"),
        ("contract_sign", "credit_line_id", r"^CL\d{14}$"),
        ("drawdown_submit", "loan_id", r"^LN\d{16}$"),
        ("repayment_due", "repayment_id", r"^LN\d{19}$"),
        ("reach_submit", "campaign_batch_id", r"^B\d{11}$"),
        ("apply_start", "$session_id", r"^S\d{13}$"),
    ],
)
def test_keys(bank: Bank, event: str, name: str, pattern: str) -> None:
    column = _column(bank, event, name).drop_null()
    assert pc.all(pc.match_substring_regex(column, pattern)).as_py()


def test_batch_rows_have_no_terminal_but_keep_their_channel(bank: Bank) -> None:
    batch = bank.log.filter(pc.equal(bank.log["$origin"].cast(pa.string()), "batch"))
    assert set(pc.unique(batch["platform"].cast(pa.string())).to_pylist()) == {"server"}
    assert batch["channel"].null_count == 0
    assert batch["$device_id"].null_count == len(batch)
    assert batch["referral_org_path"].null_count < len(batch)


def test_server_rows_of_an_application_keep_the_terminal(bank: Bank) -> None:
    rows = bank.rows(
        "apply_submit", "approval_result", columns=("application_id", "platform", "$session_id", "$origin")
    )
    asked = {row["application_id"]: row for row in rows if row["event"] == "apply_submit"}
    answers = [row for row in rows if row["event"] == "approval_result"]
    assert answers
    for row in answers:
        submit = asked[row["application_id"]]
        assert row["$origin"] == "server"
        assert (row["platform"], row["$session_id"]) == (submit["platform"], submit["$session_id"])


def test_user_histories(bank: Bank) -> None:
    table = pa.Table.from_batches(bank.simulation.user_batches(), Simulation.user_schema)
    assert table.column_names == ["user", "time", *(item.name for item in PLAN.user)]
    assert pc.all(pc.starts_with(table["user"], "C")).as_py()
    first = {}
    for row in table.to_pylist():
        first.setdefault(row["user"], row)
    assert all(row["register_time"] == row["time"] for row in first.values())
    for item in PLAN.user:
        if item.kind == "枚举" and not item.allowed.startswith(("31 个", "GB/T", "机构")):
            values = set(pc.unique(table[item.name].cast(pa.string()).drop_null()).to_pylist())
            channels = next(each for each in PLAN.common if each.name == "channel")
            assert values <= allowed_values(channels if item.name == "first_channel" else item, values)
    always = (
        "gender",
        "home_district",
        "home_org_path",
        "consent_marketing",
        "is_employee",
        "loan_stage",
        "mobile_masked",
    )
    assert all(row[name] is not None for row in first.values() for name in always)
    assert len(table) > len(first)
    assert [name for name in table.column_names if table[name].null_count == len(table)] == []
