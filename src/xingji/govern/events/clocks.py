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
    """Times as clients send them (ISO 8601 with an offset, or epoch seconds, ms or µs); None: no instant."""
    found: list[int | None] = instants_of_values(list(sent), None).cast("int64").to_pylist()
    return found


def shift_us(sent_at: bytes, received_us: int) -> int:
    """What is to be added to the times of a request: how far its clock is behind ours, if that is too far.

    `sent_at`: the JSON that the client gave as the time of sending, or nothing.
    """
    try:
        sent = msgspec.json.decode(sent_at) if sent_at else None
    except (msgspec.DecodeError, ValueError):
        return 0
    (sent_us,) = instants_us([sent])
    if sent_us is None or abs(received_us - sent_us) <= MOST_DRIFT_US:
        return 0
    return received_us - sent_us


def is_plausible(time_us: int, received_us: int) -> bool:
    """Whether an event that was received then can have happened at that time."""
    return received_us - OLDEST_US <= time_us <= received_us + NEWEST_US
