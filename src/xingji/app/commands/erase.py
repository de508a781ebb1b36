"""`xingji erase`: a user and everything about them, for good."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, Namespace

from xingji.app.exact_json import pretty
from xingji.app.failure import DONE
from xingji.app.lakes import check_user, open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal
from xingji.model.errors import Cancelled, shown

EXAMPLES = """
xingji erase --user u-88
xingji erase --user u-88 --project loans --yes > receipt.json
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("--user", metavar="U", required=True, help="the user, as events name them")
    add_project(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Erase the user after asking, and print a receipt."""
    user, project = arguments.user, arguments.project
    with open_lake(settings, project) as lake:
        if not lake.is_being_erased(user):
            check_user(lake, "--user", user, project)
        question = f"Erase user {shown(user)} and everything about them from project {project}, for good?"
        if not arguments.yes and not terminal.confirm(question):
            raise Cancelled
        with terminal.progress("Erasing"):
            done = lake.erase(user)
    receipt = {
        "erased": user,
        "project": project,
        "at": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "identities": done.users,
        "events": done.events,
        "user_changes": done.user_changes,
        "files_still_read": done.held_files,
    }
    terminal.answer(pretty(receipt))
    if done.held_files:
        terminal.say("note: queries that began before still read old files; run `xingji compact` after them")
    return DONE
