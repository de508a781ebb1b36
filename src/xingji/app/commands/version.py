"""`xingji version`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from xingji import __version__
from xingji.app.failure import DONE
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal

EXAMPLES = "xingji version"


def arrange(parser: ArgumentParser) -> None:
    """It takes nothing."""


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Print the version."""
    terminal.answer(f"xingji {__version__}")
    return DONE
