"""An entry of the log, decoded into its events and what is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import xxhash

from xingji.collect.faults import RequestFault
from xingji.collect.native import read_request
from xingji.govern.events.clocks import instants_us, is_plausible, shift_us
from xingji.govern.events.event import Event, Place, Quarantined
from xingji.govern.events.rules import RuleError, id_text_of, identities_of, kind_of, name_of, properties_of
from xingji.govern.files.event_ids import event_id_bytes
from xingji.model.errors import shown
from xingji.ports.event_log import LogEntry

PLATFORM, DELAY, SHIFT = "platform", "$received_delay_ms", "$clock_shift_ms"
"""Properties that the server gives: the field of that name, how long an event was under way, and by how much
its time was corrected."""


class _Sent(msgspec.Struct):
    """An event as it was sent; every field is whatever it is."""

    event_id: Any = None
    type: Any = None
    event: Any = None
    time: Any = None
    identities: Any = None
    platform: Any = None
    properties: Any = None
    user_properties: Any = None


_DECODER = msgspec.json.Decoder(_Sent)


@dataclass(slots=True)
class Decoded:
    """What entries held, in order."""

    events: list[Event] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


def decode(entry: LogEntry, into: Decoded) -> None:
    """Add what an entry holds: each of its events is in one of the two lists, at its place."""
    batch = entry.batch
    try:
        request = read_request(batch.body)
    except RequestFault as fault:  # the gateway lets none of these in
        into.quarantined.append(
            Quarantined(Place(entry.offset, 0), batch.received_us, "unreadable", str(fault), batch.body)
        )
        return
    sent = [_sent(body) for body in request.events]
    times_us = instants_us([one.time if isinstance(one, _Sent) else None for one in sent])
    clock = _Clock(batch.received_us, shift_us(request.sent_at, batch.received_us))
    digest = ""
    for index, (one, time_us) in enumerate(zip(sent, times_us, strict=True)):
        place = Place(entry.offset, index)
        try:
            if isinstance(one, RuleError):
                raise one
            if not one.event_id and not digest:
                digest = xxhash.xxh3_128_hexdigest(batch.body)
            into.events.append(_event(one, place, clock.corrected(one.time, time_us), clock, digest))
        except RuleError as fault:
            body = request.events[index]
            into.quarantined.append(Quarantined(place, batch.received_us, fault.reason, str(fault), body))


@dataclass(frozen=True, slots=True)
class _Clock:
    """When a request was received, and what its own times lack."""

    received_us: int
    shift_us: int

    def corrected(self, sent: Any, time_us: int | None) -> int:
        """An event's time by our clock; the time of receiving where it says none."""
        if sent is None:
            return self.received_us
        if time_us is None:
            allowed = "ISO 8601 with an offset, or epoch seconds, ms or µs"
            raise RuleError("bad_time", f"time is {shown(sent)}; allowed: {allowed}")
        corrected = time_us + self.shift_us
        if not is_plausible(corrected, self.received_us):
            allowed = "from 5 years before to 1 hour after the event was received"
            raise RuleError("implausible_time", f"time is {shown(sent)}; allowed: {allowed}")
        return corrected


def _sent(body: bytes) -> _Sent | RuleError:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError) as fault:
        if "out of range" in str(fault):
            return RuleError("number_out_of_range", f"the event has a {str(fault).lower()}")
        if isinstance(fault, msgspec.ValidationError):
            return RuleError(
                "no_object", f"the event is {shown(body[:80].decode(errors='replace'))}, no object"
            )
        return RuleError("unreadable", str(fault))
    except RecursionError:
        return RuleError("too_deep", "the event is nested too deeply to be read")


def _event(sent: _Sent, place: Place, time_us: int, clock: _Clock, digest: str) -> Event:
    kind = kind_of(sent.type)
    id_text = id_text_of(sent.event_id) or f"{digest}#{place.index}"
    given = dict(properties_of(sent.properties, "properties"))
    if sent.platform is not None:
        given.setdefault(PLATFORM, properties_of({PLATFORM: sent.platform}, "event")[PLATFORM])
    given.setdefault(DELAY, max((clock.received_us - time_us) // 1_000, 0))
    if clock.shift_us:
        given[SHIFT] = clock.shift_us // 1_000
    return Event(
        place,
        event_id_bytes(id_text),
        kind,
        name_of(sent.event, kind),
        time_us,
        clock.received_us,
        identities_of(sent.identities),
        given,
        properties_of(sent.user_properties, "user_properties"),
    )
