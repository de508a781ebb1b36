"""The commands, one module each: `arrange` says what it takes, `run` does it.

A module is imported only when its command is chosen, so that `xingji version` does not wait for the engine.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from xingji.app.settings import Settings
from xingji.app.terminal import Terminal


class CommandModule(Protocol):
    """What the module of a command has."""

    EXAMPLES: str

    def arrange(self, parser: ArgumentParser) -> None:
        """Add what the command takes."""
        ...

    def run(self, arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
        """Do it, and return the status; raises XingjiError."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name, the module that does it, and what it is for."""

    name: str
    module: str
    summary: str

    def load(self) -> CommandModule:
        """The module that does it."""
        return cast(CommandModule, import_module(f"xingji.app.commands.{self.module}"))


COMMANDS = (
    Command("demo", "demo", "simulate a bank, load it, and show its funnel, retention and busiest paths"),
    Command("query", "query", "answer a question over files, or over the lake"),
    Command("import", "load", "load files of events into the lake"),
    Command("simulate", "simulate", "write the events of a simulated bank to a file"),
    Command(
        "compact", "compact", "bring what was loaded since into order, and remove what is not needed any more"
    ),
    Command("merge", "merge", "let everything of one user belong to another"),
    Command("unmerge", "unmerge", "undo a merge: the user has their own events again"),
    Command("erase", "erase", "remove a user and everything about them, for good"),
    Command("doctor", "doctor", "check the installation, the home folder and the lakes in it"),
    Command("version", "version", "print the version"),
)
