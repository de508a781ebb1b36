"""Whatever happens, the user reads one sentence and a script reads a status."""

from __future__ import annotations

import errno
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xingji.app.failure import guarded
from xingji.app.terminal import Terminal
from xingji.model.errors import CallerError, Cancelled, FieldError, StorageFullError


def run(command: Callable[[], int], log_folder: Path | None = None, debug: bool = False) -> tuple[int, str]:
    told = io.StringIO()
    status = guarded(command, Terminal(io.StringIO(), told, io.StringIO()), lambda: log_folder, debug)
    return status, told.getvalue()


def raising(fault: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise fault

    return command


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        pytest.param(CallerError("no"), 2, "error: no\n", id="caller"),
        pytest.param(FieldError("a", 1, "2"), 2, "error: a is 1; allowed: 2\n", id="field"),
        pytest.param(
            StorageFullError("/d", "write x"),
            1,
            "error: no room left in /d to write x; free some space and try again\n",
            id="ours",
        ),
        pytest.param(BrokenPipeError(), 141, "", id="nobody reads"),
        pytest.param(KeyboardInterrupt(), 130, "cancelled\n", id="interrupt"),
        pytest.param(Cancelled(), 130, "cancelled\n", id="cancelled"),
        pytest.param(
            OSError(errno.EACCES, "Permission denied", "/x"), 1, "error: /x: Permission denied\n", id="system"
        ),
        pytest.param(
            MemoryError(),
            1,
            "error: the machine has no memory left; ask for less at once, or on a larger machine\n",
            id="memory",
        ),
    ],
)
def test_sentence_and_status(fault: BaseException, status: int, told: str) -> None:
    assert run(raising(fault)) == (status, told)


def test_a_command_that_is_done_says_nothing() -> None:
    assert run(lambda: 0) == (0, "")


def test_a_reader_that_left_is_not_told_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert run(raising(BrokenPipeError())) == (141, "")


def test_a_bug_leaves_its_traceback_in_a_log(tmp_path: Path) -> None:
    status, told = run(raising(ZeroDivisionError("division\nby zero")), tmp_path / "logs")
    assert status == 1
    (log,) = (tmp_path / "logs").iterdir()
    assert told == (
        "error: ZeroDivisionError: division by zero. This is a bug in Xingji; what is needed to mend it was "
        f"written to {log}\n"
    )
    assert re.search(r"Traceback.*raise fault.*ZeroDivisionError", log.read_text(), re.DOTALL)


def test_a_bug_is_logged_elsewhere_where_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _, told = run(raising(ValueError("x")), tmp_path / "file" / "logs")
    log = Path(told.split("written to ")[1].strip())
    assert "ValueError: x" in log.read_text()
    log.unlink()


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = run(raising(ValueError("x")), debug=True)
    assert (status, told) == (1, "error: ValueError: x. This is a bug in Xingji\n")
    assert "Traceback" in capsys.readouterr().err
