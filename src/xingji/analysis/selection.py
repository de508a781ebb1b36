"""Selectors as bits: which of a query's selectors each row of a view matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.collect import clear, combine, keep_first_rows
from xingji.analysis.predicates import row_mask
from xingji.lake.part import EventNumbers, Snapshot, ViewLike
from xingji.model.predicate import AllOf, Predicate
from xingji.model.query import EventSelector

Uint64s = npt.NDArray[np.uint64]
_ALL_BITS = 64
_NARROW_BITS = 12
"""Up to this many targets a row's bits are its code."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Row r matches the selectors with bits set in `bits_of[codes[r]]`; `codes: uint8|uint16[n_rows]`."""

    codes: EventNumbers
    bits_of: Uint64s


@dataclass(frozen=True, slots=True)
class Target:
    """What one bit stands for: a selector, under the query's filter (`filtered`) or without it."""

    selector: EventSelector
    filtered: bool = True


def select(
    targets: Sequence[Target], filter_: Predicate | None, view: ViewLike, snapshot: Snapshot, as_of_us: int
) -> Selection:
    """The selection of the targets (bit i is target i) over a view."""
    by_event = event_bits([target.selector for target in targets], snapshot.event_names)
    conditions = [condition_of(target, filter_) for target in targets]
    if not any(conditions):
        return Selection(view.event, by_event)
    masks = {want: row_mask(AllOf(want), view, snapshot, as_of_us) for want in set(conditions) if want}
    if len(masks) == 1 and all(conditions):
        dead = np.uint16(len(by_event))
        codes = np.where(next(iter(masks.values())), view.event, dead)
        return Selection(codes, np.append(by_event, np.uint64(0)))
    if len(targets) <= _NARROW_BITS:
        narrow = np.empty(view.n_rows, np.uint16)
        combine(view.event, by_event.astype(np.uint16), narrow)
        for want, mask in masks.items():
            clear(mask, sum(1 << at for at, other in enumerate(conditions) if other == want), narrow)
        return Selection(narrow, np.arange(1 << len(targets), dtype=np.uint64))
    bits = by_event[view.event]
    for at, want in enumerate(conditions):
        if want:
            bits &= ~(np.logical_not(masks[want]).astype(np.uint64) << np.uint64(at))
    return of_bits(bits)


def of_bits(bits: Uint64s) -> Selection:
    """The selection in which each row has the given bits."""
    most = int(bits.max(initial=0))
    if most < 1 << _NARROW_BITS:
        return Selection(bits.astype(np.uint16), np.arange(most + 1, dtype=np.uint64))
    kinds, codes = np.unique(bits, return_inverse=True)
    return Selection(codes.astype(np.uint16), kinds)


def first_time_bits(targets: Sequence[Target]) -> int:
    """The targets of which a unit's first match in all history alone counts."""
    return sum(1 << at for at, target in enumerate(targets) if target.selector.first_time)


def select_first(chosen: Selection, targets: Sequence[Target], view: ViewLike) -> Selection:
    """The selection in which first-time targets match each user's first match only."""
    first_only = first_time_bits(targets)
    if not first_only:
        return chosen
    bits = chosen.bits_of[chosen.codes]
    keep_first_rows(view.begin, view.end, bits, first_only)
    return of_bits(bits)


def event_bits(selectors: Sequence[EventSelector], names: Sequence[str]) -> Uint64s:
    """The bits of each event name by its code, filters aside, `uint64[n_names]`."""
    if len(selectors) > _ALL_BITS:
        raise ValueError(f"{len(selectors)} selectors; a word has {_ALL_BITS} bits")
    codes = {name: code for code, name in enumerate(names)}
    out = np.zeros(max(len(names), 1), np.uint64)
    for at, selector in enumerate(selectors):
        bit = np.uint64(1 << at)
        if selector.events is None:
            out |= bit
        for name in selector.events or ():
            if name in codes:
                out[codes[name]] |= bit
    return out


def condition_of(target: Target, filter_: Predicate | None) -> tuple[Predicate, ...]:
    """What a row must satisfy, beside its event's name, to match a target."""
    whole = filter_ if target.filtered else None
    return tuple(term for term in (whole, target.selector.filter) if term is not None)
