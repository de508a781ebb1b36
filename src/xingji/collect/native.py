"""Requests of the native format: `{"sent_at": …, "batch": [EVENT, …]}`, or one EVENT.

An event is a JSON object here and no more; what it must hold is asked once it is in the log, so that one bad
event does not spoil its batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from xingji.collect.faults import TooLargeError, UnreadableError

MOST_EVENTS = 100_000
"""Events of one request."""


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    sent_at: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Request:
    """The events of a request, each as the bytes it came as; `sent_at` is JSON text, empty where there is
    none."""

    events: list[bytes]
    sent_at: bytes = b""


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a pair that is one character, or half a pair, which is none."""


def read_request(body: bytes) -> Request:
    """The events of a body.

    Raises:
        UnreadableError: it is no JSON, or not of that form.
        TooLargeError: it has too many events.
    """
    try:
        body.decode()
        envelope = _envelope_of(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise UnreadableError(f"the body is no request of the native format: {fault}") from None
    except RecursionError:
        raise UnreadableError("the body is nested too deeply to be read") from None
    sent_at = b"" if envelope.sent_at is msgspec.UNSET else bytes(envelope.sent_at)
    if envelope.batch is msgspec.UNSET:
        return Request([body], sent_at)
    if len(envelope.batch) > MOST_EVENTS:
        raise TooLargeError(f"batch has {len(envelope.batch)} events; allowed: up to {MOST_EVENTS}")
    return Request([bytes(event) for event in envelope.batch], sent_at)


def _envelope_of(body: bytes) -> _Envelope:
    """A body's envelope; where a client cut a text in the middle of a character, that one is replaced."""
    try:
        return _ENVELOPES.decode(body)
    except msgspec.DecodeError:
        mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found["half"] else found[0], body)
        if mended == body:
            raise
        return _ENVELOPES.decode(mended)
