"""Fields and properties of rows, put together as an event table with the refused rows left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.identity import without_junk
from xingji.govern.files.property_columns import Properties, refuse_long_texts
from xingji.govern.files.refusal import RefusalTally, RowFaults
from xingji.model.event_table import EVENT, EVENT_ID, PREFIX, REST, TIME, USER

USER_LIMIT, EVENT_LIMIT = 1_024, 255
NO_USER, JUNK_USER = "no user", "junk id"
LONG_USER = f"a user id of more than {USER_LIMIT:,} bytes"
NO_EVENT, LONG_EVENT = "no event name", f"an event name of more than {EVENT_LIMIT} bytes"
NO_TIME, BAD_TIME = "no time", "the time is no instant of the years 1 to 9999"


@dataclass(slots=True)
class Fields:
    """What makes rows events, one entry a row.

    `user`, `event`: strings or dictionaries of strings; `event_id`: binary[16] or None.
    `had_user`, `had_time` (`bool[n_rows]`): whether a value stood there at all; None: wherever `user` or
    `time` is not null.
    """

    user: pa.Array
    event: pa.Array
    time: pa.Array
    event_id: pa.Array | None = None
    had_user: npt.NDArray[np.bool_] | None = None
    had_time: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """Where rows stand in the file, asked only for the few that are shown."""

    number: Callable[[int], int]
    excerpt: Callable[[int], str]


def event_table(
    fields: Fields, properties: Properties, faults: RowFaults, places: RowPlaces, tally: RefusalTally
) -> pa.Table:
    """The rows that are events, in their order; the others are counted in `tally` by reason."""
    user = without_junk(fields.user)
    _check_users(user, fields, faults)
    _check_events(fields.event, faults)
    _check_times(fields, faults)
    refuse_long_texts(list(properties.columns.values()), faults)
    table = pa.table(_columns(user, fields, properties))
    if not faults.any:
        return table
    faults.tally(tally, places.number, places.excerpt)
    return _without_unused_names(table.filter(pa.array(faults.codes == 0)))


def _columns(user: pa.Array, fields: Fields, properties: Properties) -> dict[str, pa.Array]:
    columns = {USER: user, EVENT: fields.event, TIME: fields.time}
    if fields.event_id is not None and fields.event_id.null_count < properties.n_rows:
        columns[EVENT_ID] = fields.event_id
    columns |= {PREFIX + name: array for name, array in properties.columns.items()}
    rest = properties.rest_array()
    return columns if rest is None else columns | {REST: rest}


def _check_users(user: pa.Array, fields: Fields, faults: RowFaults) -> None:
    if user.null_count:
        absent = np.asarray(user.is_null())
        had = np.asarray(fields.user.is_valid()) if fields.had_user is None else fields.had_user
        faults.mark(absent & ~had, NO_USER)
        faults.mark(absent, JUNK_USER)
    faults.mark(_rows_where(user, lambda texts: pc.greater(pc.binary_length(texts), USER_LIMIT)), LONG_USER)


def _check_events(event: pa.Array, faults: RowFaults) -> None:
    if event.null_count:
        faults.mark(np.asarray(event.is_null()), NO_EVENT)
    faults.mark(
        _rows_where(event, lambda texts: pc.greater(pc.binary_length(texts), EVENT_LIMIT)), LONG_EVENT
    )
    faults.mark(_rows_where(event, lambda texts: pc.equal(pc.binary_length(texts), 0)), NO_EVENT)


def _check_times(fields: Fields, faults: RowFaults) -> None:
    if fields.time.null_count:
        absent = np.asarray(fields.time.is_null())
        had = np.zeros(len(absent), dtype=bool) if fields.had_time is None else fields.had_time
        faults.mark(absent & ~had, NO_TIME)
        faults.mark(absent, BAD_TIME)


def _rows_where(texts: pa.Array, test: Callable[[pa.Array], pa.Array]) -> npt.NDArray[np.bool_] | list[int]:
    """The rows whose text passes a test; of a dictionary each value is tested once."""
    coded = pa.types.is_dictionary(texts.type)
    hits = test(texts.dictionary if coded else texts)
    if not pc.any(hits).as_py():
        return []
    return np.asarray((hits.take(texts.indices) if coded else hits).fill_null(False))


def _without_unused_names(table: pa.Table) -> pa.Table:
    """Users and events of refused rows leave the dictionaries too: who lists them must not meet a junk id."""
    for name in (USER, EVENT):
        column = table[name]
        if pa.types.is_dictionary(column.type):
            clean = column.cast(column.type.value_type).dictionary_encode()
            table = table.set_column(table.schema.get_field_index(name), name, clean)
    return table
