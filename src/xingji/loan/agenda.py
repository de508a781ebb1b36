"""A planned table in time order, so that each day can take its rows."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I64
from xingji.loan.config import SimulationConfig


class Agenda:
    """Row numbers of a table by the day of their instant; rows without an instant are on no day."""

    def __init__(self, config: SimulationConfig, time_ms: I64) -> None:
        order = np.argsort(time_ms, kind="stable")
        edges = [config.midnight_ms(day) for day in range(config.days + 2)]
        self._order = order
        self._edges = np.searchsorted(time_ms[order], edges)

    def on(self, day: int) -> I64:
        """The rows of a day."""
        return self._order[self._edges[day] : self._edges[day + 1]]
