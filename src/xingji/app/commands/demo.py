"""`xingji demo`: the main job on a simulated bank: load it, and look at its funnel, retention and paths."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from xingji.app.bank import USUAL, add_bank, bank_of
from xingji.app.commands.query import answer
from xingji.app.exact_json import one_line
from xingji.app.failure import DONE
from xingji.app.lakes import new_or_open_lake
from xingji.app.project import folder_of
from xingji.app.settings import Settings
from xingji.app.tables import tables_of
from xingji.app.terminal import Advance, Terminal
from xingji.lake.bulk_import import Import
from xingji.lake.lake import Lake
from xingji.loan import Simulation, SimulationConfig
from xingji.loan.content import questions
from xingji.model.event_table import PREFIX
from xingji.model.parse import parse_query
from xingji.ports.local_file import make_folder, replace_synced

EXAMPLES = """
xingji demo
xingji demo --events 500000 --days 30
xingji query funnel.json --project demo             (the demo's lake is asked like any other)
"""
_SHOWN = {
    "application_funnel": "Applications by product, from the start to the money",
    "app_retention": "Who opens the app again, week by week",
    "busiest_paths": "The busiest paths through the pages, last seven days",
}
_KEYS = ("user", "time", "event", "event_id")


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    add_bank(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Simulate and load what is not loaded yet, then ask."""
    asked = bank_of(arguments)
    project = _project(arguments)
    config = _begun(folder_of(settings, project) / "demo.json", asked)
    with new_or_open_lake(settings, project) as lake:
        _load(lake, config, settings, terminal)
        with lake.snapshot() as snapshot:
            terminal.say(
                f"{snapshot.n_events:,} events of {config.days} days up to {config.today}, project {project}"
            )
            for name, title in _SHOWN.items():
                result = answer(parse_query(questions(config.today)[name]), snapshot, settings, terminal)
                terminal.show(title, *tables_of(result), "")
    terminal.say(f"Ask more of it: xingji query QUESTION.json --project {project}")
    return DONE


def _project(arguments: Namespace) -> str:
    """A project for each bank: another bank than the usual one gets another lake."""
    told = {"events": arguments.events, "days": arguments.days, "seed": arguments.seed}
    parts = [f"{name[0]}{value}" for name, value in told.items() if value != getattr(USUAL, name)]
    return "-".join(["demo", *parts, *([f"t{arguments.today}"] if arguments.today else [])])


def _begun(note: Path, asked: SimulationConfig) -> SimulationConfig:
    """The bank as it was first asked for: its today stays, so that what is loaded is used again."""
    if note.exists():
        return replace(asked, today=dt.date.fromisoformat(json.loads(note.read_text())["today"]))
    make_folder(note.parent)
    replace_synced(note, one_line({"today": str(asked.today)}).encode())
    return asked


def _load(lake: Lake, config: SimulationConfig, settings: Settings, terminal: Terminal) -> None:
    """Load the bank, or what an interrupted run left out of it."""
    with lake.begin_import(f"demo {config}", settings.threads) as work:
        if work.is_done:
            return
        simulation = Simulation(config)
        with terminal.progress("Simulating and loading", config.events, "events") as advance:
            _add_events(work, simulation, advance)
        with terminal.progress("Loading customers"):
            for batch in batches_after(simulation.user_batches(), work.user_rows):
                work.add(users=event_table(batch))
        with terminal.progress("Sorting into the lake", None, "files") as advance:
            work.finish(lambda built, _: advance(built))


def _add_events(work: Import, simulation: Simulation, advance: Advance) -> None:
    done = work.rows
    for batch in batches_after(simulation.event_batches(), work.rows):
        work.add(events=event_table(batch))
        done += len(batch)
        advance(done)


def batches_after(batches: Iterable[pa.RecordBatch], n_rows: int) -> Iterator[pa.RecordBatch]:
    """The batches without their first `n_rows` rows: the same bank always has the same ones."""
    for batch in batches:
        if n_rows < len(batch):
            yield batch.slice(n_rows)
        n_rows = max(n_rows - len(batch), 0)


def event_table(batch: pa.RecordBatch) -> pa.Table:
    """A batch of the simulation as an event table; identities are resolved in it already."""
    kept = [name for name in batch.schema.names if not name.startswith("identity.")]
    names = [name if name in _KEYS else PREFIX + name for name in kept]
    return pa.table([batch[name] for name in kept], names=names)
