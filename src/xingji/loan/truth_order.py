"""Milestones in time order: for every unit, the earliest later one of the next step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import I64, NONE, Ints

_TIME_BITS = 36  # two years of milliseconds


@dataclass(frozen=True)
class Milestones:
    """Decided moments of one kind: ``unit`` (a small whole number) and ``time_ms``, sorted by both."""

    unit: I64
    time_ms: I64

    @classmethod
    def of(cls, unit: Ints, time_ms: Ints, from_ms: int, until_ms: int) -> Milestones:
        """Those with an instant in [from_ms, until_ms)."""
        unit, time_ms = np.asarray(unit, np.int64), np.asarray(time_ms, np.int64)
        keep = (time_ms != NONE) & (time_ms >= from_ms) & (time_ms < until_ms)
        order = np.lexsort((time_ms[keep], unit[keep]))
        return cls(unit[keep][order], time_ms[keep][order])

    def _place(self, unit: I64, time_ms: I64, origin_ms: int) -> I64:
        return (unit << _TIME_BITS) + (time_ms - origin_ms)

    def first(self) -> Milestones:
        """The earliest of each unit."""
        keep = np.r_[True, self.unit[1:] != self.unit[:-1]] if len(self.unit) else np.zeros(0, np.bool_)
        return Milestones(self.unit[keep], self.time_ms[keep])

    def after(self, unit: I64, time_ms: I64) -> I64:
        """For each (unit, instant) the instant of the unit's next milestone, ``NONE`` without one."""
        out = np.full(len(unit), NONE, np.int64)
        if len(self.unit) and len(unit):
            origin = min(int(self.time_ms.min()), int(time_ms.min()))
            mine = self._place(self.unit, self.time_ms, origin)
            at = np.searchsorted(mine, self._place(unit, time_ms, origin), side="right")
            inside = np.minimum(at, len(mine) - 1)
            found = (at < len(mine)) & (self.unit[inside] == unit)
            out[found] = self.time_ms[inside][found]
        return out

    def before(self, unit: I64, time_ms: I64) -> I64:
        """For each (unit, instant) the instant of the unit's latest earlier milestone, ``NONE`` without
        one."""
        out = np.full(len(unit), NONE, np.int64)
        if len(self.unit) and len(unit):
            origin = min(int(self.time_ms.min()), int(time_ms.min()))
            mine = self._place(self.unit, self.time_ms, origin)
            at = np.searchsorted(mine, self._place(unit, time_ms, origin), side="left") - 1
            inside = np.maximum(at, 0)
            found = (at >= 0) & (self.unit[inside] == unit)
            out[found] = self.time_ms[inside][found]
        return out


def chain(first: Milestones, steps: list[Milestones]) -> tuple[I64, I64, I64]:
    """Greedy walk of each unit from its first milestone: (unit, steps reached 1…, instant of the last
    reached)."""
    unit, last = first.unit, first.time_ms.copy()
    depth = np.ones(len(unit), np.int64)
    for number, step in enumerate(steps, start=1):
        going = np.flatnonzero(depth == number)
        reached = step.after(unit[going], last[going])
        ok = reached != NONE
        last[going[ok]] = reached[ok]
        depth[going[ok]] += 1
    return unit, depth, last
