"""Parts: immutable blocks of one bucket's events, laid out for the kernels; what a view is composed of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Rows = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
EventNumbers = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The distinct values behind codes; code 0 is "missing", code 1 + i is the i-th value over the chunks in
    turn.

    Chunks are arrow arrays without nulls, one type each: string, int64, double, decimal128, bool_,
    timestamp[us, UTC], or binary (JSON text of a list or object). The same value may stand in two chunks.
    """

    chunks: tuple[pa.Array, ...]

    def __len__(self) -> int:
        return 1 + sum(len(chunk) for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Coded:
    """A property of `n_rows` events as codes into a dictionary (`codes: uint8|uint16|uint32[n_rows]`)."""

    codes: Codes
    dictionary: Dictionary


class Part(Protocol):
    """Events of one bucket sorted by (user_id, time, seq).

    `user_ids: int64[n_users]` rises; the rows of user i are `user_offsets[i]` up to `user_offsets[i + 1]`
    (`user_offsets: int64[n_users + 1]`). `first_us`, `last_us` bound the times of its rows. `key` names the
    part for caches.
    """

    @property
    def key(self) -> str: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def first_us(self) -> int: ...
    @property
    def last_us(self) -> int: ...
    @property
    def user_ids(self) -> Int64s: ...
    @property
    def user_offsets(self) -> Int64s: ...
    def time(self) -> Int64s:
        """µs since the epoch, `int64[n_rows]`."""
        ...

    def seq(self) -> Int64s:
        """Log order, `int64[n_rows]`."""
        ...

    def event(self) -> EventNumbers:
        """Codes of event names, common to all parts of a snapshot, `uint8|uint16[n_rows]`."""
        ...

    def coded(self, name: str) -> Coded | None:
        """A property of the events as codes; None where no row of the part has it."""
        ...


class StoredPart(Part, Protocol):
    """A part as it is stored: it knows for which users its rows came."""

    def own(self) -> Int64s | None:
        """The own user of every row, 0 where it is the one it is stored under; None where it always is."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """What is known of one user property in one bucket: user i's values are rows offsets[i]…offsets[i + 1],
    by time.

    `offsets: int64[n_users + 1]`, `time_us: int64[n]` (since when the value holds), `codes: uint32[n]` into
    `dictionary` (0: unset from then on).
    """

    offsets: Int64s
    time_us: Int64s
    codes: npt.NDArray[np.uint32]
    dictionary: Dictionary


class ViewLike(Protocol):
    """Users as a query sees them: user u's events are the rows `begin[u]` up to `end[u]` (`uint32[n_users]`),
    in `(time, seq)` order.

    Columns (`time`, `seq`, `event`) are arrays over all rows, which may not be written; rows that belong to
    nobody here (users of another view) lie outside every range. `event` has one byte a row where that is
    enough.
    """

    user_ids: Int64s
    begin: Rows
    end: Rows

    first_us: int
    last_us: int
    """Bounds of the times of its rows (perhaps wider than the users' rows)."""

    kept: dict[str, Any] | None
    """What analyses derived from it and keep with it, within bounds of their own; None: it keeps nothing."""

    @property
    def n_rows(self) -> int: ...
    @property
    def time(self) -> Int64s: ...
    @property
    def seq(self) -> Int64s: ...
    @property
    def event(self) -> EventNumbers: ...
    def coded(self, name: str) -> Coded | None:
        """A property over all rows; None where no part has it."""
        ...

    def history(self, name: str) -> History | None:
        """A user property over this view's users; None where nobody has it."""
        ...


@dataclass(frozen=True, slots=True)
class PropertyInfo:
    """A property that events or users have: its name, the arrow types its values came in."""

    name: str
    types: tuple[str, ...]


class Snapshot(Protocol):
    """One version of a log of events: everything a query may read, never half a commit."""

    @property
    def version(self) -> str: ...
    @property
    def as_of_us(self) -> int:
        """The instant the snapshot speaks for (a file: its last event)."""
        ...

    @property
    def event_names(self) -> Sequence[str]:
        """Names by code: `event_names[code]`."""
        ...

    @property
    def event_properties(self) -> dict[str, PropertyInfo]: ...
    @property
    def user_properties(self) -> dict[str, PropertyInfo]: ...
    @property
    def n_buckets(self) -> int: ...
    @property
    def n_events(self) -> int: ...
    @property
    def warnings(self) -> Sequence[str]:
        """What could not be read, one sentence each; empty when the snapshot is whole."""
        ...

    def views(
        self, bucket: int, first_us: int | None = None, last_us: int | None = None
    ) -> Sequence[ViewLike]:
        """The views that together hold a bucket's users, each once; with bounds (inclusive, µs), parts wholly
        outside may be left out."""
        ...

    def user_ids_of(self, names: Sequence[str]) -> Int64s:
        """Ids of users by name (merged users: the survivor's); unknown names are left out."""
        ...

    def user_names_of(self, user_ids: Int64s) -> list[str]:
        """Names of users by id."""
        ...
