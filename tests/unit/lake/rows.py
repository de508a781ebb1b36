"""Event tables from short notes, and the rows of a lake as a snapshot shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from xingji.lake.lake import Lake
from xingji.lake.part import Coded, ViewLike
from xingji.lake.snapshot import LakeSnapshot
from xingji.model.event_table import TIME_TYPE

LAKE_BUCKETS = 4
DAY_US = 86_400_000_000
MAY = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000


@dataclass(frozen=True)
class Event:
    """One event; `day` counts from 1 May 2026, `id` names it when it may come twice."""

    user: str
    name: str
    day: float
    properties: dict[str, Any] = field(default_factory=dict)
    id: int | None = None

    @property
    def time_us(self) -> int:
        return MAY + round(self.day * DAY_US)


def event_table(events: Sequence[Event], **columns: pa.Array) -> pa.Table:
    """Events as an event table; properties go to `properties_json` unless given as `columns`."""
    table: dict[str, Any] = {
        "user": [e.user for e in events],
        "event": [e.name for e in events],
        "time": pa.array([e.time_us for e in events], TIME_TYPE),
        "properties_json": pa.array(
            [json.dumps(e.properties) if e.properties else None for e in events], pa.string()
        ),
    }
    if any(e.id is not None for e in events):
        ids = [(e.id or 0).to_bytes(16, "big") for e in events]
        table["event_id"] = pa.array(ids, pa.binary(16))
    return pa.table(table | columns)


def plain(value: pa.Scalar) -> Any:
    """A dictionary's value as JSON would have it."""
    python = value.as_py()
    return json.loads(python) if isinstance(python, bytes) else python


def values_of(coded: Coded) -> list[Any]:
    """The value of every row."""
    values = [None, *(plain(value) for chunk in coded.dictionary.chunks for value in chunk)]
    return [values[code] for code in coded.codes.tolist()]


Row = tuple[str, int, str, tuple[Any, ...]]


def rows_of_view(view: ViewLike, snapshot: LakeSnapshot, names: Sequence[str]) -> list[Row]:
    """A view's events: (user, time, event, values of the named properties), in the view's order."""
    columns: list[list[Any]] = []
    for name in names:
        coded = view.coded(name)
        columns.append([None] * view.n_rows if coded is None else values_of(coded))
    users = snapshot.user_names_of(view.user_ids)
    found: list[Row] = []
    for at, user in enumerate(users):
        for row in range(int(view.begin[at]), int(view.end[at])):
            values = tuple(column[row] for column in columns)
            event = snapshot.event_names[int(view.event[row])]
            found.append((user, int(view.time[row]), event, values))
    return found


def rows_of(lake: Lake, *names: str) -> list[Row]:
    """Every event of the lake's newest version, users by name, each user's in order."""
    with lake.snapshot() as snapshot:
        found = [
            row
            for bucket in range(snapshot.n_buckets)
            for view in snapshot.views(bucket)
            for row in rows_of_view(view, snapshot, names)
        ]
        assert list(snapshot.warnings) == []
    return sorted(found, key=lambda row: row[0])


def rows_in(events: Iterable[Event], *names: str) -> list[Row]:
    """What `rows_of` gives for a lake that holds these events, given in log order."""
    rows = [(e.user, e.time_us, e.name, tuple(e.properties.get(name) for name in names)) for e in events]
    return sorted(rows, key=lambda row: row[:2])


def some_events(n: int = 200, users: int = 12, seed: int = 7, days: int = 80) -> list[Event]:
    """Events of a few users over some months, with ties in time and properties of mixed type."""
    dice = np.random.default_rng(seed)
    events = []
    for at in range(n):
        properties: dict[str, Any] = {"n": int(dice.integers(5))} if dice.random() < 0.7 else {}
        if dice.random() < 0.3:
            properties["page"] = str(dice.choice(["home", "loan", "我的"]))
        user, name = f"u{dice.integers(users)}", str(dice.choice(["open", "click", "apply"]))
        events.append(Event(user, name, float(dice.integers(days * 4)) / 4, properties, id=at + 1))
    return events
