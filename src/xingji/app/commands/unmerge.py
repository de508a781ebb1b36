"""`xingji unmerge`: two users were not one person after all."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from xingji.app.failure import DONE
from xingji.app.lakes import check_user, open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal

EXAMPLES = """
xingji unmerge --user device-17
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("--user", metavar="U", required=True, help="who was merged into somebody else")
    add_project(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Undo the merge, whether a compaction moved the events or not."""
    with open_lake(settings, arguments.project) as lake:
        check_user(lake, "--user", arguments.user, arguments.project)
        lake.unmerge_users(arguments.user)
    terminal.answer(f"{arguments.user} is a user of their own again")
    return DONE
