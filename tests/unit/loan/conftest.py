"""One small simulated bank for all tests of the loan package, as a table and as plain rows."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xingji.loan import Simulation, SimulationConfig

TODAY = dt.date(2026, 3, 18)
CONFIG = SimulationConfig(today=TODAY, events=400_000, seed=11)


@dataclass(frozen=True)
class Bank:
    """The drained simulation: its log in order, and its truth."""

    simulation: Simulation
    log: pa.Table
    truth: dict[str, Any]

    def rows(self, *events: str, columns: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Rows of some events in log order, with ``seq``, ``user``, ``event``, ``time`` (epoch ms) and
        columns."""
        kept = self.numbered.filter(pc.is_in(self.log["event"].cast(pa.string()), pa.array(events)))
        rows = kept.select(["seq", "user", "event", "ms", *columns]).to_pylist()
        return cast(list[dict[str, Any]], rows)

    @functools.cached_property
    def numbered(self) -> pa.Table:
        """The log with ``seq`` and ``ms``."""
        ms = pc.divide(self.log["time"].cast(pa.int64()), 1_000)
        return self.log.append_column("ms", ms).append_column("seq", pa.array(range(len(self.log))))


@pytest.fixture(scope="session")
def bank() -> Bank:
    """The drained simulation."""
    simulation = Simulation(CONFIG)
    log = pa.Table.from_batches(simulation.event_batches(), Simulation.event_schema)
    return Bank(simulation, log, simulation.truth())


def midnight_ms(days_ago: int) -> int:
    """Midnight in Asia/Shanghai that begins T - ``days_ago``."""
    zone = dt.timezone(dt.timedelta(hours=8))
    day = dt.datetime.combine(TODAY - dt.timedelta(days=days_ago), dt.time(), zone)
    return int(day.timestamp() * 1_000)
