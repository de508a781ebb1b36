"""The chosen attempt of every unit of a stream: which event did each step of a funnel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels import funnel as kernels
from xingji.analysis.stream import Stream
from xingji.lake.order import starts_of
from xingji.lake.part import Int64s
from xingji.model.query import Funnel

Grid = npt.NDArray[np.int64]
Uint64s = npt.NDArray[np.uint64]
FOREVER_US = 2**61
"""A window without bound; far enough below the limits of int64 to be added to any instant."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """`unit: int64[n]` numbers of the stream's units that have an attempt, rising; `at: int64[n, n_steps]`
    the event of each listed step (-1: not reached)."""

    unit: Int64s
    at: Grid


@dataclass(frozen=True, slots=True)
class _Runs:
    """A stream cut into runs within which an attempt must stay; `order` gives the stream's event of each run
    event."""

    offsets: Int64s
    order: Int64s | None
    unit: Int64s
    time: Int64s
    bits: Uint64s

    def stream_events(self, at: Grid) -> Grid:
        """Run events as the stream's events, -1 kept."""
        return at if self.order is None else np.where(at >= 0, self.order[np.maximum(at, 0)], -1)


def required_steps(query: Funnel) -> list[int]:
    """The listed numbers (from 0) of the steps that are not optional."""
    return [at for at, step in enumerate(query.steps) if not step.optional]


def choose(stream: Stream, query: Funnel, keys: Sequence[Int64s], entry_end_us: int) -> Attempts:
    """The chosen attempt of each unit; an attempt's events share all `keys` (one array an event each)."""
    window_us = FOREVER_US if query.window.length_us is None else query.window.length_us
    required = required_steps(query)
    if query.order == "strict":
        runs = _Runs(stream.offsets, None, np.arange(len(stream.unit)), stream.time, stream.bits)
        at = np.empty((len(stream.unit), len(required)), np.int64)
        key = _one_key(keys, len(stream.time))
        kernels.strict(runs.offsets, runs.time, runs.bits, key, window_us, entry_end_us, at)
        return _best(runs, at, at)
    runs = _runs(stream, keys)
    at = np.empty((len(runs.unit), len(required)), np.int64)
    bits = _kernel_bits(runs.bits, query, required)
    if query.order == "any":
        kind_of, kinds = _kinds(bits, len(required))
        bits = _one_exclusion(bits, len(required))
        excluding = bool(query.exclusions)
        kernels.any_order(
            runs.offsets, runs.time, bits, kind_of, kinds, window_us, entry_end_us, excluding, at
        )
    elif query.exclusions:
        first, last = (
            [required.index(getattr(x, end) - 1) for x in query.exclusions]
            for end in ("from_step", "to_step")
        )
        sides = np.array(first, np.int64), np.array(last, np.int64)
        kernels.excluded(runs.offsets, runs.time, bits, window_us, entry_end_us, *sides, at)
    else:
        kernels.ordered(runs.offsets, runs.time, bits, window_us, entry_end_us, at)
    return _best(runs, at, _with_optional(runs, at, query, required, window_us))


def _runs(stream: Stream, keys: Sequence[Int64s]) -> _Runs:
    if not keys:
        return _Runs(stream.offsets, None, np.arange(len(stream.unit)), stream.time, stream.bits)
    unit = stream.unit_of_event()
    order = np.lexsort((*keys, unit))
    offsets = starts_of(unit[order], *(key[order] for key in keys))
    return _Runs(offsets, order, unit[order][offsets[:-1]], stream.time[order], stream.bits[order])


def _one_key(keys: Sequence[Int64s], length: int) -> Int64s:
    """One number an event that is equal where all keys are."""
    one = np.zeros(length, np.int64)
    for key in keys:
        _, code = np.unique(key, return_inverse=True)
        _, one = np.unique(one * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
    return one.astype(np.int64)


def _kernel_bits(bits: Uint64s, query: Funnel, required: Sequence[int]) -> Uint64s:
    """Bits of the required steps in their order, then those of the exclusions."""
    wanted = [*required, *range(len(query.steps), len(query.steps) + len(query.exclusions))]
    if wanted == list(range(len(wanted))):
        return bits
    out = np.zeros_like(bits)
    for to, at in enumerate(wanted):
        out |= ((bits >> np.uint64(at)) & np.uint64(1)) << np.uint64(to)
    return out


def _one_exclusion(bits: Uint64s, n_steps: int) -> Uint64s:
    """Bits of the steps and one bit for all exclusions, which in any order all act from first to last."""
    steps = np.uint64((1 << n_steps) - 1)
    excluding: Uint64s = ((bits & ~steps) != 0).astype(np.uint64) << np.uint64(n_steps)
    return (bits & steps) | excluding


def _kinds(bits: Uint64s, n_steps: int) -> tuple[Int64s, Uint64s]:
    kinds, kind_of = np.unique(bits & np.uint64((1 << n_steps) - 1), return_inverse=True)
    return kind_of.astype(np.int64), kinds


def _with_optional(runs: _Runs, at: Grid, query: Funnel, required: Sequence[int], window_us: int) -> Grid:
    if len(required) == len(query.steps):
        return at
    place = np.array([required.index(k) if k in required else -1 for k in range(len(query.steps))], np.int64)
    out = np.empty((len(at), len(place)), np.int64)
    kernels.optional_steps(runs.time, runs.bits, runs.offsets[1:], at, place, window_us, out)
    return out


def _best(runs: _Runs, required: Grid, at: Grid) -> Attempts:
    """The run of each unit whose attempt goes furthest, then ends earliest, then starts latest."""
    some = np.flatnonzero(required[:, 0] >= 0)
    unit = runs.unit[some]
    if runs.order is None:
        return Attempts(unit, at[some])
    chosen = best_rows(unit, runs.stream_events(required[some]), -1)
    return Attempts(unit[chosen], runs.stream_events(at[some[chosen]]))


def best_rows(unit: Int64s, steps: Grid, missing: int | np.int64, ties: Sequence[Int64s] = ()) -> Int64s:
    """The row of each unit that goes furthest, then ends earliest, then starts latest.

    `steps: int64[n, n_steps]`: events or times of an attempt's required steps, `missing` beyond it. `ties`
    decide among what is still equal: the smallest first.
    """
    level = (steps != missing).sum(axis=1)
    last = steps[np.arange(len(steps)), np.maximum(level - 1, 0)]
    order = np.lexsort((*reversed(ties), -steps[:, 0], last, -level, unit))
    return order[starts_of(unit[order])[:-1]]
