"""Breakdown groups: packing the codes of up to three properties into one key, ranking, and "Other"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from xingji.analysis.values import ValueTable, as_number, order_key, to_json
from xingji.lake.part import Int64s
from xingji.model.errors import CallerError

OTHER = "Other"
_BITS = {1: 62, 2: 31, 3: 20}
_FEW = 1 << 20
"""Keys below this are looked up in a table, not searched for."""


def pack(columns: Sequence[Int64s], length: int) -> Int64s:
    """One key for the codes of several properties; zeros without any."""
    if not columns:
        return np.zeros(length, np.int64)
    bits = _BITS[len(columns)]
    key = np.zeros(length, np.int64)
    for column in columns:
        if length and int(column.max()) >> bits:
            raise CallerError(
                f"breakdown has a property of more than {1 << bits} values; allowed: fewer, or one property"
            )
        key = (key << bits) | column
    return key


def unpack(key: int, n_columns: int) -> tuple[int, ...]:
    """The codes that `pack` put into a key."""
    bits = _BITS.get(n_columns, 0)
    return tuple((key >> (bits * at)) & ((1 << bits) - 1) for at in reversed(range(n_columns)))


def count_keys(key: Int64s) -> tuple[Int64s, Int64s]:
    """The distinct keys, rising, and how often each occurs."""
    if len(key) and int(key.max()) < _FEW:
        counts = np.bincount(key)
        keys = np.flatnonzero(counts)
        return keys, counts[keys]
    return np.unique(key, return_counts=True)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a result in order: `keys[i]` has the breakdown `labels[i]`; with `has_other` the last
    label is Other, which holds every other key."""

    keys: Int64s
    labels: tuple[list[Any], ...]
    has_other: bool

    def member(self, key: Int64s) -> Int64s:
        """The number of the group of each key; a key that is not shown is in Other, or -1 without it."""
        if len(key) and len(self.keys) and max(int(key.max()), int(self.keys.max())) < _FEW:
            other = len(self.keys) if self.has_other else -1
            member_of = np.full(max(int(key.max()), int(self.keys.max())) + 1, other, np.int64)
            member_of[self.keys] = np.arange(len(self.keys))
            return member_of[key]
        order = np.argsort(self.keys)
        place = (
            np.searchsorted(self.keys, key, sorter=order) if len(self.keys) else np.zeros(len(key), np.int64)
        )
        hit = order[np.minimum(place, len(order) - 1)] if len(order) else place
        known = self.keys[hit] == key if len(order) else np.zeros(len(key), np.bool_)
        return np.where(known, hit, len(self.keys) if self.has_other else -1).astype(np.int64)

    def find(self, breakdown: Sequence[Any] | None) -> int | None:
        """The number of the group with these values; with none given, the only group."""
        if breakdown is None:
            return 0 if len(self.labels) == 1 else None
        wanted = [_comparable(value) for value in breakdown]
        labels = ([_comparable(value) for value in label] for label in self.labels)
        return next((at for at, label in enumerate(labels) if label == wanted), None)


def _comparable(value: Any) -> Any:
    """A value of JSON in which numbers are equal however they are written, and true is not 1."""
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, dict):
        return {name: _comparable(item) for name, item in value.items()}
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number", as_number(value)
    return type(value), value


def rank(keys: Int64s, figures: Sequence[Any], n_columns: int, limit: int, values: ValueTable) -> Groups:
    """Groups by their figure, descending (None last), then by value; beyond `limit` they are Other.

    Without a breakdown there is exactly one group, whose key is 0.
    """
    if n_columns == 0:
        return Groups(np.zeros(1, np.int64), ([],), has_other=False)

    def sort_key(at: int) -> tuple[Any, ...]:
        figure = figures[at]
        named = [order_key(values.values[code]) for code in unpack(int(keys[at]), n_columns)]
        return figure is None, 0 if figure is None else -figure, named

    order = sorted(_contenders(figures, limit), key=sort_key)[:limit]
    chosen = keys[order]
    has_other = len(keys) > len(chosen)
    labels = [
        [to_json(values.values[code]) for code in unpack(int(key), n_columns)] for key in chosen.tolist()
    ]
    if has_other:
        labels.append([OTHER] * n_columns)
    return Groups(chosen, tuple(labels), has_other)


def _contenders(figures: Sequence[Any], limit: int) -> list[int]:
    """The groups that may be among the first `limit`: only they need their values looked at."""
    if len(figures) <= limit * 4 or any(figure is None for figure in figures):
        return list(range(len(figures)))
    least = sorted(figures, reverse=True)[limit - 1]
    return [at for at, figure in enumerate(figures) if figure >= least]
