"""Entries of the log, decoded into their events and what is none: read one by one, and looked at together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import xxhash

from xingji.collect.faults import RequestFault
from xingji.govern.events.clocks import instants_us, is_plausible, shifts_us
from xingji.govern.events.event import Event, Kind, Place, Quarantined
from xingji.govern.events.profiles import changes_of
from xingji.govern.events.reasons import Reason
from xingji.govern.events.rules import MOST_ID_BYTES, RuleError, bad_time, check_id, identities_of, is_name
from xingji.govern.events.shapes import Shapes
from xingji.govern.files.event_ids import event_ids
from xingji.govern.wire import READERS
from xingji.govern.wire.sent import Sent
from xingji.model.errors import shown
from xingji.ports.event_log import LogEntry

_MOST_KNOWN = 20_000
_LONG_ID = MOST_ID_BYTES // 4
"""Characters that take more bytes than an id may have, at the worst."""


@dataclass(slots=True)
class Decoded:
    """What entries held, in order; `controls`: entries that are no requests, but decisions of ours."""

    events: list[Event] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    controls: list[LogEntry] = field(default_factory=list)

    @property
    def n_events(self) -> int:
        """How many events were accepted with the entries."""
        return len(self.events) + sum(one.n_events for one in self.quarantined)


@dataclass(slots=True)
class _Request:
    """What the events of one entry have in common."""

    entry: LogEntry
    sent_at: bytes
    original: Callable[[int], bytes]
    shift_us: int = 0
    digest: str = ""

    def id_text(self, index: int) -> str:
        """The id of an event that has none: it is the same whenever the same body comes again."""
        if not self.digest:
            self.digest = xxhash.xxh3_128_hexdigest(self.entry.batch.body)
        return f"{self.digest}#{index}"


class _Row(msgspec.Struct, gc=False):
    """An event on its way: where it stands, and what is known of it."""

    request: _Request
    index: int
    sent: Sent


class Decoder:
    """Decodes lot after lot, and learns what events have; one for each thread."""

    def __init__(self, *, bounds_times: bool = True) -> None:
        """`bounds_times`: whether times far from when events were received are refused; imports have such."""
        self._shapes = Shapes()
        self._bounds_times = bounds_times
        self._names: set[str] = set()

    def decode(self, entries: Iterable[LogEntry]) -> Decoded:
        """What entries hold: each of their events is in one of the two lists, at its place."""
        into = Decoded()
        rows: list[_Row] = []
        for entry in entries:
            self._read(entry, rows, into)
        _set_clocks(rows)
        times_us = instants_us([row.sent.time for row in rows])
        ids = event_ids([row.sent.event_id or row.request.id_text(row.index) for row in rows]).to_pylist()
        names = [row.sent.event or "" for row in rows]
        properties = self._shapes.decode(names, [row.sent.properties for row in rows])
        for row, event_id, time_us, given in zip(rows, ids, times_us, properties, strict=True):
            try:
                into.events.append(self._event(row, event_id, time_us, given))
            except RuleError as fault:
                into.quarantined.append(_quarantined(row.request, row.index, fault))
        into.quarantined.sort(key=lambda one: (one.place.offset, one.place.index))
        return into

    def _read(self, entry: LogEntry, rows: list[_Row], into: Decoded) -> None:
        reader = READERS.get(entry.batch.form)
        if reader is None:
            into.controls.append(entry)
            return
        try:
            found = reader(entry.batch.body)
        except RequestFault as fault:  # the gateway lets none of these in
            into.quarantined.append(_whole(entry, str(fault)))
            return
        request = _Request(entry, found.sent_at, found.original)
        for index, sent in enumerate(found.events):
            if isinstance(sent, RuleError):
                into.quarantined.append(_quarantined(request, index, sent))
            else:
                rows.append(_Row(request, index, sent))

    def _event(self, row: _Row, event_id: bytes, time_us: int | None, given: Any) -> Event:
        sent, request, batch = row.sent, row.request, row.request.entry.batch
        if isinstance(given, RuleError):
            raise given
        if sent.event_id is not None and len(sent.event_id) > _LONG_ID:
            check_id(sent.event_id)
        kind = sent.type or Kind.TRACK
        name = self._name(sent.event) if kind is Kind.TRACK else ""
        if sent.platform is not None and sent.platform not in self._names:
            self._learn(sent.platform, Reason.BAD_PLATFORM, "platform")
        ids = None if sent.identities is None else msgspec.structs.astuple(sent.identities)
        changes = changes_of(kind, sent.properties, sent.user_properties)
        return Event(
            Place(request.entry.offset, row.index), event_id, kind, name, self._time(row, time_us),
            batch.received_us, identities_of(ids), given, changes, sent.platform,
            request.shift_us if sent.time is not None else 0, batch.project,
        )  # fmt: skip

    def _name(self, sent: str | None) -> str:
        if sent is None:
            raise RuleError(Reason.NO_EVENT_NAME, "event is missing; allowed: a name")
        if sent not in self._names:
            self._learn(sent, Reason.BAD_EVENT_NAME, "event")
        return sent

    def _learn(self, name: str, reason: Reason, path: str) -> None:
        """Look at a name for the first time; good ones are remembered, a bounded number of them."""
        if not is_name(name):
            allowed = "a text of up to 255 bytes without control characters"
            raise RuleError(reason, f"{path} is {shown(name)}; allowed: {allowed}")
        if len(self._names) < _MOST_KNOWN:
            self._names.add(name)

    def _time(self, row: _Row, time_us: int | None) -> int:
        """An event's time by our clock; when it was received, where it says none."""
        sent, received_us = row.sent.time, row.request.entry.batch.received_us
        if sent is None:
            return received_us
        if time_us is None:
            raise bad_time(sent)
        corrected = time_us + row.request.shift_us
        if self._bounds_times and not is_plausible(corrected, received_us):
            allowed = "from 5 years before to 1 hour after the event was received"
            raise RuleError(Reason.IMPLAUSIBLE_TIME, f"time is {shown(sent)}; allowed: {allowed}")
        return corrected


def _set_clocks(rows: Iterable[_Row]) -> None:
    """Find how far the clock of each request's sender is off, for all requests of a lot at once."""
    requests = list({id(row.request): row.request for row in rows if row.request.sent_at}.values())
    received_us = [request.entry.batch.received_us for request in requests]
    for request, shift in zip(
        requests, shifts_us([one.sent_at for one in requests], received_us), strict=True
    ):
        request.shift_us = shift


def _quarantined(request: _Request, index: int, fault: RuleError) -> Quarantined:
    batch = request.entry.batch
    return Quarantined(
        Place(request.entry.offset, index), batch.received_us, fault.reason, str(fault),
        request.original(index), batch.project, batch.form,
    )  # fmt: skip


def _whole(entry: LogEntry, message: str) -> Quarantined:
    batch = entry.batch
    return Quarantined(
        Place(entry.offset, 0), batch.received_us, Reason.UNREADABLE, message, batch.body, batch.project,
        batch.form, max(batch.n_events, 1), True,
    )  # fmt: skip
