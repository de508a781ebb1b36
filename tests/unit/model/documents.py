"""A good document of each kind, and a way to spoil one."""

from __future__ import annotations

import copy
from typing import Any

Document = dict[str, Any]

A, B = {"event": "a"}, {"event": "b"}
GOOD: dict[str, Document] = {
    "trend": {"kind": "trend", "series": [A]},
    "funnel": {"kind": "funnel", "steps": [A, B]},
    "retention": {"kind": "retention", "start": A},
    "paths": {"kind": "paths"},
}


def with_fields(kind: str, **fields: object) -> Document:
    """The good document of a kind with other fields."""
    return {**copy.deepcopy(GOOD[kind]), **fields}


def nested(depth: int) -> Document:
    """A predicate so many levels deep."""
    found: Document = {"property": "event.k", "op": "is_set"}
    for _ in range(depth):
        found = {"not": found}
    return found
