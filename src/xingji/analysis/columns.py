"""Properties as one array over the rows of a view, whatever parts, types and owners they come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.analysis.kernels.spread import at_event, spread
from xingji.lake.part import Dictionary, History, Snapshot, ViewLike
from xingji.model.errors import UnknownNameError
from xingji.model.predicate import PropertyRef

EVENT_NAME = PropertyRef("event", "$event")
"""The event's own name, as a property."""

Lookup = Callable[[Dictionary], npt.NDArray[np.generic]]
"""Gives for each code of a dictionary (0: missing) what its rows shall hold."""

_NONE = Dictionary(())


def check_known(ref: PropertyRef, snapshot: Snapshot, path: str = "property") -> None:
    """Raise UnknownNameError, offering the nearest names, unless some event or user has the property."""
    known = {"event": snapshot.event_properties, "user": snapshot.user_properties, "tag": {}}[ref.owner]
    if ref.name in known or ref == EVENT_NAME or not snapshot.n_events:
        return
    raise UnknownNameError(path, str(ref), [f"{ref.owner}.{name}" for name in known], f"{ref.owner} property")


def row_values(
    view: ViewLike, snapshot: Snapshot, ref: PropertyRef, lookup: Lookup, kind: type[np.generic]
) -> npt.NDArray[np.generic]:
    """What `lookup` gives for the property's value at each row of the view, `kind[n_rows]`."""
    if ref == EVENT_NAME:
        names = Dictionary((pa.array(snapshot.event_names, pa.string()),))
        return lookup(names).astype(kind)[1:][view.event]
    if ref.owner == "event":
        return _event_values(view, ref.name, lookup, kind)
    history = view.history(ref.name)
    if history is None:
        return np.full(view.n_rows, lookup(_NONE)[0], kind)
    given = lookup(history.dictionary).astype(kind)
    if ref.at_event:
        codes = np.zeros(view.n_rows, np.uint32)
        at_event(view.begin, view.end, view.time, history.offsets, history.time_us, history.codes, codes)
        return given[codes]
    out = np.zeros(view.n_rows, np.uint32)
    spread(view.begin, view.end, current_codes(history), out)
    return given[out]


def _event_values(
    view: ViewLike, name: str, lookup: Lookup, kind: type[np.generic]
) -> npt.NDArray[np.generic]:
    parts = view.coded(name)
    if len(parts) == 1 and parts[0][0] == 0 and len(parts[0][1].codes) == view.n_rows:
        return lookup(parts[0][1].dictionary).astype(kind)[parts[0][1].codes]
    out = np.full(view.n_rows, lookup(_NONE)[0], kind)
    for start, coded in parts:
        np.take(lookup(coded.dictionary).astype(kind), coded.codes, out=out[start : start + len(coded.codes)])
    return out


def current_codes(history: History) -> npt.NDArray[np.uint32]:
    """Each user's latest code, `uint32[n_users]`."""
    last = history.offsets[1:]
    known = last > history.offsets[:-1]
    codes = np.zeros(len(last), np.uint32)
    codes[known] = history.codes[last[known] - 1]
    return codes
