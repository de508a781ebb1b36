"""Real logs give their known counts (their folder, `../shared/data`, is not part of this repository)."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tests.unit.govern.files.reading import Log
from xingji.govern.files import FileOptions

BPI = ("user=case:concept:name", "event=concept:name", "time=time:timestamp")
TABLE = ("user=#", "time=@2012-01-01T00:00:00Z")


@pytest.fixture(scope="session")
def loan_log(shared_data: Path) -> Log:
    """The application log of a Dutch bank."""
    return Log(shared_data / "data/bpi2012/bpi2012_dev80.csv.gz", BPI)


def test_loan_log_is_whole(loan_log: Log) -> None:
    assert len(loan_log.table) == 214_380
    assert loan_log.refused.total == 0
    assert len(loan_log.table["user"].unique()) == 10_470
    assert loan_log.table["p_org:resource"].null_count == 17_463


def test_loan_log_keeps_its_activities(loan_log: Log, shared_data: Path) -> None:
    golden = json.loads((shared_data / "data/bpi2012/GOLDEN_bpi2012_dev80.json").read_text())
    cases = loan_log.table.select(["event", "user"]).group_by("event").aggregate([("user", "count_distinct")])
    found = dict(zip(cases["event"].to_pylist(), cases["user_count_distinct"].to_pylist()))
    assert found == golden["cases_with_activity"]
    resources = dict(
        zip(*[column.to_pylist() for column in loan_log.table["p_org:resource"].value_counts().flatten()])
    )
    assert {resource: resources[int(resource)] for resource in golden["resource_top5"]} == golden[
        "resource_top5"
    ]


def test_loan_log_keeps_its_order(loan_log: Log, shared_data: Path) -> None:
    """Steps that share their time follow one another as in the file: the pairs of neighbours tell."""
    golden = json.loads((shared_data / "data/bpi2012/GOLDEN_bpi2012_dev80.json").read_text())
    rows = sorted(zip(loan_log.column("user"), loan_log.column("time"), range(len(loan_log.table))))
    events = loan_log.column("event")
    pairs: dict[str, int] = {}
    for (user, _, row), (next_user, _, next_row) in itertools.pairwise(rows):
        if user == next_user:
            pair = f"{events[row]} -> {events[next_row]}"
            pairs[pair] = pairs.get(pair, 0) + 1
    assert {pair: pairs[pair] for pair in golden["dfg_top15"]} == golden["dfg_top15"]
    assert len(pairs) == golden["dfg_edges"]


def test_bank_marketing(shared_data: Path) -> None:
    log = Log(shared_data / "data/bank_marketing/bank-full.csv.gz", [*TABLE, "event==contact"])
    assert (len(log.table), log.column("p_y").count("yes"), log.refused.total) == (45_211, 5_289, 0)
    assert len(log.table["user"].unique()) == 45_211


def test_online_shoppers(shared_data: Path) -> None:
    path = shared_data / "data/online_shoppers/online_shoppers_intention.csv.gz"
    log = Log(path, [*TABLE, "event==visit"])
    assert (len(log.table), sum(log.column("p_Revenue"))) == (12_330, 1_908)


def test_cdnow(shared_data: Path) -> None:
    options = FileOptions(columns=("master_id", "id", "date", "quantity", "amount"))
    maps = ["user=id", "event==order", "time=date:%Y%m%d"]
    log = Log(shared_data / "data/cdnow/CDNOW_sample.txt", maps, options)
    assert (len(set(log.column("user"))), log.refused.total) == (2_357, 0)
    days = [time.date().isoformat() for time in log.column("time")]
    assert (min(days) >= "1997-01-01", max(days) <= "1998-06-30") == (True, True)


def test_web_server_log(shared_data: Path) -> None:
    log = Log(shared_data / "data/apache_logs/apache_logs.gz")
    assert (len(log.table), log.refused.total, log.blocks[-1].rows_read) == (9_999, 1, 10_000)
    assert log.refused.examples[0].number == 8_899
    assert len(set(log.column("user"))) == 1_753
