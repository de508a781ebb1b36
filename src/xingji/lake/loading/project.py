"""One project's part of a lot: decoded, without repeats, under the persons whose it is, into the lake.

Every keeper stands at its last lot and answers a lot that comes again as it did at first (docs/adr/0004), so
the whole of `load` may be done again after a crash, wherever it was stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from xingji.govern.dedup.keys import keys_of
from xingji.govern.dedup.seen import SeenIds
from xingji.govern.events.columns import to_event_table
from xingji.govern.events.decoding import Decoded, Decoder
from xingji.govern.events.event import Event, Kind, Place, Quarantined
from xingji.govern.events.reasons import Reason
from xingji.govern.events.user_changes import UserChanges, to_user_changes
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.identity.commands import Command, Item, Said
from xingji.govern.identity.directory import Directory
from xingji.govern.identity.kinds import identity_of
from xingji.govern.identity.resolver import Resolved, Resolver
from xingji.govern.wire import READERS
from xingji.lake.lake import Lake
from xingji.lake.loading.replay import Replay, replayed
from xingji.model.event_table import PROPERTY_TYPES
from xingji.ports.event_log import LogEntry
from xingji.ports.lake_store import Subject
from xingji.ports.ledger import MINUTE_US, Fate, Ledger, Line
from xingji.ports.quarantine import Held, Quarantine, Spot
from xingji.ports.user_values import UserValues, Values

Placed = TypeVar("Placed", bound=Item)
_TYPES = {str(kind): kind for kind in PROPERTY_TYPES}
_COMMANDS: msgspec.json.Decoder[Command | Replay] = msgspec.json.Decoder(Command | Replay)
_NOBODY = "no id of the event identifies anybody; allowed: one at least that is neither junk nor denied"


@dataclass(frozen=True, slots=True)
class Keepers:
    """Who keeps the state of a project, each lot by lot."""

    lake: Lake
    seen: SeenIds
    resolver: Resolver
    persons: Directory
    values: UserValues
    quarantine: Quarantine
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class _Owned:
    """The events of a lot that are somebody's, their owners, and those that are nobody's; `held_still`: those
    of them that came from quarantine, by place."""

    events: list[Event]
    owners: list[str]
    nobodys: list[Event]
    held_still: set[Place]

    def new_nobodys(self) -> list[Event]:
        """Those that are not in quarantine yet."""
        return [event for event in self.nobodys if event.place not in self.held_still]


class ProjectLoader:
    """Takes the entries of one project in."""

    def __init__(self, keepers: Keepers) -> None:
        self._keepers = keepers
        self._decoder = Decoder()
        version = keepers.lake.store.version()
        self._event_types, self._user_types = (
            ColumnTypes({name: _TYPES[own.type] for name, own in version.columns(subject).items()})
            for subject in (Subject.EVENT, Subject.USER)
        )

    def load(self, lot: int, entries: Sequence[LogEntry]) -> dict[Line, int]:
        """Store what a lot's entries hold, durably; gives what became of their events.

        `lot`: above the last one loaded, or that one again, with the same entries.

        Raises:
            StorageFullError, TransientError: nothing is lost; load the lot again later.
        """
        decoded = self._decoder.decode(entries)
        said, replays = _commands(decoded.controls)
        again = replayed(lot, replays, self._keepers.quarantine, self._decoder)
        fresh, n_repeats = self._without_repeats(lot, _in_log_order(decoded.events, again.events))
        items = _in_log_order(fresh, said)
        resolved = self._keepers.resolver.resolve(lot, items)
        owned = _owned(items, resolved.owners, again.held_of.keys())
        changes = self._user_changes(lot, owned, resolved)
        released = [one for place, one in again.held_of.items() if place not in owned.held_still]
        counts = _counts(owned, n_repeats, decoded.quarantined, released)
        held = _held(entries, decoded, owned)
        self._store(lot, owned, resolved, changes, held, released, counts)
        return counts

    def _without_repeats(self, lot: int, events: Sequence[Event]) -> tuple[list[Event], Counter[int]]:
        """The events to be stored, and how many repeats were received in each minute."""
        received_us = np.array([event.received_us for event in events], np.int64)
        keys = keys_of([event.event_id for event in events])
        fresh = self._keepers.seen.split(lot, keys, received_us).tolist()
        repeats = Counter(
            event.received_us // MINUTE_US
            for event, is_fresh in zip(events, fresh, strict=True)
            if not is_fresh
        )
        return [event for event, is_fresh in zip(events, fresh, strict=True) if is_fresh], repeats

    def _user_changes(self, lot: int, owned: _Owned, resolved: Resolved) -> UserChanges:
        """What the lot changes of users' properties; survivors take over those of whom they absorbed."""
        pairs = [
            (event, owner)
            for event, owner in zip(owned.events, owned.owners, strict=True)
            if event.user_properties
        ]
        roots = self._roots({owner for _, owner in pairs}, resolved.overrides)
        merged = _Merged(self._keepers.values, lot, resolved.changes)
        found = to_user_changes(
            [event for event, _ in pairs], [roots[owner] for _, owner in pairs], merged, self._user_types
        )
        return UserChanges(found.table, {**merged.of_survivors(), **found.present})

    def _roots(self, names: Iterable[str], overrides: Mapping[str, str | None]) -> dict[str, str]:
        """The root of each name's person after the lot."""
        known = self._keepers.persons.persons_of(map(identity_of, names))
        roots = {}
        for name in names:
            root = known.get(identity_of(name), name)
            while (above := overrides.get(root)) is not None:
                root = above
            roots[name] = root
        return roots

    def _store(
        self,
        lot: int,
        owned: _Owned,
        resolved: Resolved,
        changes: UserChanges,
        held: Sequence[Held],
        released: Sequence[Held],
        counts: Mapping[Line, int],
    ) -> None:
        keepers, overrides = self._keepers, resolved.overrides
        keepers.lake.append(
            f"lot-{lot}",
            self._event_table(owned),
            changes.table,
            [(name, above) for name, above in overrides.items() if above is not None],
            [name for name, above in overrides.items() if above is None],
        )
        keepers.quarantine.commit(lot, held, [one.spot for one in released])
        keepers.values.commit(lot, changes.present)
        keepers.ledger.commit(lot, counts)
        keepers.resolver.commit(lot)
        # Who is nobody now may be somebody in a replay, which is no repeat then.
        keepers.seen.commit(lot, keys_of([event.event_id for event in owned.nobodys]))

    def _event_table(self, owned: _Owned) -> pa.Table | None:
        tracks = [at for at, event in enumerate(owned.events) if event.kind is Kind.TRACK]
        if not tracks:
            return None
        events, owners = [owned.events[at] for at in tracks], [owned.owners[at] for at in tracks]
        return to_event_table(events, owners, self._event_types)


class _Merged:
    """Users' values before a lot, as its merges make them: a survivor's own, then those it takes over."""

    def __init__(self, values: UserValues, lot: int, changes: Sequence[tuple[str, str | None]]) -> None:
        self._values, self._lot = values, lot
        merges = [(absorbed, above) for absorbed, above in changes if above is not None]
        self._known: dict[str, Values] = values.before(lot, {name for merge in merges for name in merge})
        self._survivors: dict[str, None] = {}
        for absorbed, above in merges:
            if absorbed in self._known:
                self._known[above] = {**self._known[absorbed], **self._known.get(above, {})}
                self._survivors[above] = None

    def values_of(self, users: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """See `PresentValues`."""
        asked = set(users)
        found = self._values.before(self._lot, asked - self._known.keys())
        return {**found, **{name: self._known[name] for name in asked & self._known.keys()}}

    def of_survivors(self) -> dict[str, dict[str, Any]]:
        """The values of users who took some over."""
        return {name: dict(self._known[name]) for name in self._survivors}


def _commands(controls: Iterable[LogEntry]) -> tuple[list[Said], list[tuple[LogEntry, Replay]]]:
    """What control entries say about ids, and which replays they ask for; others are not for the loader."""
    said: list[Said] = []
    replays: list[tuple[LogEntry, Replay]] = []
    for entry in controls:
        try:
            command = _COMMANDS.decode(entry.batch.body)
        except msgspec.DecodeError:
            continue
        if isinstance(command, Replay):
            replays.append((entry, command))
        else:
            said.append(Said(Place(entry.offset, 0), entry.batch.received_us, command))
    return said, replays


def _in_log_order(items: Sequence[Placed], more: Sequence[Placed]) -> list[Placed]:
    every = [*items, *more]
    return sorted(every, key=lambda item: (item.place.offset, item.place.index)) if more else every


def _owned(items: Sequence[Item], owners: Sequence[str | None], from_quarantine: Collection[Place]) -> _Owned:
    owned = _Owned([], [], [], set())
    for item, owner in zip(items, owners, strict=True):
        if isinstance(item, Said):
            continue
        if owner is None:
            owned.nobodys.append(item)
            if item.place in from_quarantine:
                owned.held_still.add(item.place)
        else:
            owned.events.append(item)
            owned.owners.append(owner)
    return owned


def _counts(
    owned: _Owned,
    n_repeats: Mapping[int, int],
    quarantined: Iterable[Quarantined],
    released: Iterable[Held],
) -> dict[Line, int]:
    counts: Counter[Line] = Counter()
    counts.update(Line(event.received_us // MINUTE_US, Fate.STORED) for event in owned.events)
    for minute, n_events in n_repeats.items():
        counts[Line(minute, Fate.REPEATED)] += n_events
    for one in quarantined:
        counts[Line(one.received_us // MINUTE_US, Fate.QUARANTINED, one.reason.value)] += one.n_events
    for event in owned.new_nobodys():
        counts[Line(event.received_us // MINUTE_US, Fate.QUARANTINED, Reason.NO_IDENTITY.value)] += 1
    for held in released:
        counts[Line(held.received_us // MINUTE_US, Fate.QUARANTINED, held.reason)] -= 1
    return counts


def _held(entries: Iterable[LogEntry], decoded: Decoded, owned: _Owned) -> list[Held]:
    """What goes to quarantine, as it came."""
    broken = [
        Held(
            Spot(one.place.offset, one.place.index), one.received_us, one.reason.value, one.message,
            one.body, one.form, one.n_events, one.is_entry,
        )
        for one in decoded.quarantined
    ]  # fmt: skip
    numbers: dict[int, list[int]] = {}
    for event in owned.new_nobodys():
        numbers.setdefault(event.place.offset, []).append(event.place.index)
    with_nobodys = (entry for entry in entries if entry.offset in numbers)
    return broken + [held for entry in with_nobodys for held in _nobodys(entry, numbers[entry.offset])]


def _nobodys(entry: LogEntry, numbers: Sequence[int]) -> Iterator[Held]:
    """Some events of a request, whose ids identify nobody."""
    batch = entry.batch
    original = READERS[batch.form](batch.body).original
    for number in numbers:
        spot = Spot(entry.offset, number)
        yield Held(spot, batch.received_us, Reason.NO_IDENTITY.value, _NOBODY, original(number), batch.form)
