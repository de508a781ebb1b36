"""Which breakdown value a unit of a funnel gets: along its attempt, or one run for each value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from xingji.analysis.stream import Stream
from xingji.lake.order import offsets_of, starts_of
from xingji.lake.part import Int64s
from xingji.model.query import Funnel


def first_values(codes_at: Callable[[Int64s], Int64s], at: npt.NDArray[np.int64], from_last: bool) -> Int64s:
    """The first set code (or the last) along each attempt's events, 0 where none is set."""
    value = np.zeros(len(at), np.int64)
    steps = range(at.shape[1])
    for step in reversed(steps) if from_last else steps:
        reached = np.flatnonzero((at[:, step] >= 0) & (value == 0))
        if not len(reached):
            continue
        value[reached] = codes_at(at[reached, step])
    return value


def restricted_bits(query: Funnel) -> tuple[np.uint64, np.uint64]:
    """The steps whose events must carry the group's value, and the steps whose events name the groups, as
    bits."""
    every = np.uint64((1 << len(query.steps)) - 1)
    if query.attribution.kind == "step":
        step = np.uint64(1 << (query.attribution.step - 1))
        return step, step
    return every, every if query.order == "any" else np.uint64(1)


def expand(stream: Stream, value: Int64s, restricted: np.uint64, naming: np.uint64) -> tuple[Stream, Int64s]:
    """A stream with one copy of each unit for every value at its naming events, in which restricted steps
    match only those.

    Returns the stream and the value of each copy.
    """
    unit_of = stream.unit_of_event()
    named = stream.bits & naming != 0
    order = np.lexsort((value[named], unit_of[named]))
    units, values = unit_of[named][order], value[named][order]
    starts = starts_of(units, values)[:-1]
    units, values = units[starts], values[starts]
    lengths = np.diff(stream.offsets)[units]
    offsets = offsets_of(lengths)
    events = np.repeat(stream.offsets[:-1][units] - offsets[:-1], lengths) + np.arange(offsets[-1])
    foreign = value[events] != np.repeat(values, lengths)
    bits = np.where(foreign, stream.bits[events] & ~restricted, stream.bits[events])
    owner = None if stream.owner is None else stream.owner[events]
    columns = stream.columns.take(events)
    return Stream(offsets, stream.unit[units], stream.time[events], bits, owner, columns), values
