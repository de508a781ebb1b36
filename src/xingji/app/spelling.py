"""Names in a question that nothing in the data bears: no fault, for they may come yet, but worth a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass

from xingji.model.errors import nearest_names, shown
from xingji.model.query import EventSelector, Query


def unknown_events(query: Query, known: Sequence[str]) -> list[str]:
    """A sentence for each event that a question names and no event bears, with the nearest names."""
    names = dict.fromkeys(name for selector in _selectors(query) for name in selector.events or ())
    bearing = set(known)
    return [_sentence(name, known) for name in names if name not in bearing]


def _sentence(name: str, known: Sequence[str]) -> str:
    nearest = nearest_names(name, known)
    return f"no event is named {shown(name)}" + (f"; the nearest: {', '.join(nearest)}" if nearest else "")


def _selectors(part: object) -> Iterator[EventSelector]:
    if isinstance(part, EventSelector):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _selectors(each)
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            yield from _selectors(getattr(part, field.name))
