"""Help, version, the simulated bank and the demonstration."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import Commands
from xingji import __version__
from xingji.app.commands import COMMANDS
from xingji.app.settings import ALL
from xingji.loan.content import questions

BANK = ("--events", "20000", "--days", "7", "--today", "2026-03-02")


def test_version(xingji: Commands) -> None:
    done = xingji("version")
    assert (done.status, done.out, done.err) == (0, f"xingji {__version__}\n", "")


def test_version_loads_no_engine() -> None:
    """Starting is quick because nothing heavy is imported before it is needed."""
    script = (
        "import sys; from xingji.app.main import main; main(['version']); "
        "sys.exit(bool({'numpy', 'pyarrow', 'numba', 'rich', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == 0


def test_help_lists_every_command_and_setting(xingji: Commands) -> None:
    done = xingji.here("--help")
    assert (done.status, done.err) == (0, "")
    assert all(f"  {command.name} " in done.out for command in COMMANDS)
    assert all(setting.variable in done.out for setting in ALL)


def test_no_command_is_shown_the_help(xingji: Commands) -> None:
    done = xingji.here()
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: xingji COMMAND")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_teaches_with_examples(command: object, xingji: Commands) -> None:
    name = command.name  # type: ignore[attr-defined]
    done = xingji.here(name, "--help")
    assert (done.status, done.err) == (0, "")
    assert f"examples:\n  xingji {name}" in done.out


@pytest.mark.parametrize("name", ["bank.parquet", "bank.ndjson", "bank.csv.gz"])
def test_a_simulated_bank_can_be_asked(name: str, xingji: Commands) -> None:
    words = ("simulate", *BANK, "--out", name, "--users", "users.parquet", "--truth", "truth.json")
    done = xingji.here(*words)
    assert (done.status, done.err) == (0, "")
    truth = json.loads((xingji.folder / "truth.json").read_text())
    trend = {"kind": "trend", "series": [{"event": "*"}], "interval": "total", "breakdown": ["event.$event"]}
    found = xingji.ask(trend | {"breakdown_limit": 100}, "--events", name, "--users", "users.parquet")
    assert {line["breakdown"][0]: line["total"] for line in found["series"]} == {
        event: count for event, count in truth["events"].items() if count
    }
    by_province = xingji.ask(
        trend | {"breakdown": ["user.home_province"]}, "--events", name, "--users", "users.parquet"
    )
    assert "重庆市" in {line["breakdown"][0] for line in by_province["series"]}


def test_the_lake_finds_what_the_simulation_knows(xingji: Commands) -> None:
    """Applications by product and step, asked of the demonstration's lake: the truth, to the unit."""
    xingji.here("simulate", *BANK, "--out", "bank.parquet", "--truth", "truth.json")
    xingji.here("demo", *BANK)
    (project,) = (path.name for path in (xingji.folder / "home" / "projects").iterdir())
    question = questions(dt.date(2026, 3, 2))["application_funnel"]
    groups = xingji.ask(question, "--project", project)["groups"]
    truth = json.loads((xingji.folder / "truth.json").read_text())["application_funnel"]
    assert {group["breakdown"][0]: [step["count"] for step in group["steps"]] for group in groups} == truth
    assert xingji.ask(question, "--events", "bank.parquet")["groups"] == groups


def test_the_same_seed_gives_the_same_bank(xingji: Commands) -> None:
    for name in ("a.csv", "b.csv"):
        xingji.here("simulate", *BANK, "--out", name)
    assert (xingji.folder / "a.csv").read_bytes() == (xingji.folder / "b.csv").read_bytes()


def test_nothing_half_written_is_left(xingji: Commands) -> None:
    xingji.here("simulate", *BANK, "--out", "a.csv", "--users", "u.txt")
    assert list(xingji.folder.iterdir()) == []


def test_the_truth_is_written_whole_or_not_at_all(xingji: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    xingji.write("truth.json", "before")
    monkeypatch.setattr(os, "fsync", no_room)
    done = xingji.here("simulate", *BANK, "--out", "a.csv", "--truth", "truth.json")
    assert done.status == 1
    assert "no room left in . to write truth.json" in done.err
    assert sorted(path.name for path in xingji.folder.iterdir()) == ["a.csv", "truth.json"]
    assert (xingji.folder / "truth.json").read_text() == "before"


def test_the_demonstration(xingji: Commands) -> None:
    """It shows a funnel, retention and paths; a second time it uses what is loaded."""
    first = xingji.here("demo", *BANK)
    assert first.status == 0
    assert "1 apply_start" in first.out
    assert "The busiest paths" in first.out
    lakes = list(Path(xingji.folder / "home").rglob("catalog.db"))
    written = {path: path.stat().st_mtime_ns for path in xingji.folder.rglob("*.parquet")}
    second = xingji.here("demo", *BANK)
    assert (second.status, second.out) == (0, first.out)
    assert len(lakes) == 1
    assert {path: path.stat().st_mtime_ns for path in xingji.folder.rglob("*.parquet")} == written
