"""Answers go one way, everything else another; bars and questions are for people only."""

from __future__ import annotations

import errno
import io
import sys
import time
from collections.abc import Callable

import pytest

from xingji.app import terminal
from xingji.app.terminal import Terminal
from xingji.model.errors import CallerError, StorageFullError


class Screen(io.StringIO):
    """A stream that a person sits at."""

    def isatty(self) -> bool:
        return True


def wait_for(bar_text: str, screen: Screen) -> bool:
    """Whether the text appears on the screen, given time for the thread that draws it."""
    for _ in range(400):
        if bar_text in screen.getvalue():
            return True
        time.sleep(0.01)
    return False


def test_answers_and_remarks_are_apart() -> None:
    out, err = io.StringIO(), io.StringIO()
    both = Terminal(out, err, io.StringIO())
    both.answer("42")
    both.say("note: so it is")
    assert (out.getvalue(), err.getvalue()) == ("42\n", "note: so it is\n")


def test_no_bar_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_SHOWN_AFTER_SECONDS", 0.0)
    err = io.StringIO()
    with Terminal(io.StringIO(), err, io.StringIO()).progress("Reading", 10, "bytes") as advance:
        advance(5)
        time.sleep(0.05)
    assert err.getvalue() == ""


@pytest.mark.parametrize(
    ("total", "unit", "shown"),
    [
        pytest.param(2_000_000, "events", "1,000,000 of 2,000,000 events", id="of a total"),
        pytest.param(None, "files", "1,000,000 files", id="without a total"),
        pytest.param(2_000_000, "bytes", "1.0/2.0 MB", id="bytes"),
        pytest.param(None, "", "Working", id="only that it goes on"),
    ],
)
def test_a_bar_for_what_takes_longer(
    total: float | None, unit: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "_SHOWN_AFTER_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    out, screen = io.StringIO(), Screen()
    with Terminal(out, screen, io.StringIO()).progress("Working", total, unit) as advance:
        advance(1_000_000)
        assert wait_for(shown, screen), screen.getvalue()
    assert out.getvalue() == ""


def test_no_bar_for_what_is_done_at_once() -> None:
    screen = Screen()
    with Terminal(io.StringIO(), screen, io.StringIO()).progress("Reading"):
        pass
    assert screen.getvalue() == ""


def test_an_error_within_leaves_no_bar_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_SHOWN_AFTER_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()

    def work() -> None:
        with Terminal(io.StringIO(), screen, io.StringIO()).progress("Work"):
            assert wait_for("Work", screen)
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        work()
    assert screen.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_a_yes_is_a_yes(answer: str, agreed: bool) -> None:
    err = io.StringIO()
    assert Terminal(io.StringIO(), err, Screen(answer)).confirm("Really?") is agreed
    assert err.getvalue() == "Really? [y/N] "


def test_nobody_says_yes() -> None:
    with pytest.raises(CallerError, match="give --yes"):
        Terminal(io.StringIO(), io.StringIO(), io.StringIO("y\n")).confirm("Really?")


class FullDisk(io.StringIO):
    """A stream to a disk that has no room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("give", [lambda to: to.answer("42"), lambda to: to.flush()], ids=["write", "flush"])
def test_an_answer_without_room_is_no_bug(give: Callable[[Terminal], None]) -> None:
    with pytest.raises(StorageFullError, match="standard output to write the answer"):
        give(Terminal(FullDisk(), io.StringIO(), io.StringIO()))


def test_closed_streams_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    closed = Terminal.of_process()
    closed.answer("42")
    closed.say("note")
    closed.flush()
    assert closed.read(10) == b""
    with pytest.raises(CallerError, match="give --yes"):
        closed.confirm("Really?")


def test_what_stands_on_standard_input_is_read_up_to_a_bound() -> None:
    endless = io.TextIOWrapper(io.BytesIO(b"x" * 100))
    assert Terminal(io.StringIO(), io.StringIO(), endless).read(10) == b"x" * 10
