"""Collecting the events that match, unit by unit, in order: the streams every other kernel walks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int32s, Int64s, Rows

Uint64s = npt.NDArray[np.uint64]
Uint16s = npt.NDArray[np.uint16]
Flags = npt.NDArray[np.uint8]


@kernel
def collect(
    begin: Rows, end: Rows, codes: Uint16s, bits_of: Uint64s, time: Int64s, first_us: int, end_us: int,
    offsets: Int64s, rows: Int32s,
) -> int:  # fmt: skip
    """Write the rows whose code has bits and whose time is in [first_us, end_us), user by user; returns their
    number.

    `offsets: int64[n_users + 1]` and `rows: int32[n_rows]` are filled; rows [0, returned) hold.
    """
    count = 0
    for user in range(begin.shape[0]):
        offsets[user] = count
        for slot in range(begin.shape[1]):
            for row in range(begin[user, slot], end[user, slot]):
                if bits_of[codes[row]] != 0 and first_us <= time[row] < end_us:
                    rows[count] = row
                    count += 1
    offsets[begin.shape[0]] = count
    return count


@kernel
def collect_all_times(
    begin: Rows, end: Rows, codes: Uint16s, bits_of: Uint64s, offsets: Int64s, rows: Int32s
) -> int:
    """As `collect`, for queries whose range holds every row: no time is read."""
    count = 0
    for user in range(begin.shape[0]):
        offsets[user] = count
        for slot in range(begin.shape[1]):
            for row in range(begin[user, slot], end[user, slot]):
                rows[count] = row
                count += bits_of[codes[row]] != 0
    offsets[begin.shape[0]] = count
    return count


@kernel
def sessions(begin: Rows, end: Rows, time: Int64s, client: Flags, gap_us: int, out: Int32s) -> None:
    """Number each user's sessions from 0 in `out: int32[n_rows]`; -1 for rows in no session.

    A client row (`client: uint8[n_rows]`, empty: all are) more than `gap_us` after the user's last client row
    begins a session; other rows belong to the session of the last client row when it is at most `gap_us`
    before them.
    """
    for user in range(begin.shape[0]):
        session = -1
        last = np.int64(0)
        for slot in range(begin.shape[1]):
            for row in range(begin[user, slot], end[user, slot]):
                near = session >= 0 and time[row] - last <= gap_us
                if len(client) == 0 or client[row] != 0:
                    session += not near
                    last = time[row]
                    near = True
                out[row] = session if near else -1


@kernel
def keep_first(offsets: Int64s, bits: Uint64s, first_only: int) -> None:
    """Clear the `first_only` bits of all but each unit's first event that has them, in place."""
    only = np.uint64(first_only)
    for unit in range(len(offsets) - 1):
        seen = np.uint64(0)
        for at in range(offsets[unit], offsets[unit + 1]):
            found = bits[at] & only
            bits[at] &= ~(seen & only)
            seen |= found


@kernel
def keep_first_rows(begin: Rows, end: Rows, bits: Uint64s, first_only: int) -> None:
    """As `keep_first`, for bits of a view's rows."""
    only = np.uint64(first_only)
    for unit in range(begin.shape[0]):
        seen = np.uint64(0)
        for slot in range(begin.shape[1]):
            for row in range(begin[unit, slot], end[unit, slot]):
                found = bits[row] & only
                bits[row] &= ~(seen & only)
                seen |= found


@kernel
def subgroups(offsets: Int64s, order: Int64s, key: Int64s, starts: Int64s, owner: Int64s) -> int:
    """Cut units' events, sorted by `order` within each unit so that equal keys stand together, into runs of
    one key.

    Fills `starts: int64[n_events + 1]` and the unit of each run `owner: int64[n_events]`; returns the number
    of runs.
    """
    count = 0
    for unit in range(len(offsets) - 1):
        for at in range(offsets[unit], offsets[unit + 1]):
            if at == offsets[unit] or key[order[at]] != key[order[at - 1]]:
                starts[count] = at
                owner[count] = unit
                count += 1
    starts[count] = offsets[-1]
    return count
