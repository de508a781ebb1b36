"""The command line: chooses the command, and turns whatever happens into a sentence and a status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from xingji.app.commands import COMMANDS, Command
from xingji.app.failure import CALLERS, DONE, guarded
from xingji.app.settings import ALL, read_settings
from xingji.app.terminal import Terminal
from xingji.model.errors import CallerError, nearest_names

_ABOUT = "Behaviour analytics for a bank's online products: events in, exact answers out."
_STATUSES = """\
statuses: 0 done; 1 the fault is ours or the machine's; 2 the question or a file is at fault; 130 cancelled"""


def main(words: Sequence[str] | None = None) -> int:
    """Run `xingji` with the words of its command line (None: this process's), and return its status."""
    given = sys.argv[1:] if words is None else list(words)
    terminal = Terminal.of_process()
    return guarded(lambda: _run_or_help(given, terminal), terminal, _log_folder, "--debug" in given)


def _run_or_help(words: list[str], terminal: Terminal) -> int:
    try:
        return _run(words, terminal)
    except SystemExit:  # how argparse ends once it has printed help
        return DONE


def _run(words: list[str], terminal: Terminal) -> int:
    chosen = next((word for word in words if not word.startswith("-")), None)
    command = next((command for command in COMMANDS if command.name == chosen), None)
    if chosen is not None and command is None:
        nearest = nearest_names(chosen, [command.name for command in COMMANDS])
        offer = f"; the nearest: {', '.join(nearest)}" if nearest else ""
        raise CallerError(f"there is no command {chosen!r}{offer}; xingji --help lists them all")
    if command is None:
        _parser().parse_args(words)
        _parser().print_help(sys.stderr)
        return CALLERS
    arguments = _parser_of(command).parse_args(
        [word for at, word in enumerate(words) if at != words.index(command.name)]
    )
    return command.load().run(arguments, read_settings(), terminal)


class _Parser(argparse.ArgumentParser):
    """Raises CallerError in place of printing how it is used."""

    def error(self, message: str) -> NoReturn:
        raise CallerError(f"{message}; {self.prog} --help says more")


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {command.name:10}{command.summary}" for command in COMMANDS)
    variables = "\n".join(f"  {setting.variable:20}{setting.meaning} ({setting.unit})" for setting in ALL)
    parser = _Parser(
        prog="xingji",
        usage="xingji COMMAND …",
        description=f"{_ABOUT}\n\ncommands:\n{listed}\n\nxingji COMMAND --help explains one, with examples.",
        epilog=f"environment:\n{variables}\n\n{_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _parser_of(command: Command) -> argparse.ArgumentParser:
    module = command.load()
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES.strip().splitlines())
    parser = _Parser(
        prog=f"xingji {command.name}",
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arrange(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _log_folder() -> Path | None:
    """The folder for logs of a home that exists already; a mere question makes none."""
    home = read_settings().home
    return home / "logs" if home.is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
