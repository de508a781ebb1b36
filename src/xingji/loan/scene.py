"""One day's visits on stage: which rows hold a block, and the acts every page shares (view, tap, leave)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xingji.loan.arrays import I8, I64, NONE, Ints, Mask
from xingji.loan.dice import field
from xingji.loan.elements import MIDDLE_X, MIDDLE_Y, PAGE_OF, TEXT_OF, element
from xingji.loan.ledger import Ledger
from xingji.loan.script import Offsets
from xingji.loan.sink import CLIENT, SERVER, Sink
from xingji.loan.visits import Visits, has
from xingji.loan.vocabulary import code
from xingji.loan.world import World

_SLOW = code("$network", "3g")


@dataclass
class Scene:
    """The visits of a day with the times of their blocks. ``page``: the page each visit saw last."""

    world: World
    sink: Sink
    ledger: Ledger
    visits: Visits
    offsets: Offsets
    page: I8
    network: I8

    def rows(self, block: int) -> I64:
        """Rows of the visits that hold a block."""
        return np.flatnonzero(has(self.visits, block)).astype(np.int64)

    def begin(self, block: int, rows: I64) -> I64:
        """When a block begins, epoch ms."""
        return np.asarray(self.offsets.begin[rows, block], np.int64)

    def end(self, block: int, rows: I64) -> I64:
        """When a block ends: the next one begins."""
        return np.asarray(self.offsets.begin[rows, block + 1], np.int64)

    def keys(self, rows: I64) -> I64:
        """The visits' numbers."""
        return self.visits.key[rows]

    def tell(self, name: str, rows: I64, time_ms: I64, page: int | Ints = NONE, where: Mask | None = None,
             server: bool = False, **columns: Any) -> None:  # fmt: skip
        """An event of these visits; ``page`` gives its ``$path``."""
        if not np.isscalar(page) or page != NONE:
            columns["$path"] = page if isinstance(page, np.ndarray) else np.full(len(rows), page, np.int8)
        self.sink.add(
            name,
            time_ms,
            visit=self.visits.key[rows],
            origin=SERVER if server else CLIENT,
            where=where,
            **columns,
        )

    def show(self, rows: I64, page: int, enter_ms: I64, leave_ms: I64) -> None:
        """A page is seen from one instant to another."""
        if not len(rows):
            return
        key = self.keys(rows)
        bits = self.world.dice.bits(f"show {page}", key)
        load = 220 + 60 * field(bits, 0, 12) + np.where(self.network[rows] == _SLOW, 900, 0)
        scroll = np.minimum(10 * (1 + field(bits, 1, 14)), 100)
        self.tell(
            "$page_view",
            rows,
            enter_ms,
            page,
            page_name=np.full(len(rows), page, np.int8),
            load_ms=load,
            referrer_page=self.page[rows],
        )
        dwell = np.minimum(np.rint((leave_ms - enter_ms) / 1_000.0), 1_800.0)
        self.tell("$page_leave", rows, leave_ms - 40, page, page_name=np.full(len(rows), page, np.int8),
                  dwell_seconds=dwell, scroll_depth_pct=scroll)  # fmt: skip
        self.page[rows] = page

    def tap(
        self, rows: I64, name: str, time_ms: I64, where: Mask | None = None, responsive: Ints | int = 1
    ) -> None:
        """An element is tapped, near its middle."""
        if not len(rows):
            return
        what = element(name)
        bits = self.world.dice.bits("tap " + name, time_ms)
        off_x, off_y = field(bits, 0, 7) - 3, field(bits, 1, 7) - 3
        page = int(PAGE_OF[what])
        self.tell(
            "$click",
            rows,
            time_ms,
            page,
            where,
            page_name=np.full(len(rows), page, np.int8),
            element_id=np.full(len(rows), what, np.int16),
            element_text=np.full(len(rows), TEXT_OF[what], np.int16),
            click_x=np.round(MIDDLE_X[what] + 0.015 * off_x, 3),
            click_y=MIDDLE_Y[what] + 6.0 * off_y,
            is_responsive=responsive
            if isinstance(responsive, np.ndarray)
            else np.full(len(rows), responsive, np.int8),
        )

    def chance(self, name: str, rows: I64, probability: float) -> Mask:
        """A draw per visit."""
        return self.world.dice.chance(name, self.keys(rows), probability)
