"""The two that answer: the reference, and the engine over a log in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.conformance.tables import as_stored, event_table, user_table
from tests.reference import oracle
from tests.reference.log import Event, UserChange
from xingji.analysis.engine import run_query
from xingji.lake.memory import MemorySnapshot
from xingji.model.parse import parse_query

Answer = Callable[..., dict[str, Any]]


def by_reference(
    document: object, log: Sequence[Event], users: Sequence[UserChange] = (), n_buckets: int = 1
) -> dict[str, Any]:
    """The reference's answer to a query document."""
    return oracle.answer(parse_query(json.dumps(document)), as_stored(log), users)


def by_engine(
    document: object, log: Sequence[Event], users: Sequence[UserChange] = (), n_buckets: int = 1
) -> dict[str, Any]:
    """The engine's answer, over a snapshot in memory."""
    return run_query(parse_query(json.dumps(document)), snapshot_of(log, users, n_buckets))


def snapshot_of(log: Sequence[Event], users: Sequence[UserChange] = (), n_buckets: int = 1) -> MemorySnapshot:
    """A snapshot in memory of a log and its users."""
    return MemorySnapshot.from_table(event_table(log), n_buckets, user_table(users))


ANSWERS = {"reference": by_reference, "engine": by_engine}
