"""`xingji merge`: two users turn out to be one person."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from xingji.app.failure import DONE
from xingji.app.lakes import check_user, open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal
from xingji.model.errors import FieldError

EXAMPLES = """
xingji merge --user device-17 --into c-101
xingji unmerge --user device-17                     (undoes it, at any time)
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("--user", metavar="U", required=True, help="whose events belong to somebody else")
    parser.add_argument("--into", metavar="V", required=True, help="to whom")
    add_project(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Merge them; nothing is moved before the next compaction."""
    user, into = arguments.user, arguments.into
    with open_lake(settings, arguments.project) as lake:
        check_user(lake, "--user", user, arguments.project)
        check_user(lake, "--into", into, arguments.project)
        if user == into:
            raise FieldError("--into", into, f"another user than {user}")
        lake.merge_users(user, into)
    terminal.answer(f"everything of {user} now belongs to {into}; xingji unmerge --user {user} undoes it")
    return DONE
