"""Events as the columns that the lake takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from xingji.govern.events.event import DELAY, PLATFORM, SHIFT, Event
from xingji.govern.files.assembly import Fields, RowPlaces, event_table
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.event_ids import ID_TYPE
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.refusal import RefusalTally, RowFaults
from xingji.govern.files.sparse import Positions, Sparse, columns_of, of_parts
from xingji.model.errors import OurError
from xingji.model.event_table import RECEIVED_AT, TIME_TYPE

_Part = tuple[Positions, Sequence[Any]]


def to_event_table(events: Sequence[Event], owners: Sequence[str], types: ColumnTypes) -> pa.Table:
    """The events, all of kind track, under the users who own them, as an event table.

    Properties are typed as those of files are; `types` learns of new ones.
    """
    faults, properties = RowFaults(len(events)), Properties(len(events))
    columns = _sent_columns([event.properties for event in events])
    add_columns(properties, _with_given(columns, events), types, faults)
    fields = Fields(
        pa.array(owners, pa.string()).dictionary_encode(),
        pa.array([event.name for event in events], pa.string()).dictionary_encode(),
        _instants([event.time_us for event in events]),
        pa.array([event.event_id for event in events], ID_TYPE),
    )
    tally = RefusalTally()
    table = event_table(fields, properties, faults, RowPlaces(int, str), tally)
    if table.num_rows < len(events):  # the rules of events let nothing through that a column refuses
        reasons = ", ".join(tally.refusals().counts)
        raise OurError(f"{len(events) - table.num_rows} checked events do not fit the event table: {reasons}")
    return table.append_column(RECEIVED_AT, _instants([event.received_us for event in events]))


def _instants(times_us: list[int]) -> pa.Array:
    return pa.array(times_us, pa.int64()).cast(TIME_TYPE)


def _sent_columns(properties: Sequence[Any]) -> dict[str, Sparse]:
    """The columns of properties: objects as they are, records shape by shape."""
    members: dict[type, list[int]] = {}
    for row, one in enumerate(properties):
        members.setdefault(one.__class__, []).append(row)
    parts: dict[str, list[_Part]] = {}
    for kind, rows in members.items():
        here = np.array(rows, dtype=np.int64)
        records = [properties[row] for row in rows]
        if kind is dict:
            for name, column in columns_of(records).items():
                moved = column.moved(here)
                parts.setdefault(name, []).append((moved.rows(), moved.values))
        else:
            values = zip(*map(msgspec.structs.astuple, records), strict=True)
            for name, column_values in zip(kind.__struct_encode_fields__, values, strict=True):  # type: ignore[attr-defined]
                parts.setdefault(name, []).append((here, column_values))
    return of_parts(parts)


def _with_given(columns: dict[str, Sparse], events: Sequence[Event]) -> dict[str, Sparse]:
    """The columns with the properties that the server gives: a client may name its platform as it likes, but
    not say how late it was."""
    platforms = Sparse(None, [event.platform for event in events])
    sent = columns.get(PLATFORM)
    columns[PLATFORM] = platforms if sent is None else platforms.under(sent, len(events))
    columns[DELAY] = Sparse(None, [event.delay_ms() for event in events])
    shifted = [row for row, event in enumerate(events) if event.shift_us]
    columns.pop(SHIFT, None)
    if shifted:
        shifts = [events[row].shift_us // 1_000 for row in shifted]
        columns[SHIFT] = Sparse(np.array(shifted, dtype=np.int64), shifts)
    return columns
