"""Runs a page's blocks in order, in one folder, and compares what they print with what the page shows.

In a `console` block a line that starts with `$ ` is a command (`> ` continues it), and the lines below it are
what it prints, on both streams. Where nothing is shown, nothing is compared. A line of `...` stands for any
number of lines, and `...` inside a line for any text. The status must be 0 unless the block says otherwise.
Python blocks of one page share their names; `>>>` examples are doctests.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.page import Block, read_blocks

TIMEOUT_SECONDS = 300
_SET_UP = {"make", "git", "sudo", "apt-get", "pip", "docker"}
_OUTPUT_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class PageError(AssertionError):
    """A page says something that does not happen; the message names the line."""


@dataclass(frozen=True)
class Command:
    """One command of a console block, with the text the page shows below it (None: nothing is shown)."""

    text: str
    line: int
    shown: str | None


def run_page(page: Path, folder: Path) -> int:
    """
    Run every block of `page` in `folder`, which must be empty, and return how many were run.

    Raises:
        PageError: a command failed, printed something else than the page shows, or is not one to run here.
    """
    names: dict[str, object] = {"__name__": "__page__"}
    printed = ""
    blocks = [block for block in read_blocks(page.read_text()) if block.is_run]
    for block in blocks:
        where = f"{page.name}:{block.line}"
        if "file" in block.directives:
            _write(block, folder, where)
        elif "output" in block.directives:
            compare(printed, block.text, where)
        elif block.language == "console":
            _run_console(block, folder, page.name)
        else:
            printed = _run_python(block, folder, names, page.name)
    return len(blocks)


def read_commands(block: Block) -> list[Command]:
    """The commands of a console block; raises PageError when it begins with anything else."""
    commands: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        if line.startswith("$ "):
            commands.append(Command(line[2:], number, None))
        elif not commands:
            raise PageError(f"line {number}: a console block begins with a command, as in `$ xingji version`")
        elif line.startswith("> ") and commands[-1].shown is None:
            commands[-1] = Command(f"{commands[-1].text}\n{line[2:]}", commands[-1].line, None)
        else:
            commands[-1] = Command(
                commands[-1].text, commands[-1].line, f"{commands[-1].shown or ''}{line}\n"
            )
    return commands


def compare(printed: str, shown: str, where: str) -> None:
    """Raise PageError unless `printed` is as `shown`; spaces at line ends and empty last lines are free."""
    pattern = "".join(_pattern_of(line) for line in _lines(shown))
    text = "".join(f"{line}\n" for line in _lines(printed))
    if not re.fullmatch(pattern, text):
        raise PageError(f"{where}: the page shows\n\n{shown}\nand this was printed\n\n{printed}")


def _pattern_of(line: str) -> str:
    if line.strip() == "...":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*?".join(re.escape(piece) for piece in line.split("...")) + "\n"


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _write(block: Block, folder: Path, where: str) -> None:
    target = (folder / block.directives["file"]).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise PageError(f"{where}: the file {block.directives['file']} lies outside the page's folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.text)


def _run_console(block: Block, folder: Path, page_name: str) -> None:
    commands = read_commands(block)
    for command in commands:
        where = f"{page_name}:{command.line}"
        last_status = int(block.directives.get("exit", "0")) if command is commands[-1] else 0
        printed, status = _run_command(command.text, folder, where)
        if status != last_status:
            raise PageError(f"{where}: `{command.text}` ended with {status}, not {last_status}\n\n{printed}")
        if command.shown is not None:
            compare(printed, command.shown, where)


def _run_command(text: str, folder: Path, where: str) -> tuple[str, int]:
    if (program := shlex.split(text, comments=True)[0]) in _SET_UP:
        raise PageError(f"{where}: {program} is not run from a page; show it in a block of sh, without the $")
    try:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", text],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise PageError(f"{where}: `{text}` did not end within {TIMEOUT_SECONDS} s") from expired
    return done.stdout, done.returncode


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "XINGJI_HOME": str(folder / ".xingji"),
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "TZ": "UTC",
    }


def _run_python(block: Block, folder: Path, names: dict[str, object], page_name: str) -> str:
    where = f"{page_name}:{block.line}"
    out = io.StringIO()
    with _inside(folder), contextlib.redirect_stdout(out):
        if ">>> " in block.text:
            _run_examples(block, names, where)
        else:
            # The empty lines put the page's own line numbers into a traceback.
            program = compile("\n" * (block.line - 1) + block.text, page_name, "exec")
            try:
                exec(program, names)
            except Exception as fault:
                raise PageError(f"{where}: {type(fault).__name__}: {fault}") from fault
    return out.getvalue()


def _run_examples(block: Block, names: dict[str, object], where: str) -> None:
    examples = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line - 1)
    examples.globs = names
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=_OUTPUT_FLAGS, verbose=False)
    if runner.run(examples, out=report.write, clear_globs=False).failed:
        raise PageError(f"{where}: {report.getvalue()}")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = os.environ.copy()
    os.environ.update(_environment(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
