"""`xingji simulate`: the events of a simulated bank in a file, and the truth about them in another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from xingji.app.bank import add_bank, bank_of
from xingji.app.event_writers import FORMATS, check_replaced, check_written, writing
from xingji.app.exact_json import pretty
from xingji.app.failure import DONE
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal
from xingji.loan import Simulation
from xingji.model.errors import CallerError
from xingji.ports.local_file import replace_synced, when_full

EXAMPLES = """
xingji simulate --out bank.parquet
xingji simulate --events 500000 --days 30 --out bank.ndjson.gz --users customers.csv
xingji simulate --today 2026-03-02 --seed 7 --out bank.parquet --truth truth.json
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    add_bank(parser)
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("bank.parquet"),
        help=f"default: bank.parquet; {', '.join(FORMATS)}",
    )
    parser.add_argument(
        "--users", metavar="FILE", type=Path, help="also what is known of each customer, since when"
    )
    parser.add_argument(
        "--truth", metavar="FILE", type=Path, help="also what the simulation knows to be true, as JSON"
    )


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Write the files."""
    config = bank_of(arguments)
    _check_targets(arguments)
    simulation = Simulation(config)
    n_events = 0
    with (
        writing(arguments.out, Simulation.event_schema) as writer,
        terminal.progress("Simulating", config.events, "events") as advance,
    ):
        for batch in simulation.event_batches():
            writer.write(batch)
            n_events += len(batch)
            advance(n_events)
    terminal.answer(f"{arguments.out}: {n_events:,} events of {config.days} days up to {config.today}")
    if arguments.users:
        _write_users(arguments.users, simulation, terminal)
    if arguments.truth:
        _write_truth(arguments.truth, simulation, terminal)
    return DONE


def _check_targets(arguments: Namespace) -> None:
    """Find out what cannot be written before minutes are spent on it."""
    events, users, truth = arguments.out, arguments.users, arguments.truth
    given = [path.resolve() for path in (events, users, truth) if path]
    if len(set(given)) < len(given):
        raise CallerError("--out, --users and --truth must be different files")
    for path in filter(None, (events, users)):
        check_written(path)
    if truth:
        check_replaced(truth)


def _write_users(path: Path, simulation: Simulation, terminal: Terminal) -> None:
    n_changes = 0
    with writing(path, Simulation.user_schema) as writer, terminal.progress("Writing customers"):
        for batch in simulation.user_batches():
            writer.write(batch)
            n_changes += len(batch)
    terminal.answer(f"{path}: {n_changes:,} changes of customers")


def _write_truth(path: Path, simulation: Simulation, terminal: Terminal) -> None:
    with terminal.progress("Working out the truth"), when_full(path.parent, f"write {path}"):
        replace_synced(path, f"{pretty(simulation.truth())}\n".encode())
    terminal.answer(f"{path}: the truth")
