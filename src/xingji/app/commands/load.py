"""`xingji import`: files of events, and of user properties, into the lake of a project."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from xingji.adapters.memory import expect_many_values
from xingji.app.event_files import Reading, add_file_options, check_kept_file, reasons
from xingji.app.exact_json import one_line
from xingji.app.failure import DONE
from xingji.app.importing import Outcome, import_events, import_users
from xingji.app.lakes import new_or_open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal
from xingji.app.user_files import USERS
from xingji.model.errors import CallerError

EXAMPLES = """
xingji import events.ndjson.gz
xingji import 2026-01.csv 2026-02.csv --project loans
xingji import log.csv --map user=customer --map event=action --map time=at
xingji import events.parquet --users customers.csv
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=Path,
        help="NDJSON, CSV, Parquet, XES or access logs, plain or gzipped; each is stored once",
    )
    parser.add_argument(
        "--users",
        metavar="FILE",
        type=Path,
        help="properties of users: columns user, time (since when they hold) and one for each property",
    )
    add_project(parser)
    parser.add_argument(
        "--json", action="store_true", help="say what was stored as JSON, a line for each file"
    )
    add_file_options(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Load the files one after the other; each is stored whole or not at all."""
    expect_many_values()
    files: list[Path] = arguments.files
    if not files and arguments.users is None:
        raise CallerError("xingji import needs a file; xingji import --help says more")
    for path in [*files, *([arguments.users] if arguments.users else [])]:
        check_kept_file(path)
    reading = Reading.of(arguments)
    with new_or_open_lake(settings, arguments.project) as lake:
        for path in files:
            outcome = import_events(lake, path, reading, settings.threads, terminal)
            terminal.answer(_told(outcome, "events", arguments.json))
            terminal.flush()
        if arguments.users:
            outcome = import_users(lake, arguments.users, USERS, settings.threads, terminal)
            terminal.answer(_told(outcome, "changes of users", arguments.json))
        lake.merge_tails()
    return DONE


def _told(outcome: Outcome, what: str, as_json: bool) -> str:
    return one_line(_document(outcome)) if as_json else _sentence(outcome, what)


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "file": str(outcome.path),
        "known": outcome.known,
        "stored": outcome.stored,
        "repeated": outcome.repeated,
        "refused": outcome.refused.total,
        "refused_by_reason": dict(outcome.refused.counts),
        "resumed_at": outcome.resumed_at,
    }


def _sentence(outcome: Outcome, what: str) -> str:
    if outcome.known:
        return f"{outcome.path}: nothing to do, all of it was loaded before"
    if outcome.is_empty:
        return f"{outcome.path}: it holds no rows"
    parts = [f"stored {outcome.stored:,} {what}"]
    if outcome.resumed_at:
        parts.append(f"going on after row {outcome.resumed_at:,}, where it was interrupted")
    if outcome.repeated:
        parts.append(f"left out {outcome.repeated:,} that were there already")
    if outcome.refused.total:
        why = reasons({str(outcome.path): outcome.refused})
        parts.append(f"refused {outcome.refused.total:,} rows: {why}")
    return f"{outcome.path}: {'; '.join(parts)}"
