"""The loan solution's content: a simulated bank that knows its own truth, its tracking plan, its
questions."""

from __future__ import annotations

from xingji.loan.config import SimulationConfig
from xingji.loan.plan import PLAN
from xingji.loan.simulation import Simulation

__all__ = ["PLAN", "Simulation", "SimulationConfig"]
