"""The native format as JSON: most requests are read in one step, those with a bad event event by event."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from xingji.collect.native import Request, read_request
from xingji.govern.events.reasons import Reason
from xingji.govern.events.rules import RuleError, check_texts, checked_fields
from xingji.govern.files.refusal import excerpt_of
from xingji.govern.wire.sent import NO_PROPERTIES, ReadRequest, Sent, SentIdentities


class _Body(Sent, gc=False):
    """A request: one event, or a batch of them."""

    batch: list[Sent] | msgspec.UnsetType = msgspec.UNSET
    sent_at: msgspec.Raw = msgspec.Raw(b"")


class _Loose(msgspec.Struct):
    """An event whose fields are whatever they are."""

    event_id: Any = None
    type: Any = None
    event: Any = None
    time: Any = None
    identities: Any = None
    platform: Any = None
    properties: msgspec.Raw = NO_PROPERTIES
    user_properties: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_BODIES = msgspec.json.Decoder(_Body)
_EVENTS = msgspec.json.Decoder(Sent)
_LOOSE = msgspec.json.Decoder(_Loose)
_ANYTHING = msgspec.json.Decoder(Any)
_NUL = rb"\u0000"


def read_json(body: bytes) -> ReadRequest:
    """The events of a body; raises what `read_request` raises."""
    if _NUL not in body:
        try:
            body.decode()
            found = _BODIES.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return read_events(read_request(body))
        events: list[Sent | RuleError] = [found] if found.batch is msgspec.UNSET else [*found.batch]
        split = functools.cache(lambda: read_request(body))
        return ReadRequest(events, bytes(found.sent_at), lambda index: split().original(index))
    return read_events(read_request(body))


def read_events(request: Request) -> ReadRequest:
    """The events of a request, each by itself."""
    events = [_event(request, index) for index in range(len(request.events))]
    return ReadRequest(events, request.sent_at, request.original)


def _event(request: Request, index: int) -> Sent | RuleError:
    text = request.events[index]
    try:
        if index in request.faults:
            raise RuleError(Reason.BAD_VALUE, request.faults[index])
        if _NUL in text:
            check_texts(_ANYTHING.decode(text), "event")
        if index in request.cut:
            found = "a text has half a character (one of \\ud800 to \\udfff alone)"
            raise RuleError(Reason.LONE_SURROGATE, f"{found}; allowed: whole ones")
        return _typed(text)
    except RuleError as fault:
        return fault
    except RecursionError:
        return RuleError(Reason.TOO_DEEP, "the event is nested too deeply to be read")
    except (msgspec.DecodeError, ValueError) as fault:
        return _unreadable(text, fault)


def _typed(text: bytes) -> Sent:
    try:
        return _EVENTS.decode(text)
    except msgspec.ValidationError:
        loose = _LOOSE.decode(text)
    checked = checked_fields(
        loose.event_id, loose.type, loose.event, loose.time, loose.identities, loose.platform
    )
    identities = None if checked.identities is None else SentIdentities(**checked.identities)
    return Sent(
        checked.event_id, checked.kind, checked.name, checked.time, identities, checked.platform,
        loose.properties, loose.user_properties,
    )  # fmt: skip


def _unreadable(text: bytes, fault: Exception) -> RuleError:
    if "out of range" in str(fault):
        return RuleError(Reason.NUMBER_OUT_OF_RANGE, f"the event has a {str(fault).lower()}")
    if isinstance(fault, msgspec.ValidationError):
        return RuleError(Reason.NO_OBJECT, f"the event is {excerpt_of(text)}; allowed: an object")
    return RuleError(Reason.UNREADABLE, f"the event cannot be read: {fault}")
