"""The wanted columns of a stream's events: held in memory, or read from a view when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from xingji.lake.part import Int64s, Rows

Events = npt.NDArray[Any]
"""Numbers of events, or a mask over all of them."""


class Columns(Protocol):
    """The wanted columns of a stream's events: value codes, session or row numbers, `int64[n]`."""

    def of(self, name: str, events: Events | None = None) -> Int64s:
        """A column at every event, or at the given ones."""
        ...

    def take(self, events: Events) -> Columns:
        """The columns of some events."""
        ...


@dataclass(frozen=True, slots=True)
class HeldColumns:
    """Columns in memory."""

    held: Mapping[str, Int64s]

    def of(self, name: str, events: Events | None = None) -> Int64s:
        column = self.held[name]
        return column if events is None else column[events]

    def take(self, events: Events) -> HeldColumns:
        return HeldColumns({name: column[events] for name, column in self.held.items()})


@dataclass(frozen=True, slots=True)
class ReadColumns:
    """Columns read from a view when they are asked for, at the events that are asked for."""

    read: Callable[[str, Rows], Int64s]
    rows: Rows

    def of(self, name: str, events: Events | None = None) -> Int64s:
        return self.read(name, self.rows if events is None else self.rows[events])

    def take(self, events: Events) -> ReadColumns:
        return ReadColumns(self.read, self.rows[events])
