"""Requests are read as the contract says, or refused with a reason; nothing else comes out of them."""

from __future__ import annotations

import json
import random

import pytest

from xingji.collect.faults import RequestFault, TooLargeError, UnreadableError
from xingji.collect.native import MOST_EVENTS, read_request

GOOD = [
    pytest.param(
        b'{"batch": [{"a": 1}, 2, []], "sent_at": "x"}', [b'{"a": 1}', b"2", b"[]"], b'"x"', id="batch"
    ),
    pytest.param(b'{"event": "a", "sent_at": 3}', [b'{"event": "a", "sent_at": 3}'], b"3", id="one event"),
    pytest.param(b'{"batch": []}', [], b"", id="no event"),
    pytest.param('{"batch": ["é 快"]}'.encode(), ['"é 快"'.encode()], b"", id="beyond ASCII"),
    pytest.param(rb'{"batch": ["\ud83d\ude00"]}', [rb'"\ud83d\ude00"'], b"", id="a pair"),
    pytest.param(rb'{"batch": ["a\ud83d"]}', [rb'"a\ufffd"'], b"", id="half a character"),
    pytest.param(
        rb'{"batch": ["\\ud83d", "\ude00"]}', [rb'"\\ud83d"', rb'"\ufffd"'], b"", id="no escape and half"
    ),
    pytest.param(b'{"batch": [1e999, 1.5]}', [b"1e999", b"1.5"], b"", id="numbers as they came"),
]
BAD = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b'{"batch": null}', id="no batch"),
    pytest.param(b'{"batch": {}}', id="a batch that is none"),
    pytest.param(b'{"batch": [{]}', id="broken"),
    pytest.param(b'{"batch": [{"a": 1}]', id="cut off"),
    pytest.param(b'{"batch": []} x', id="more behind it"),
    pytest.param(b'{"batch": ["\xff"]}', id="no UTF-8"),
    pytest.param(b'{"batch": [NaN]}', id="NaN"),
    pytest.param(b'{"batch": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", id="deep"),
    pytest.param(b"\xef\xbb\xbf{}", id="a mark of byte order"),
]


@pytest.mark.parametrize(("body", "events", "sent_at"), GOOD)
def test_requests(body: bytes, events: list[bytes], sent_at: bytes) -> None:
    found = read_request(body)
    assert (found.events, found.sent_at) == (events, sent_at)


@pytest.mark.parametrize("body", BAD)
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_request(body)


def test_too_many_events() -> None:
    read_request(b'{"batch": [' + b"1," * (MOST_EVENTS - 1) + b"1]}")
    with pytest.raises(TooLargeError, match="100001 events; allowed: up to 100000"):
        read_request(b'{"batch": [' + b"1," * MOST_EVENTS + b"1]}")


def test_a_changed_body_is_read_or_refused() -> None:
    """Thousands of bodies, each spoilt in a few places: never another error, and what is read is JSON."""
    dice = random.Random(1)
    event = {
        "event_id": "e",
        "event": 'a\\b"c',
        "identities": {"d": "x"},
        "properties": {"n": -1.5e3, "l": [None, True]},
    }
    whole = json.dumps({"sent_at": "2026-01-01", "batch": [event] * 3}).encode()
    read = 0
    for _ in range(5_000):
        body = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(body))
            body[at : at + dice.randrange(2)] = dice.choice(
                [b"", b"\\", b'"', b"{", b"\x00", b"\\ud8", bytes([dice.randrange(256)])]
            )
        try:
            found = read_request(bytes(body))
        except RequestFault:
            continue
        read += 1
        for one in found.events:
            json.loads(one)
    assert 500 < read < 4_500
