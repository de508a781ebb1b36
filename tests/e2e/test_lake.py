"""A lake by the command line: loaded once, asked, compacted, erased from, looked over, killed and resumed."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.command import Commands
from xingji.lake.bulk_import import RUN_ROWS
from xingji.lake.lake import Lake

LOG = """\
user,event,time,channel,amount,event_id
u1,view,2026-01-05T09:00:00+08:00,app,,1
u1,apply,2026-01-05T09:02:00+08:00,app,1000.50,
u1,submit,2026-01-06T10:00:00+08:00,app,1000.50,3
u2,view,2026-01-05T11:00:00+08:00,h5,,
u2,apply,2026-02-05T11:05:00+08:00,h5,200,5
u3,view,2026-02-06T11:00:00+08:00,h5,,6
"""
USERS = "user,time,city\nu1,2026-01-01T00:00:00Z,重庆\nu2,2026-01-01T00:00:00Z,北京\n"
FUNNEL = {
    "kind": "funnel",
    "steps": [{"event": "view"}, {"event": "apply"}, {"event": "submit"}],
    "window": {"value": 60, "unit": "day"},
    "breakdown": ["event.channel", "user.city"],
}
TREND: dict[str, Any] = {"kind": "trend", "series": [{"event": "*"}], "interval": "total"}
N_ROWS = RUN_ROWS * 3
RUNS = "projects/default/lake/sessions/**/*.arrow"


def total(xingji: Commands, *words: str, **more: Any) -> Any:
    """The total of a trend over everything."""
    return xingji.ask(TREND | more, *words)["series"][0]["total"]


def big_log(folder: Path) -> str:
    """A log whose import takes several runs; every event's `n` is its own."""
    rows = np.arange(N_ROWS)
    columns = {
        "user": pa.array(rows % 50_000 + 1).cast(pa.string()),
        "event": pa.array(rows % 3).cast(pa.string()),
        "time": pa.array(1_760_000_000_000_000 + rows * 4_000_000, pa.timestamp("us", tz="UTC")),
        "n": pa.array(rows),
    }
    pq.write_table(pa.table(columns), folder / "big.parquet")
    return "big.parquet"


@pytest.fixture
def loaded(xingji: Commands) -> Commands:
    """A home whose default project holds the log and its users."""
    xingji.write("log.csv", LOG)
    xingji.write("users.csv", USERS)
    done = xingji.here("import", "log.csv", "--users", "users.csv")
    assert (done.status, done.err) == (0, "")
    assert done.out == "log.csv: stored 6 events\nusers.csv: stored 2 changes of users\n"
    return xingji


def test_the_lake_answers_as_the_files_do(loaded: Commands) -> None:
    from_files = loaded.ask(FUNNEL, "--events", "log.csv", "--users", "users.csv")
    assert loaded.ask(FUNNEL) == from_files
    done = loaded("query", loaded.write("q.json", json.dumps(FUNNEL)), "--project", "default")
    assert (done.status, done.err, done.json) == (0, "", from_files)


def test_a_file_is_stored_once_whatever_its_name(loaded: Commands) -> None:
    loaded.write("copy.csv", LOG)
    done = loaded.here("import", "log.csv", "copy.csv")
    assert done.out.splitlines() == [
        "log.csv: nothing to do, all of it was loaded before",
        "copy.csv: nothing to do, all of it was loaded before",
    ]
    assert total(loaded) == 6


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_an_empty_file_is_like_any_other(name: str, xingji: Commands) -> None:
    for file in (name, xingji.write("again.csv", "")):
        xingji.write(file, "")
        done = xingji.here("import", file)
        assert (done.status, done.out, done.err) == (0, f"{file}: it holds no rows\n", "")
    done = xingji.here("import", xingji.write("a.parquet", ""))
    assert (done.status, "it is no whole Parquet file" in done.err) == (2, True)
    assert xingji.here("doctor").status == 0


def test_projects_are_apart(loaded: Commands) -> None:
    loaded.here("import", "log.csv", "--project", "other-1")
    loaded.write("more.csv", "user,event,time\nu9,view,2026-01-01T00:00:00Z\n")
    loaded.here("import", "more.csv", "--project", "other-1")
    assert (total(loaded), total(loaded, "--project", "other-1")) == (6, 7)
    done = loaded.here("query", "-", "--project", "third", stdin=json.dumps(TREND))
    assert (done.status, "its projects: default, other-1" in done.err) == (2, True)


def test_what_was_refused_is_counted_by_reason(xingji: Commands) -> None:
    xingji.write(
        "log.csv", LOG + ",view,2026-01-01T00:00:00Z,,,\nnull,view,2026-01-01T00:00:00Z,,,\nu,view,,,,\n"
    )
    done = xingji.here("import", "log.csv")
    assert done.out == (
        "log.csv: stored 6 events; refused 3 rows: 1 junk id (first: row 9), 1 no time (first: row 10), "
        "1 no user (first: row 8)\n"
    )
    again = xingji.here("import", "log.csv", "--project", "p2", "--json")
    assert again.json == {
        "file": "log.csv",
        "known": False,
        "stored": 6,
        "repeated": 0,
        "refused": 3,
        "refused_by_reason": {"no user": 1, "junk id": 1, "no time": 1},
        "resumed_at": 0,
    }


def test_a_file_that_breaks_off_stores_nothing(xingji: Commands) -> None:
    whole = (xingji.folder / big_log(xingji.folder)).read_bytes()
    xingji.write("cut.parquet", whole[: len(whole) // 2])
    done = xingji.here("import", "cut.parquet")
    assert (done.status, done.out) == (2, "")
    assert "it is no whole Parquet file" in done.err
    assert total(xingji) == 0


def test_compaction_changes_no_answer(loaded: Commands) -> None:
    before = loaded.ask(FUNNEL)
    done = loaded.here("compact")
    assert (done.status, done.out.splitlines()[0]) == (0, "put 6 events into order")
    assert loaded.ask(FUNNEL) == before
    assert loaded.here("compact").out.splitlines()[0] == "nothing to compact"


def test_merged_users_are_one_until_unmerged(loaded: Commands) -> None:
    users = {"series": [{"event": "*", "measure": "users"}]}
    assert total(loaded, **users) == 3
    done = loaded.here("merge", "--user", "u3", "--into", "u2")
    assert (done.status, done.err) == (0, "")
    assert total(loaded, **users) == 2
    assert loaded.here("unmerge", "--user", "u3").status == 0
    assert total(loaded, **users) == 3
    loaded.here("merge", "--user", "u3", "--into", "u2")
    assert (
        loaded.here("compact").out.splitlines()[0] == "put 6 events into order, moved those of 1 merged users"
    )
    assert total(loaded, **users) == 2
    assert loaded.here("unmerge", "--user", "u3").status == 0
    assert total(loaded, **users) == 3
    assert "gave theirs back to 1 parted ones" in loaded.here("compact").out
    assert total(loaded, **users) == 3
    assert loaded.here("unmerge", "--user", "u3").status == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["merge", "--user", "u9", "--into", "u1"], '--user is "u9", whom project', id="whom"),
        pytest.param(
            ["merge", "--user", "u1", "--into", "u9"], '--into is "u9", whom project', id="into whom"
        ),
        pytest.param(["merge", "--user", "u1", "--into", "u1"], "another user than u1", id="oneself"),
        pytest.param(["unmerge", "--user", "u1"], "a user whose merge is in force", id="not merged"),
    ],
)
def test_merges_that_cannot_be(words: list[str], sentence: str, loaded: Commands) -> None:
    done = loaded.here(*words)
    assert (done.status, done.out) == (2, "")
    assert sentence in done.err


def test_joined_columns_may_be_kept_or_not(loaded: Commands) -> None:
    loaded.here("compact")
    asked = [loaded.here("query", "-", stdin=json.dumps(TREND), XINGJI_JOINED_MIB=mib) for mib in ("0", "64")]
    assert [one.status for one in asked] == [0, 0]
    assert asked[0].out == asked[1].out


def test_prepared_columns_keep_to_their_bound(loaded: Commands) -> None:
    loaded.here("compact")
    prepared = loaded.folder / "home" / "projects" / "default" / "prepared"
    total(loaded)
    assert list(prepared.rglob("*.col"))
    assert loaded.here("query", "-", stdin=json.dumps(TREND), XINGJI_PREPARED_MIB="0").status == 0
    assert list(prepared.rglob("*.col")) == []
    assert total(loaded) == 6


def test_an_erased_user_is_gone_and_a_receipt_is_left(loaded: Commands) -> None:
    loaded.here("compact")
    done = loaded.here("erase", "--user", "u1", "--yes")
    receipt = done.json
    assert (done.status, done.err) == (0, "")
    assert {name: receipt[name] for name in ("erased", "project", "events", "user_changes")} == {
        "erased": "u1",
        "project": "default",
        "events": 3,
        "user_changes": 1,
    }
    assert total(loaded) == 3
    kept = b"".join(file.read_bytes() for file in (loaded.folder / "home").rglob("*") if file.is_file())
    assert "重庆".encode() not in kept


def test_an_erasure_that_was_stopped_is_ended_by_the_same_command(
    loaded: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "collect", stop)
        assert loaded.here("erase", "--user", "u1", "--yes").status == 130
    assert total(loaded) == 3
    assert "erasure-receipt was interrupted" in loaded.here("doctor").out
    done = loaded.here("erase", "--user", "u1", "--yes")
    assert (done.status, done.json["events"], done.json["user_changes"]) == (0, 3, 1)
    kept = b"".join(file.read_bytes() for file in (loaded.folder / "home").rglob("*") if file.is_file())
    assert "重庆".encode() not in kept
    assert loaded.here("erase", "--user", "u1", "--yes").status == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["--user", "u1"], "nobody is there to confirm this; give --yes", id="nobody to ask"),
        pytest.param(["--user", "u7", "--yes"], 'is "u7", whom project default does not know', id="unknown"),
    ],
)
def test_nothing_is_erased_by_mistake(words: list[str], sentence: str, loaded: Commands) -> None:
    done = loaded.here("erase", *words)
    assert (done.status, done.out) == (2, "")
    assert sentence in done.err
    assert total(loaded) == 6


def test_the_doctor_finds_nothing_wrong(loaded: Commands) -> None:
    done = loaded.here("doctor", "--deep", "--json")
    found = {finding["about"]: finding for finding in done.json}
    assert done.status == 0
    assert found["kernels"]["state"] == "ok"
    assert found["project default"]["sentence"].startswith("6 events in ")
    assert "failure" not in {finding["state"] for finding in done.json}


def test_the_doctor_names_what_is_damaged(loaded: Commands) -> None:
    loaded.here("compact")
    victim = max((loaded.folder / "home").rglob("events/**/*.parquet"), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-100])
    done = loaded.here("doctor")
    assert done.status == 1
    assert any(
        line.startswith("failure  project default") and victim.name in line for line in done.out.splitlines()
    )


def test_a_damaged_file_is_named_and_the_rest_answers(loaded: Commands) -> None:
    loaded.here("compact")
    victim = max((loaded.folder / "home").rglob("events/**/*.parquet"), key=lambda path: path.stat().st_size)
    n_rows = pq.read_metadata(victim).num_rows
    victim.write_bytes(b"no Parquet")
    shutil.rmtree(loaded.folder / "home" / "projects" / "default" / "prepared")
    result = loaded.ask(TREND)
    assert result["series"][0]["total"] == 6 - n_rows
    (warning,) = result["warnings"]
    assert victim.name in warning


def test_a_damaged_catalogue_is_one_sentence(loaded: Commands) -> None:
    catalogue = next((loaded.folder / "home").rglob("catalog.db"))
    catalogue.write_bytes(b"no catalogue" * 1000)
    done = loaded.here("query", "-", stdin=json.dumps(TREND))
    assert (done.status, done.out) == (1, "")
    (sentence,) = done.err.splitlines()
    assert f"{catalogue} is damaged" in sentence
    assert loaded.here("doctor").status == 1


def test_the_doctor_goes_on_after_what_cannot_be_opened(loaded: Commands) -> None:
    projects = loaded.folder / "home" / "projects"
    shutil.copytree(projects / "default", projects / "copy")
    for path in (projects / "default").rglob("events_tail/metadata/*.json"):
        path.write_bytes(b"")
    (projects / "also").mkdir()
    (projects / "also" / "lake").write_text("no folder")
    done = loaded.here("doctor", "--json")
    found = {(each["about"], each["state"]): each["sentence"] for each in done.json}
    assert (done.status, done.err) == (1, "")
    assert "lake that was made at" in found["project copy", "failure"]
    assert "events_tail/metadata" in found["project default", "failure"]
    assert ("project also", "failure") in found


def killed(xingji: Commands, file: str, when: str) -> None:
    """Begin the import of a file, and kill it once a file of that name pattern is in the home."""
    process = xingji.start("import", file)
    home = xingji.folder / "home"
    while process.poll() is None and not any(home.glob(when)):
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -9


@pytest.mark.parametrize(
    "when",
    [
        pytest.param("projects/default/lake/catalog.db", id="at once"),
        pytest.param(RUNS, id="while runs are written"),
        pytest.param("projects/default/lake/sessions/**/progress.json", id="when rows are safe"),
        pytest.param("projects/default/lake/warehouse/events/**/*.parquet", id="while base files are built"),
    ],
)
def test_an_import_that_was_killed_goes_on(when: str, xingji: Commands) -> None:
    file = big_log(xingji.folder)
    killed(xingji, file, when)
    done = xingji("import", file, "--json")
    assert (done.status, done.err, done.json["stored"], done.json["repeated"]) == (0, "", N_ROWS, 0)
    if when.endswith("progress.json"):
        assert done.json["resumed_at"] >= RUN_ROWS
    assert total(xingji) == N_ROWS
    distinct = [{"event": "*", "measure": {"distinct": "event.n"}}]
    assert total(xingji, series=distinct) == N_ROWS
    assert xingji.here("import", file, "--json").json["known"] is True
    assert xingji.here("doctor").status == 0


def test_an_import_that_is_interrupted_says_so_and_can_go_on(xingji: Commands) -> None:
    file = big_log(xingji.folder)
    process = xingji.start("import", file)
    while process.poll() is None and not any((xingji.folder / "home").glob(RUNS)):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out.decode(), err.decode()) == (130, "", "cancelled\n")
    assert total(xingji) == 0
    assert xingji.here("import", file, "--json").json["stored"] == N_ROWS


def test_a_second_import_of_the_same_file_waits_for_nobody(xingji: Commands) -> None:
    file = big_log(xingji.folder)
    process = xingji.start("import", file)
    while process.poll() is None and not any((xingji.folder / "home").glob(RUNS)):
        time.sleep(0.002)
    done = xingji("import", file)
    out, _ = process.communicate()
    assert (process.returncode, out.decode()) == (0, f"{file}: stored {N_ROWS:,} events\n")
    assert done.status in (0, 1)
    assert done.status == 0 or "is in use by" in done.err
    assert total(xingji) == N_ROWS
