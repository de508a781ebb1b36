"""Sessions: runs of a unit's rows, found once for each view and kept with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.columns import row_values
from xingji.analysis.context import Context
from xingji.analysis.kernels.sessions import find_sessions, number_sessions
from xingji.analysis.predicates import dictionary_mask
from xingji.lake.part import Dictionary, Int32s, Int64s, Rows, ViewLike
from xingji.model.predicate import Comparison, PropertyRef

SESSION_GAP_US = 30 * 60_000_000
ORIGIN = PropertyRef("event", "$origin")
_MOST_KEPT = 0.5
"""Sessions are kept with a view where they are at most this share of its rows."""
Flags = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Session s is the rows begin[s] up to end[s] (`uint32[n]`); those of unit u are [offsets[u],
    offsets[u + 1])."""

    begin: Rows
    end: Rows
    offsets: Int64s

    def units_of(self, sessions: Int64s) -> Int64s:
        """The numbers of the units that have some of the sessions, each once."""
        return np.unique(np.searchsorted(self.offsets, sessions, side="right") - 1)


def cut(begin: Rows, end: Rows, time: Int64s, client: Flags | None, gap_us: int | None) -> Sessions:
    """The sessions of units whose rows are begin[u] up to end[u]; without a gap, a unit is one session."""
    if gap_us is None:
        return Sessions(begin, end, np.arange(len(begin) + 1))
    first, after = (np.empty(len(time) + 1, np.uint32) for _ in range(2))
    offsets = np.empty(len(begin) + 1, np.int64)
    find_sessions(begin, end, time, client, gap_us, first, after, offsets)
    count = int(offsets[-1])
    return Sessions(first[:count].copy(), after[1 : count + 1].copy(), offsets)


def sessions_of(context: Context, view: ViewLike, gap_us: int | None = SESSION_GAP_US) -> Sessions:
    """The sessions of a view's users; those of the usual gap are kept with the view."""
    kept: Sessions | None = view.kept.get("sessions") if view.kept and gap_us == SESSION_GAP_US else None
    if kept is not None:
        return kept
    client = None if gap_us is None else _client_rows(context, view)
    found = cut(view.begin, view.end, view.time, client, gap_us)
    if view.kept is not None and gap_us == SESSION_GAP_US and len(found.begin) <= _MOST_KEPT * view.n_rows:
        view.kept["sessions"] = found
    return found


def session_numbers(context: Context, view: ViewLike) -> Int32s:
    """The number of each row's session within its user, -1 where it has none, `int32[n_rows]`."""
    found, out = sessions_of(context, view), np.full(view.n_rows, -1, np.int32)
    number_sessions(found.begin, found.end, found.offsets, out)
    return out


def _client_rows(context: Context, view: ViewLike) -> Flags | None:
    """Which rows are events of a client, `uint8[n_rows]`; None where all are."""
    if ORIGIN.name not in context.snapshot.event_properties:
        return None
    return row_values(view, context.snapshot, ORIGIN, _is_client, np.uint8)


def _is_client(dictionary: Dictionary) -> npt.NDArray[np.generic]:
    """Which origins are those of a client: "client", or none at all."""
    mask = dictionary_mask(Comparison(ORIGIN, "=", "client"), dictionary, 0)
    mask[0] = True
    return mask
