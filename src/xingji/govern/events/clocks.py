"""When an event happened: its own time, corrected where the clock that said it was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from xingji.govern.files.instants import instants_of_values

MOST_DRIFT_US = 60_000_000
"""A client's clock that is off by no more than this is believed: so long may a request be under way."""
OLDEST_US = 5 * 366 * 86_400_000_000
"""How long before it was received an event may have happened."""
NEWEST_US = 3_600_000_000
"""How long after it was received an event may say that it happened."""


def instants_us(sent: Sequence[Any]) -> list[int | None]:
    """Times as clients send them (ISO 8601 with an offset, or epoch seconds, ms or µs); None: no instant.

    Each of the types in which a lot's clients write them is read as one column.
    """
    found: list[int | None] = [None] * len(sent)
    places: dict[type, list[int]] = {}
    for place, one in enumerate(sent):
        places.setdefault(one.__class__, []).append(place)
    for kind, here in places.items():
        if kind is not type(None):
            column = instants_of_values([sent[place] for place in here], None).cast("int64")
            for place, time_us in zip(here, column.to_pylist(), strict=True):
                found[place] = time_us
    return found


def shifts_us(sent_at: Sequence[bytes], received_us: Sequence[int]) -> list[int]:
    """What is to be added to the times of requests: how far each one's clock is behind ours, if too far.

    `sent_at`: the JSON that a client gave as the time of sending, or nothing.
    """
    sent_us = instants_us([_value(text) for text in sent_at])
    return [_shift_us(sent, received) for sent, received in zip(sent_us, received_us, strict=True)]


def _value(sent_at: bytes) -> str | int | float | None:
    try:
        return msgspec.json.decode(sent_at, type=str | int | float | None) if sent_at else None
    except (msgspec.DecodeError, ValueError):
        return None


def _shift_us(sent_us: int | None, received_us: int) -> int:
    if sent_us is None or abs(received_us - sent_us) <= MOST_DRIFT_US:
        return 0
    return received_us - sent_us


def is_plausible(time_us: int, received_us: int) -> bool:
    """Whether an event that was received then can have happened at that time."""
    return received_us - OLDEST_US <= time_us <= received_us + NEWEST_US
