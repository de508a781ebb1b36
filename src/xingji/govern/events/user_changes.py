"""Operations on users' properties, as the changes that the lake keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from xingji.govern.events.event import Event, Kind
from xingji.govern.events.profiles import Operation, apply_profile
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.refusal import RowFaults
from xingji.govern.files.sparse import columns_of
from xingji.model.errors import OurError
from xingji.model.event_table import PREFIX, REST, TIME, TIME_TYPE, USER


class PresentValues(Protocol):
    """The users' properties as they are; whoever keeps them stands at the last lot that was committed, so
    that a lot that comes again finds what it found at first."""

    def values_of(self, users: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """The properties of each user who is known."""
        ...


@dataclass(slots=True)
class UserChanges:
    """What a lot changes: `table` has the columns `user`, `time` and properties, JSON null where one is no
    more; `present`: all properties of each user who was changed, as they are after the lot."""

    table: pa.Table
    present: dict[str, dict[str, Any]] = field(default_factory=dict)


def to_user_changes(
    events: Sequence[Event], owners: Sequence[str], present: PresentValues, types: ColumnTypes
) -> UserChanges:
    """The changes that events make, in log order, to the properties of the users who own them.

    Events of every kind may stand among them; those that change nothing leave no row. `types`: of users'
    properties, and learns of new ones.
    """
    pairs = [(event, owner) for event, owner in zip(events, owners, strict=True) if event.user_properties]
    known = present.values_of({owner for _, owner in pairs})
    after: dict[str, dict[str, Any]] = {}
    rows: list[tuple[str, int, dict[str, Any]]] = []
    for event, owner in pairs:
        mine = after.get(owner)
        if mine is None:
            mine = dict(known.get(owner, {}))
        changes = apply_profile(mine, Operation(_kind(event), event.user_properties))
        if changes:
            after[owner] = _changed(mine, changes)
            rows.append((owner, event.time_us, changes))
    return UserChanges(_table(rows, types), after)


def _kind(event: Event) -> Kind:
    """Events that are no operation themselves set what they bring."""
    is_operation = event.kind.value.startswith("profile_")
    return event.kind if is_operation else Kind.PROFILE_SET


def _changed(mine: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    mine.update(changes)
    return {name: value for name, value in mine.items() if value is not None}


def _table(rows: Sequence[tuple[str, int, dict[str, Any]]], types: ColumnTypes) -> pa.Table:
    faults, properties = RowFaults(len(rows)), Properties(len(rows))
    add_columns(properties, columns_of([changes for _, _, changes in rows]), types, faults)
    if faults.any:
        raise OurError(f"checked properties of users do not fit their table: {', '.join(faults.reasons)}")
    for row, (_, _, changes) in enumerate(rows):
        for name, value in changes.items():
            if value is None:
                properties.leave(row, name, None)
    columns = {
        USER: pa.array([owner for owner, _, _ in rows], pa.string()),
        TIME: pa.array([time_us for _, time_us, _ in rows], pa.int64()).cast(TIME_TYPE),
    }
    columns |= {PREFIX + name: array for name, array in properties.columns.items()}
    rest = properties.rest_array()
    return pa.table(columns if rest is None else columns | {REST: rest})
