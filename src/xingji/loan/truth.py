"""The truth about a simulation, from what it decided: people, applications and loans, never the emitted
table."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.loan.config import SimulationConfig
from xingji.loan.emit import Emitter
from xingji.loan.ledger import Ledger
from xingji.loan.truth_funnel import (
    APPLICATION_STEPS,
    PERSON_STEPS,
    application_funnel,
    identity,
    person_funnel,
    process,
)
from xingji.loan.truth_incidents import incidents
from xingji.loan.truth_loans import balances, cohorts, fpd, repeat, rhythm
from xingji.loan.vocabulary import EVENTS, VALUES
from xingji.loan.world import World


def truth_of(world: World, ledger: Ledger, emitter: Emitter) -> dict[str, Any]:
    """Everything the simulation knows, as JSON values."""
    return {
        "config": _config(world.config),
        "events": {name: int(count) for name, count in zip(EVENTS, emitter.counts)},
        "users": _users(emitter),
        "funnel_steps": list(PERSON_STEPS),
        "funnel": person_funnel(world, ledger),
        "application_funnel_steps": list(APPLICATION_STEPS),
        "application_funnel": application_funnel(world),
        "process": process(world),
        "identity": identity(world, ledger),
        "rhythm": rhythm(world),
        "repeat": repeat(world),
        "cohorts": cohorts(world),
        "fpd": fpd(world, ledger),
        "balances": balances(world, ledger),
        "incidents": incidents(world, ledger),
    }


def _config(config: SimulationConfig) -> dict[str, Any]:
    return {
        "seed": config.seed, "today": str(config.today), "days": config.days, "events": config.events,
        "hour_of_today": config.hour_of_today, "timezone": "Asia/Shanghai",
    }  # fmt: skip


def _users(emitter: Emitter) -> dict[str, Any]:
    by_platform = emitter.seen.sum(axis=1)
    return {
        "total": int(np.count_nonzero(emitter.seen.any(axis=0))),
        "by_platform": {name: int(count) for name, count in zip(VALUES["platform"], by_platform)},
    }
