"""`xingji query`: one question over files, or over the lake."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xingji.adapters.threads import ThreadRunner
from xingji.analysis.engine import run_query
from xingji.app.event_files import Reading, add_file_options, check_file, read_log, remarks
from xingji.app.exact_json import pretty
from xingji.app.failure import DONE
from xingji.app.lakes import open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.spelling import unknown_events
from xingji.app.tables import tables_of
from xingji.app.terminal import Terminal
from xingji.app.user_files import read_users
from xingji.lake.memory import MemorySnapshot
from xingji.lake.part import Snapshot
from xingji.model.errors import CallerError, InputError
from xingji.model.parse import parse_query
from xingji.model.query import Query

EXAMPLES = """
xingji query funnel.json --events events.csv
xingji query funnel.json --events 2026-01.ndjson.gz 2026-02.ndjson.gz --format table
xingji query funnel.json --events log.csv --map user=customer --map event=action --map time=at
xingji query funnel.json --project default          (over the lake, after `xingji import`)
echo '{"kind": "trend", "series": [{"event": "*"}]}' | xingji query - --events events.csv
"""
_ROWS_FOR_THREADS = 200_000
_MAX_QUESTION_BYTES = 16 << 20


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("question", metavar="Q.json", help="the question as JSON; - reads standard input")
    parser.add_argument(
        "--events",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="the log: NDJSON, CSV, Parquet, XES or access logs, plain or gzipped; several files are one log",
    )
    parser.add_argument(
        "--users",
        metavar="FILE",
        type=Path,
        help="with --events: properties of users; columns user, time (since when they hold) and one for each",
    )
    add_project(parser)
    parser.add_argument("--format", choices=("json", "table"), default="json", help="default: json")
    add_file_options(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Answer the question."""
    query = parse_query(_question(arguments.question, terminal))
    reading = Reading.of(arguments)
    with _snapshot(arguments, reading, settings, terminal) as snapshot:
        result = answer(query, snapshot, settings, terminal)
    if arguments.format == "table":
        terminal.show(*tables_of(result))
    else:
        terminal.answer(pretty(result))
    return DONE


@contextmanager
def _snapshot(
    arguments: Namespace, reading: Reading, settings: Settings, terminal: Terminal
) -> Iterator[Snapshot]:
    if arguments.events:
        yield _of_files(arguments.events, arguments.users, reading, settings, terminal)
        return
    if arguments.users or not reading.is_default:
        raise CallerError("--users and how files are read belong to --events: without it, the lake is asked")
    with open_lake(settings, arguments.project) as lake, lake.snapshot() as snapshot:
        yield snapshot


def answer(query: Query, snapshot: Snapshot, settings: Settings, terminal: Terminal) -> dict[str, object]:
    """The result of a query on all threads; what looks misspelt is said on standard error."""
    for sentence in unknown_events(query, snapshot.event_names):
        terminal.say(f"note: {sentence}")
    with ThreadRunner(settings.threads) as runner, terminal.progress("Answering"):
        return run_query(query, snapshot, runner=runner, memory_bound_bytes=settings.memory_bytes)


def _question(name: str, terminal: Terminal) -> bytes:
    try:
        if name == "-":
            text = terminal.read(_MAX_QUESTION_BYTES + 1)
        else:
            with open(name, "rb") as file:
                text = file.read(_MAX_QUESTION_BYTES + 1)
    except OSError as fault:
        raise InputError(name, f"the question cannot be read: {fault.strerror}") from None
    if len(text) > _MAX_QUESTION_BYTES:
        raise InputError(
            name, f"a question of more than {_MAX_QUESTION_BYTES >> 20} MiB; is it the question?"
        )
    return text


def _of_files(
    files: list[Path], users: Path | None, reading: Reading, settings: Settings, terminal: Terminal
) -> Snapshot:
    for path in [*files, *([users] if users else [])]:
        check_file(path)
    log = read_log(files, reading, settings.memory_bytes, terminal)
    for remark in remarks(log):
        terminal.say(f"note: {remark}")
    changes = read_users(users, settings.memory_bytes, terminal) if users else None
    n_buckets = settings.threads if len(log.table) >= _ROWS_FOR_THREADS else 1
    with terminal.progress("Putting events in order"):
        return MemorySnapshot.from_table(log.table, n_buckets, changes)
