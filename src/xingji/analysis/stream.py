"""Streams: the events a query selects, unit by unit and in order, whatever a unit is."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from xingji.analysis.columns import row_values
from xingji.analysis.context import Context
from xingji.analysis.event_columns import Columns, HeldColumns, ReadColumns
from xingji.analysis.groups import pack
from xingji.analysis.kernels.collect import keep_first
from xingji.analysis.selected import Search, spelt
from xingji.analysis.selection import Target, first_time_bits
from xingji.analysis.sessions import SESSION_GAP_US, session_numbers
from xingji.analysis.slots import Hours
from xingji.analysis.values import ValueTable
from xingji.lake.order import offsets_of, starts_of
from xingji.lake.part import Dictionary, Int32s, Int64s, Rows, ViewLike
from xingji.model.errors import QueryTooLargeError
from xingji.model.predicate import PropertyRef

T = TypeVar("T")
Uint64s = npt.NDArray[np.uint64]
_ROW_BYTES = 64
_MOST_PARTS = 256
_SORTED_AT_ONCE = 1 << 20
"""Events of property units put in order at once: so few that a cancelled question ends within a second."""
_MOST_SHARES = 1 << 16
_SESSION_BITS = 20
"""A user's sessions are at least a gap apart: 2^20 of them would take 59 years."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Unit u's selected events are [offsets[u], offsets[u + 1]), in order.

    `unit: int64[n_units]`: the user's id, the number of the user's session (`users_of_sessions`), or the code
    of the unit's value in the request's `unit_values`. Per event: `time: int64[n]` µs, `matched: uint64[n]`
    (the targets it matches; one number where all match the same), `owner: int64[n]` (its user's id), the
    request's columns, and, where it is known, the hour it lies in.
    """

    offsets: Int64s
    unit: Int64s
    time: Int64s
    matched: Uint64s | np.uint64
    owner: Int64s | None
    columns: Columns
    hours: Hours | None = None

    @property
    def bits(self) -> Uint64s:
        """The targets of every event, `uint64[n]`."""
        return spelt(self.matched, len(self.time))

    def owners(self, events: npt.NDArray[np.bool_]) -> Int64s:
        """The users of some events, where units are values; else nobody."""
        return np.empty(0, np.int64) if self.owner is None else np.unique(self.owner[events])

    def by_key(self, breakdown: Sequence[PropertyRef], events: Int64s | None = None) -> Int64s:
        """The packed key of the breakdown's values (see `by_columns`) at every event, or at some."""
        length = len(self.time if events is None else events)
        return pack([self.columns.of(name, events) for name in by_columns(breakdown)], length)

    def unit_of_event(self) -> Int64s:
        """The number of the unit of every event."""
        return np.repeat(np.arange(len(self.unit)), np.diff(self.offsets))


@dataclass(frozen=True)
class Request:
    """What a stream shall hold: events that match any target, within [first_us, end_us), with the wanted
    columns.

    `properties`: column name → property whose codes in `values` it holds; the codes of the column "number"
    are in `numbers`. `sessions`: add the column "session". Streams of views also have the column "row" (the
    event's row in its view). `first_of_user`: first-time targets match a user's first
    event, even where units are sessions.
    """

    targets: Sequence[Target]
    first_us: int
    end_us: int
    properties: Mapping[str, PropertyRef] = field(default_factory=dict)
    sessions: bool = False
    first_of_user: bool = False
    values: ValueTable = field(default_factory=ValueTable)
    numbers: ValueTable = field(default_factory=lambda: ValueTable(by_type=True))
    unit_values: ValueTable = field(default_factory=ValueTable)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that every stream has."""
        return (*self.properties, "session") if self.sessions else tuple(self.properties)

    @property
    def span(self) -> tuple[int, int] | None:
        """The instants of rows to look at; where a first match in all history counts, all."""
        return None if self.first_time_bits else (self.first_us, self.end_us)

    @property
    def first_time_bits(self) -> int:
        """The targets of which a unit's first match in all history alone counts."""
        return first_time_bits(self.targets)


def by_columns(breakdown: Sequence[PropertyRef]) -> dict[str, PropertyRef]:
    """The columns of a request that hold the values of a breakdown."""
    return {f"by{at}": ref for at, ref in enumerate(breakdown)}


def over_streams(context: Context, request: Request, task: Callable[[Stream], T]) -> list[T]:
    """The task's result for streams that together hold every unit once."""
    return over_side_by_side(context, (request,), lambda streams: task(streams[0]))


def over_side_by_side(
    context: Context, requests: Sequence[Request], task: Callable[[Sequence[Stream]], T]
) -> list[T]:
    """As `over_streams` for several requests (with one table of units), whose streams have the same units."""
    bounds = _bounds(context, requests)
    searched = [(request, search_of(context, request)) for request in requests]
    if context.scope.count_by.kind != "property":
        return context.over_buckets(
            lambda view: task(_aligned([view_stream(context, *each, view) for each in searched])), bounds
        )
    results: list[T] = []
    split = _split(context, requests)
    for part in range(split.parts):
        pieces = context.over_buckets(
            lambda view, part=part: [_piece(context, *each, view, part, split) for each in searched],  # type: ignore[misc]
            bounds,
        )
        of_request = list(zip(requests, zip(*pieces, strict=True), strict=True))

        def of_share(share: int, found: Sequence[_OfRequest] = of_request) -> T:
            return task(_aligned([_by_value(request, mine, share) for request, mine in found]))

        results += context.over(of_share, range(split.shares))
    return results


def search_of(context: Context, request: Request) -> Search:
    """What a request looks for, to be asked of every view."""
    return Search(request.targets, context.scope.filter, context.snapshot, context.as_of_us)


def _aligned(streams: Sequence[Stream]) -> Sequence[Stream]:
    """The streams with the units of all, some of them without events in one or the other."""
    if all(stream.unit is streams[0].unit for stream in streams):
        return streams
    units = np.unique(np.concatenate([stream.unit for stream in streams]))
    places = [np.append(np.searchsorted(stream.unit, units), len(stream.unit)) for stream in streams]
    return [
        dataclasses.replace(stream, unit=units, offsets=stream.offsets[place])
        for stream, place in zip(streams, places, strict=True)
    ]


def _bounds(context: Context, requests: Sequence[Request]) -> tuple[int, int] | None:
    """The instants whose rows matter, with those that the sessions of events near the start depend on."""
    if any(request.first_time_bits for request in requests):
        return None
    first_us, end_us = min(each.first_us for each in requests), max(each.end_us for each in requests)
    by_session = context.scope.count_by.kind == "session" or any(each.sessions for each in requests)
    return first_us - (SESSION_GAP_US if by_session else 0), end_us


@dataclass(frozen=True, slots=True)
class _Split:
    """The values that are units, in `parts` that fit the memory bound, each put in order in `shares`."""

    parts: int
    shares: int


def _split(context: Context, requests: Sequence[Request]) -> _Split:
    """How units are split so that one part's events fit the memory bound, and one share's are soon sorted."""
    n_events = context.snapshot.n_events
    needed = n_events * sum(_ROW_BYTES + 8 * len(request.properties) for request in requests)
    parts = max(-(-needed // context.memory_bound_bytes), 1)
    if parts > _MOST_PARTS:
        hint = "narrow its events or its range"
        raise QueryTooLargeError(needed // _MOST_PARTS, context.memory_bound_bytes, hint)
    return _Split(parts, min(max(-(-n_events // parts // _SORTED_AT_ONCE), 1), _MOST_SHARES))


def view_stream(context: Context, request: Request, search: Search, view: ViewLike) -> Stream:
    """The stream of users, or of their sessions, of one bucket."""
    found = search.rows(view, request.span)
    if context.scope.count_by.kind != "session":
        columns = ReadColumns(_reader(context, request, view), found.rows)
        return _finish(
            request,
            Stream(found.offsets, view.user_ids, found.time, found.matched, None, columns, found.hours),
        )
    if request.first_of_user:
        bits = found.bits
        keep_first(found.offsets, bits, request.first_time_bits)
        found = dataclasses.replace(found, matched=bits)
    session = session_numbers(context, view)[found.rows].astype(np.int64)
    user = np.repeat(view.user_ids, np.diff(found.offsets))[session >= 0]
    found, session = found.keep(session >= 0), session[session >= 0]
    unit = session_units(user, session)
    offsets = starts_of(unit)
    columns = ReadColumns(_reader(context, request, view), found.rows)
    return _finish(request, Stream(offsets, unit[offsets[:-1]], found.time, found.bits, None, columns))


def _reader(context: Context, request: Request, view: ViewLike) -> Callable[[str, Rows], Int64s]:
    """Reads a column of a request at rows of a view; each property's values are encoded once."""
    codes_of: dict[str, Int64s] = {}
    session: list[Int32s] = []

    def encode(name: str, dictionary: Dictionary) -> Int64s:
        if name not in codes_of:
            table = request.numbers if name == "number" else request.values
            codes_of[name] = table.encode(dictionary, context.watch)
        return codes_of[name]

    def read(name: str, rows: Rows) -> Int64s:
        if name == "row":
            return rows.astype(np.int64)
        if name == "session":
            if not session:
                session.append(session_numbers(context, view))
            return session[0][rows].astype(np.int64)
        ref = request.properties[name]
        found: Int64s = row_values(
            view, context.snapshot, ref, lambda dictionary: encode(name, dictionary), np.int64, rows
        )
        return found

    return read


def session_units(user: Int64s, session: Int64s) -> Int64s:
    """One number for a user's session."""
    return (user << _SESSION_BITS) | session


def users_of_sessions(unit: Int64s) -> Int64s:
    """The users of sessions numbered by `session_units`."""
    return unit >> _SESSION_BITS


def _finish(request: Request, stream: Stream) -> Stream:
    """Leave first-time targets their first event, then cut to the range."""
    if not request.first_time_bits:
        return stream
    bits = stream.bits
    keep_first(stream.offsets, bits, request.first_time_bits)
    keep = (bits != 0) & (stream.time >= request.first_us) & (stream.time < request.end_us)
    before = offsets_of(keep)
    owner = None if stream.owner is None else stream.owner[keep]
    columns = stream.columns.take(keep)
    return Stream(before[stream.offsets], stream.unit, stream.time[keep], bits[keep], owner, columns)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One bucket's events of property units, not yet brought together: those of share s are [shares[s],
    shares[s + 1])."""

    shares: Int64s
    unit: Int64s
    time: Int64s
    seq: Int64s
    bits: Uint64s
    owner: Int64s
    columns: Mapping[str, Int64s]


_OfRequest = tuple[Request, Sequence[_Piece]]


def _piece(
    context: Context, request: Request, search: Search, view: ViewLike, part: int, split: _Split
) -> _Piece:
    ref = context.scope.count_by.property
    assert ref is not None
    found = search.rows(view, request.span)
    lookup = functools.partial(request.unit_values.encode, watch=context.watch)
    unit = row_values(view, context.snapshot, ref, lookup, np.int64, found.rows)
    mine = np.flatnonzero((unit != 0) & (unit % split.parts == part))
    share = (unit[mine] // split.parts % split.shares).astype(np.uint16)
    order = np.argsort(share, kind="stable")
    mine, rows = mine[order], found.rows[mine[order]]
    read = _reader(context, request, view)
    return _Piece(
        np.searchsorted(share[order], np.arange(split.shares + 1)),
        unit[mine],
        found.time[mine],
        view.seq[rows].astype(np.int64),
        found.bits[mine],
        np.repeat(view.user_ids, np.diff(found.offsets))[mine],
        {name: read(name, rows) for name in request.column_names},
    )


def _by_value(request: Request, pieces: Sequence[_Piece], share: int) -> Stream:
    """Bring the events of each value of a share together, in (time, seq) order."""
    spans = [(piece, slice(piece.shares[share], piece.shares[share + 1])) for piece in pieces]

    def joined(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(piece, name)[span] for piece, span in spans])

    unit, time = joined("unit"), joined("time")
    order = np.lexsort((joined("seq"), time, unit))
    unit = unit[order]
    offsets = starts_of(unit)
    held = {
        name: np.concatenate([piece.columns[name][span] for piece, span in spans])[order]
        for name in request.column_names
    }
    columns = HeldColumns(held)
    bits, owner = joined("bits")[order], joined("owner")[order]
    return _finish(request, Stream(offsets, unit[offsets[:-1]], time[order], bits, owner, columns))
