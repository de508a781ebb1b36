"""The fields of events, taken from a file's columns as the mapping says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xingji.govern.files.assembly import Fields
from xingji.govern.files.event_ids import ID_TYPE, event_ids
from xingji.govern.files.identity import KINDS, plain, strongest, without_junk
from xingji.govern.files.mapping import Column, Constant, Moment, Origin, Origins, RowNumber
from xingji.govern.files.refusal import RowFaults
from xingji.model.event_table import EVENT, TIME_TYPE, USER

Mask = npt.NDArray[np.bool_]
WRONG_KIND = {
    USER: "the user is no text or whole number",
    EVENT: "the event name is no text or whole number",
}


class FieldColumns(Protocol):
    """What a reader knows of its columns."""

    n_rows: int

    def texts(self, name: str) -> pa.Array:
        """A column as strings (or a dictionary of them); null where there is nothing that names."""

    def times(self, name: str, time_format: str | None) -> pa.Array:
        """A column as timestamp[µs, UTC]; null where there is no instant."""

    def present(self, name: str) -> Mask:
        """Where a column has any value (`bool[n_rows]`)."""


def fields_of(
    columns: FieldColumns,
    origins: Origins,
    identities: Mapping[str, str],
    row_name: Callable[[int], str],
    faults: RowFaults,
) -> Fields:
    """The fields of every row; `identities`: kind to column; `row_name`: what `#` calls a row."""
    user, had_user = _user(columns, origins.user, identities, row_name, faults)
    event = _texts(columns, EVENT, origins.event, faults)
    time, had_time = _time(columns, origins.time)
    return Fields(coded(user), coded(event), time, _event_id(columns, origins.event_id), had_user, had_time)


def constant_texts(text: str, n_rows: int) -> pa.DictionaryArray:
    """The same text in every row."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(n_rows, dtype=np.int32)), pa.array([text], pa.string())
    )


def coded(texts: pa.Array) -> pa.DictionaryArray:
    """Strings with each distinct one stored once."""
    return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()


def _user(
    columns: FieldColumns,
    origin: Origin | None,
    identities: Mapping[str, str],
    row_name: Callable[[int], str],
    faults: RowFaults,
) -> tuple[pa.Array, Mask | None]:
    if isinstance(origin, RowNumber):
        return pa.array([row_name(row) for row in range(columns.n_rows)], pa.string()), None
    named = None if origin is None else _texts(columns, USER, origin, faults)
    if not identities or isinstance(origin, Constant):
        return (pa.nulls(columns.n_rows, pa.string()) if named is None else named), None
    if named is not None and named.null_count == 0 and without_junk(named).null_count == 0:
        return named, None
    return _identified(columns, named, identities)


def _identified(
    columns: FieldColumns, named: pa.Array | None, identities: Mapping[str, str]
) -> tuple[pa.Array, Mask | None]:
    """The named user or else the strongest identity, and where any of them had a value."""
    found = strongest(lambda kind: columns.texts(identities[kind]), identities)
    candidates = [] if named is None else [plain(without_junk(named))]
    candidates += [] if found is None else [found]
    user = pc.coalesce(*candidates) if candidates else pa.nulls(columns.n_rows, pa.string())
    if user.null_count == 0:
        return user, None
    had = np.zeros(columns.n_rows, dtype=bool) if named is None else np.asarray(named.is_valid()).copy()
    for kind, column in identities.items():
        if kind in KINDS:
            had |= columns.present(column)
    return user, had


def _texts(columns: FieldColumns, field: str, origin: Origin, faults: RowFaults) -> pa.Array:
    if isinstance(origin, Constant):
        return constant_texts(origin.text, columns.n_rows)
    assert isinstance(origin, Column)
    texts = columns.texts(origin.name)
    if texts.null_count:
        faults.mark(np.asarray(texts.is_null()) & columns.present(origin.name), WRONG_KIND[field])
    return texts


def _time(columns: FieldColumns, origin: Origin) -> tuple[pa.Array, Mask | None]:
    if isinstance(origin, Moment):
        return pa.array(np.full(columns.n_rows, origin.time_us)).cast(TIME_TYPE), None
    assert isinstance(origin, Column)
    times = columns.times(origin.name, origin.time_format)
    return times, columns.present(origin.name) if times.null_count else None


def _event_id(columns: FieldColumns, origin: Origin | None) -> pa.Array | None:
    if not isinstance(origin, Column):
        return None
    texts = columns.texts(origin.name)
    return texts if texts.type == ID_TYPE else event_ids(plain(texts).to_pylist())
