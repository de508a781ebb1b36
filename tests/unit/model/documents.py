"""A good document of each kind, and a way to spoil one."""

from __future__ import annotations

import copy
from typing import Any

from tests.reference.dice import Dice

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


JUNK: list[Any] = [
    None, True, -1, 0, 10**400, 0.5, float("inf"), float("nan"), "", "x", "event.", "\ud800", "0001-01-01",
    "9999-12-31T23:59:59Z", "step:" + "9" * 5_000, "rolling_" + "9" * 5_000 + "d", "(" * 3_000, "9" * 5_000,
    [], [[]], [None], ["event.k"] * 5, {}, {"event": "a"}, {"value": 10**6, "unit": "month"}, nested(80),
]  # fmt: skip


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


def spoil(document: object, path: tuple[Any, ...], junk: object) -> Any:
    """The document with something else at a place."""
    if not path:
        return junk
    copied: Any = dict(document) if isinstance(document, dict) else list(document)  # type: ignore[call-overload]
    copied[path[0]] = spoil(copied[path[0]], path[1:], junk)
    return copied


def spoilt(document: object, dice: Dice) -> Any:
    """The document with something odd at one place or two."""
    for _ in range(dice.integer(1, 2)):
        document = spoil(document, dice.pick(places(document)), dice.pick(JUNK))
    return document
