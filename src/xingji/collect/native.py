"""Requests of the native format: `{"sent_at": …, "batch": [EVENT, …]}`, or one EVENT.

An event is a JSON object here and no more; what it must hold is asked once it is in the log, so that one bad
event does not spoil its batch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from xingji.collect.faults import TooLargeError, UnreadableError

MOST_EVENTS = 100_000
"""Events of one request."""


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    sent_at: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Request:
    """The events of a request as JSON text, and `sent_at`, empty where there is none.

    `originals`: the bytes each event came as, where those are not its JSON text; `cut`: the places of events
    with a text that was cut in the middle of a character; `faults`: what is wrong with events that have no
    JSON text at all, by their places.
    """

    events: list[bytes]
    sent_at: bytes = b""
    originals: list[bytes] | None = None
    cut: frozenset[int] = frozenset()
    faults: dict[int, str] = field(default_factory=dict)

    def original(self, index: int) -> bytes:
        """An event as it came."""
        return (self.events if self.originals is None else self.originals)[index]


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a pair that is one character, or half a pair, which is none."""
_BLANKS = re.compile(r"[ \t\r\n]*")
_SCAN = json.JSONDecoder()


def read_request(body: bytes) -> Request:
    """The events of a body.

    A text that was cut in the middle of a character has U+FFFD there, of as many bytes.

    Raises:
        UnreadableError: it is no JSON, or not of that form.
        TooLargeError: it has too many events.
    """
    envelope, mended = _read(body)
    sent_at = b"" if envelope.sent_at is msgspec.UNSET else bytes(envelope.sent_at)
    events = [mended] if envelope.batch is msgspec.UNSET else [bytes(event) for event in envelope.batch]
    if mended == body:
        return Request(events, sent_at)
    originals = [body] if envelope.batch is msgspec.UNSET else _originals(body, mended)
    cut = frozenset(at for at, event in enumerate(events) if event != originals[at])
    return Request(events, sent_at, originals, cut)


def count_events(body: bytes) -> int:
    """How many events `read_request` finds, without taking them out; raises what it raises."""
    envelope, _ = _read(body)
    return 1 if envelope.batch is msgspec.UNSET else len(envelope.batch)


def _read(body: bytes) -> tuple[_Envelope, bytes]:
    """A body's envelope, and the text that it was read from."""
    try:
        body.decode()
        envelope, mended = _envelope_of(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise UnreadableError(f"the body is no request of the native format: {fault}") from None
    except RecursionError:
        raise UnreadableError("the body is nested too deeply to be read") from None
    if envelope.batch is not msgspec.UNSET and len(envelope.batch) > MOST_EVENTS:
        raise TooLargeError(f"batch has {len(envelope.batch)} events; allowed: up to {MOST_EVENTS}")
    return envelope, mended


def _envelope_of(body: bytes) -> tuple[_Envelope, bytes]:
    try:
        return _ENVELOPES.decode(body), body
    except msgspec.DecodeError:
        mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found["half"] else found[0], body)
        if mended == body:
            raise
        return _ENVELOPES.decode(mended), mended


def _originals(body: bytes, mended: bytes) -> list[bytes]:
    """The events of a batch that was mended, as they came: what was put in has as many characters."""
    before = body.decode()
    return [before[start:end].encode() for start, end in _batch_spans(mended.decode())]


def _batch_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the members of the last `batch` of a JSON object begin and end; the text is known to be one."""
    batch = at = _past_blanks(text, 0)
    while text[at] != "}":
        name, at = _SCAN.raw_decode(text, _past_blanks(text, at + 1))
        value_at = _past_blanks(text, _past_blanks(text, at) + 1)
        batch = value_at if name == "batch" else batch
        at = _past_blanks(text, _SCAN.raw_decode(text, value_at)[1])
    at = _past_blanks(text, batch + 1)
    while text[at] != "]":
        end = _SCAN.raw_decode(text, at)[1]
        yield at, end
        at = _past_blanks(text, end)
        at = _past_blanks(text, at + 1) if text[at] == "," else at


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()
