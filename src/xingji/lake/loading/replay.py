"""Replays from quarantine: what is valid now is taken in as if it came with the command that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from xingji.govern.events.decoding import Decoder
from xingji.govern.events.event import Event, Place
from xingji.ports.event_log import LogEntry, RawBatch
from xingji.ports.quarantine import Held, Quarantine, Spot


class Replay(msgspec.Struct, frozen=True, tag_field="control", tag="quarantine.replay"):
    """Try events in quarantine again, by (offset, number)."""

    spots: list[tuple[int, int]]
    who: str = ""
    reason: str = ""


@dataclass(slots=True)
class Replayed:
    """Events that are valid now, at places of their own, and what each was held as."""

    events: list[Event] = field(default_factory=list)
    held_of: dict[Place, Held] = field(default_factory=dict)


def replayed(
    lot: int, commands: Iterable[tuple[LogEntry, Replay]], quarantine: Quarantine, decoder: Decoder
) -> Replayed:
    """The events that a lot's commands bring back.

    They keep the time at which they were received first: that is what says whether they are repeats. Requests
    that could not be read as a whole stay where they are.
    """
    found = Replayed()
    tried: set[Spot] = set()
    for entry, command in commands:
        spots = [spot for one in command.spots if (spot := Spot(*one)) not in tried]
        tried.update(spots)
        held = [one for one in quarantine.before(lot, dict.fromkeys(spots)) if not one.is_entry]
        for event, one in _valid(entry, held, decoder):
            found.events.append(event)
            found.held_of[event.place] = one
    return found


def _valid(entry: LogEntry, held: Sequence[Held], decoder: Decoder) -> Iterable[tuple[Event, Held]]:
    # An event that came in a batch is a request of its own, in either format.
    project = entry.batch.project
    requests = [
        LogEntry(at, RawBatch(project, one.form, one.received_us, one.body, 1)) for at, one in enumerate(held)
    ]
    for event in decoder.decode(requests).events:
        at = event.place.offset
        yield msgspec.structs.replace(event, place=Place(entry.offset, at)), held[at]
