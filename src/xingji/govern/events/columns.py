"""Events as the columns that the lake takes."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from xingji.govern.events.event import Event
from xingji.govern.files.assembly import Fields, RowPlaces, event_table
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.event_ids import ID_TYPE
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.refusal import RefusalTally, RowFaults
from xingji.govern.files.sparse import columns_of
from xingji.model.errors import OurError
from xingji.model.event_table import RECEIVED_AT, TIME_TYPE


def to_event_table(events: Sequence[Event], owners: Sequence[str], types: ColumnTypes) -> pa.Table:
    """The events, all of kind track, under the users who own them, as an event table.

    Properties are typed as those of files are; `types` learns of new ones.
    """
    faults, properties = RowFaults(len(events)), Properties(len(events))
    add_columns(properties, columns_of([event.properties for event in events]), types, faults)
    fields = Fields(
        pa.array(owners, pa.string()).dictionary_encode(),
        pa.array([event.name for event in events], pa.string()).dictionary_encode(),
        pa.array([event.time_us for event in events], pa.int64()).cast(TIME_TYPE),
        pa.array([event.event_id for event in events], ID_TYPE),
    )
    tally = RefusalTally()
    table = event_table(fields, properties, faults, RowPlaces(int, str), tally)
    if table.num_rows < len(events):  # the rules of events let nothing through that a column refuses
        raise OurError(f"{len(events) - table.num_rows} checked events do not fit the event table")
    received = pa.array([event.received_us for event in events], pa.int64()).cast(TIME_TYPE)
    return table.append_column(RECEIVED_AT, received)
