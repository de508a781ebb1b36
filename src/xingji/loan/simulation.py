"""The simulated bank from the outside: batches of events, user histories, and the truth about them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from xingji.loan.acts_apply import apply
from xingji.loan.acts_browse import browse, close
from xingji.loan.acts_login import log_in
from xingji.loan.acts_money import money
from xingji.loan.acts_service import service
from xingji.loan.agenda import Agenda
from xingji.loan.arrays import NONE
from xingji.loan.backoffice import BackOffice
from xingji.loan.config import SimulationConfig
from xingji.loan.desk import Desk
from xingji.loan.emit import Emitter, event_schema
from xingji.loan.ledger import Ledger
from xingji.loan.loanbook import LoanBook
from xingji.loan.profiles import profile_batches, user_schema
from xingji.loan.scene import Scene
from xingji.loan.scenery import networks
from xingji.loan.sink import Sink
from xingji.loan.truth import truth_of
from xingji.loan.world import World, apply_span, build_world

MAX_BATCH_ROWS = 500_000


class Simulation:
    """One simulated bank; the same config gives the same bytes.

    ``event_batches`` streams the log day by day in order of arrival; ``truth`` may be asked once it has
    ended.
    """

    event_schema: pa.Schema = event_schema()
    user_schema: pa.Schema = user_schema()

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self._ended: tuple[Ledger, Emitter] | None = None

    @functools.cached_property
    def world(self) -> World:
        """What has been decided before the first event; built at first use."""
        return build_world(self.config)

    def event_batches(self) -> Iterator[pa.RecordBatch]:
        """All events in log order; memory is bounded by one day."""
        world = self.world
        sink, ledger, emitter = Sink(world.dice, self.config.as_of_ms), Ledger(), Emitter(world)
        office, desk, book = BackOffice(world, sink), Desk(world, sink), LoanBook(world, sink, ledger)
        agenda = Agenda(self.config, world.visits.start_ms)
        for day in range(self.config.days + 1):
            last = day == self.config.days
            _play(world, sink, ledger, agenda.on(day))
            office.work(day)
            desk.work(day)
            book.keep(day)
            pieces = sink.arrived(2**62 if last else self.config.midnight_ms(day + 1))
            if pieces:
                batch = emitter.batch(pieces)
                for start in range(0, len(batch), MAX_BATCH_ROWS):
                    yield batch.slice(start, MAX_BATCH_ROWS)
        self._ended = ledger, emitter

    def user_batches(self) -> Iterator[pa.RecordBatch]:
        """Profiles of registered people and every later change, in order of time."""
        return profile_batches(self.world)

    def truth(self) -> dict[str, Any]:
        """What the simulation knows to be true.

        Raises:
            RuntimeError: ``event_batches`` has not been read to its end yet.
        """
        if self._ended is None:
            raise RuntimeError("the truth is known once event_batches() has been read to its end")
        return truth_of(self.world, *self._ended)


def _play(world: World, sink: Sink, ledger: Ledger, rows: np.ndarray) -> None:
    """Let the visits that begin on a day take place."""
    visits = world.visits.take(rows)
    offsets = world.script.offsets(visits, lambda _, some: apply_span(world.apps, some))
    page = np.full(len(visits), NONE, np.int8)
    scene = Scene(world, sink, ledger, visits, offsets, page, networks(world.dice, visits.key))
    browse(scene)
    log_in(scene)
    apply(scene)
    money(scene)
    service(scene)
    close(scene)
