"""The truth about a simulation, from what it decided."""

from __future__ import annotations

from typing import Any

from xingji.loan.emit import Emitter
from xingji.loan.ledger import Ledger
from xingji.loan.vocabulary import EVENTS
from xingji.loan.world import World


def truth_of(world: World, ledger: Ledger, emitter: Emitter) -> dict[str, Any]:
    """Everything the simulation knows, as JSON values."""
    return {"events": dict(zip(EVENTS, emitter.counts.tolist()))}
