"""Batches that can be made again from their number."""

from __future__ import annotations

import random

from xingji.ports.event_log import Form, RawBatch


def batch(thread: int, number: int) -> RawBatch:
    """The batch of a thread's number."""
    dice = random.Random(f"{thread} {number}")
    body = f"{thread} {number} ".encode() + dice.randbytes(dice.randrange(3_000))
    return RawBatch("p", Form.JSON, number, body, 1, f"key-{thread}")
