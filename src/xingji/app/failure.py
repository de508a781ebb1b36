"""How a command ends: one clear sentence for a person, and a status for a script."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from xingji import __version__
from xingji.app.terminal import Terminal
from xingji.model.errors import CallerError, Cancelled, XingjiError

DONE, OURS, CALLERS = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141
"""The statuses a shell knows: 128 and the number of the signal, SIGINT or SIGPIPE."""


def guarded(
    command: Callable[[], int], terminal: Terminal, log_folder: Callable[[], Path | None], debug: bool
) -> int:
    """The status of a command: its own, 2 for the caller's faults, 1 for ours, 130 when interrupted.

    `log_folder` says where the traceback of a bug goes; where it says None, or that folder cannot be written,
    the system's temporary one. `debug` shows tracebacks on the terminal instead.
    """
    try:
        status = command()
        terminal.flush()
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except (KeyboardInterrupt, Cancelled):
        return _told(terminal, "cancelled", INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 the last line: whatever went wrong, the user reads a sentence
        if debug:
            traceback.print_exc()
        return _told(terminal, *_sentence_and_status(fault, log_folder, debug))
    return status


def _sentence_and_status(
    fault: Exception, log_folder: Callable[[], Path | None], debug: bool
) -> tuple[str, int]:
    match fault:
        case CallerError():
            return f"error: {fault}", CALLERS
        case XingjiError():
            return f"error: {fault}", OURS
        case MemoryError():
            return "error: the machine has no memory left; ask for less at once, or on a larger machine", OURS
        case OSError(strerror=str(reason), filename=name) if name is not None:
            return f"error: {os.fsdecode(name)}: {reason}", OURS
        case _:
            what = " ".join(str(fault).split())[:200]
            where = "" if debug else f"; what is needed to mend it was written to {_log(fault, log_folder)}"
            return (
                f"error: {type(fault).__name__}{': ' if what else ''}{what}. This is a bug in Xingji{where}",
                OURS,
            )


def _told(terminal: Terminal, sentence: str, status: int) -> int:
    with contextlib.suppress(OSError, ValueError, XingjiError):
        terminal.flush()
    with contextlib.suppress(OSError):
        terminal.say(sentence)
    return status


def _log(fault: Exception, log_folder: Callable[[], Path | None]) -> str:
    text = f"xingji {__version__}, python {sys.version.split()[0]}\n{' '.join(sys.argv)}\n\n"
    text += "".join(traceback.format_exception(fault))
    name = f"error-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-"
    for folder in (_folder_or_none(log_folder), None):
        with contextlib.suppress(OSError):
            handle, path = tempfile.mkstemp(prefix=name, suffix=".log", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return path
    return "nowhere, for no folder can be written; give --debug to see it"


def _folder_or_none(log_folder: Callable[[], Path | None]) -> Path | None:
    with contextlib.suppress(XingjiError, OSError):
        folder = log_folder()
        if folder is not None:
            folder.mkdir(exist_ok=True)
        return folder
    return None


def _drop_output() -> None:
    """Let nothing be written any more, so that the interpreter does not complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
