"""Properties as one array over the rows of a view, whatever parts, types and owners they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.analysis.kernels.collect import look_up_rows
from xingji.analysis.kernels.spread import at_event, spread
from xingji.lake.part import Dictionary, History, Rows, Snapshot, ViewLike
from xingji.model.errors import UnknownNameError
from xingji.model.predicate import PropertyRef

EVENT_NAME = PropertyRef("event", "$event")
"""The event's own name, as a property."""

Lookup = Callable[[Dictionary], npt.NDArray[np.generic]]
"""Gives for each code of a dictionary (0: missing) what its rows shall hold."""


def check_known(ref: PropertyRef, snapshot: Snapshot, path: str = "property") -> None:
    """Raise UnknownNameError, offering the nearest names, unless some event or user has the property."""
    known = {"event": snapshot.event_properties, "user": snapshot.user_properties, "tag": {}}[ref.owner]
    if ref.name in known or ref == EVENT_NAME or not snapshot.n_events:
        return
    raise UnknownNameError(path, str(ref), [f"{ref.owner}.{name}" for name in known], f"{ref.owner} property")


def row_values(
    view: ViewLike,
    snapshot: Snapshot,
    ref: PropertyRef,
    lookup: Lookup,
    kind: type[np.generic],
    rows: Rows | None = None,
) -> npt.NDArray[Any]:
    """What `lookup` gives for the property's value at each row, or at the given ones, `kind[n]`."""
    if ref == EVENT_NAME:
        dictionary = Dictionary((pa.array(snapshot.event_names, pa.string()),))
        of_code = lookup(dictionary).astype(kind, copy=False)[1:]
        names: npt.NDArray[Any] = of_code[view.event if rows is None else view.event[rows]]
        return names
    codes, dictionary = _codes(view, ref)
    given = lookup(dictionary).astype(kind, copy=False)
    if codes is None:
        return np.full(view.n_rows if rows is None else len(rows), given[0], kind)
    if rows is None or kind is not np.bool_:
        found: npt.NDArray[Any] = given[codes if rows is None else codes[rows]]
        return found
    codes = codes[:]
    codes.flags.writeable = False  # the same to the kernel, wherever they come from
    mask = np.empty(len(rows), np.bool_)
    look_up_rows(codes, rows, given, mask)
    return mask


def _codes(
    view: ViewLike, ref: PropertyRef
) -> tuple[npt.NDArray[np.unsignedinteger[Any]] | None, Dictionary]:
    """The codes of a property over all rows of a view, and what they mean; no codes where nobody has it."""
    if ref.owner == "event":
        coded = view.coded(ref.name)
        return (coded.codes, coded.dictionary) if coded else (None, Dictionary(()))
    history = view.history(ref.name)
    if history is None:
        return None, Dictionary(())
    codes = np.zeros(view.n_rows, np.uint32)
    if ref.at_event:
        at_event(view.begin, view.end, view.time, history.offsets, history.time_us, history.codes, codes)
    else:
        spread(view.begin, view.end, current_codes(history), codes)
    return codes, history.dictionary


def current_codes(history: History) -> npt.NDArray[np.uint32]:
    """Each user's latest code, `uint32[n_users]`."""
    last = history.offsets[1:]
    known = last > history.offsets[:-1]
    codes = np.zeros(len(last), np.uint32)
    codes[known] = history.codes[last[known] - 1]
    return codes
