"""A reference's log as the tables that the engine reads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from tests.reference.log import Event, UserChange
from tests.reference.values import shown
from xingji.model.event_table import EVENT, MONEY_TYPE, PREFIX, REST, TIME, TIME_TYPE, USER

_TYPES = {
    bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string(), Decimal: MONEY_TYPE,
    dt.datetime: TIME_TYPE,
}  # fmt: skip


def as_stored(log: Sequence[Event]) -> list[Event]:
    """The log with values of another type than their property's first as JSON gives them back."""
    columns = _columns(log)

    def stored(name: str, value: object) -> object:
        if value is None or type(value) is columns.get(name):
            return value
        return float(value) if isinstance(value, Decimal) else shown(value)

    return [
        Event(
            event.user,
            event.event,
            event.time_us,
            event.seq,
            {name: stored(name, value) for name, value in event.properties.items() if value is not None},
        )
        for event in log
    ]


def _columns(log: Sequence[Event]) -> dict[str, type]:
    """The type of a property's column: the first there is; lists and objects have none."""
    found: dict[str, type] = {}
    for event in log:
        for name, value in event.properties.items():
            if type(value) in _TYPES:
                found.setdefault(name, type(value))
    return found


def event_table(log: Sequence[Event]) -> pa.Table:
    """The event table of a log, whose `seq` is the row."""
    columns = _columns(log)
    arrays = {
        USER: pa.array([event.user for event in log], pa.string()),
        EVENT: pa.array([event.event for event in log], pa.string()),
        TIME: pa.array([event.time_us for event in log], TIME_TYPE),
    }
    for name, kind in columns.items():
        values = [event.properties.get(name) for event in log]
        typed = [value if type(value) is kind else None for value in values]
        arrays[PREFIX + name] = pa.array(typed, _TYPES[kind])
    rest = [
        {
            name: shown(value)
            for name, value in event.properties.items()
            if value is not None and type(value) is not columns.get(name)
        }
        for event in log
    ]
    arrays[REST] = pa.array([json.dumps(one, default=float) if one else None for one in rest], pa.string())
    return pa.table(arrays)


def user_table(changes: Sequence[UserChange]) -> pa.Table:
    """The table of user changes, one row each."""
    return pa.table(
        {
            USER: pa.array([change.user for change in changes], pa.string()),
            TIME: pa.array([change.time_us for change in changes], TIME_TYPE),
            REST: pa.array([json.dumps({change.name: change.value}) for change in changes], pa.string()),
        }
    )
