"""`xingji compact`: what was loaded since goes into order, and what nobody needs any more is removed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from xingji.app.failure import DONE
from xingji.app.lakes import open_lake
from xingji.app.project import add_project
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal

EXAMPLES = """
xingji compact
xingji compact --project loans
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    add_project(parser)


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Compact the lake, then collect; answers are the same before, during and after."""
    with open_lake(settings, arguments.project) as lake:
        with terminal.progress("Compacting", None, "files") as advance:
            done = lake.compact(lambda built, _: advance(built), settings.threads)
        with terminal.progress("Removing what is not needed"):
            freed = lake.collect(prepared_bytes=settings.prepared_bytes)
    if done is None:
        terminal.answer("nothing to compact")
    else:
        repeated = f", dropped {done.repeated_events:,} repeated ones" if done.repeated_events else ""
        merged = f", moved those of {done.merged_users:,} merged users" if done.merged_users else ""
        parted = f", gave theirs back to {done.parted_users:,} parted ones" if done.parted_users else ""
        terminal.answer(f"put {done.events:,} events into order{repeated}{merged}{parted}")
    held = f"; {freed.held:,} more are still being read" if freed.held else ""
    terminal.answer(f"removed {freed.files:,} files, {freed.bytes / 2**20:,.1f} MiB{held}")
    return DONE
