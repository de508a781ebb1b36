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
    begin: Rows, end: Rows, codes: Uint16s, bits_of: Uint64s, time: Int64s, first_us: int | None,
    end_us: int | None, offsets: Int64s, rows: Rows,
) -> int:  # fmt: skip
    """Write the rows whose code has bits and whose time is in [first_us, end_us), user by user; returns their
    number.

    Without bounds no time is read. `offsets: int64[n_users + 1]` and `rows: uint32[n_rows + 1]` are filled;
    rows [0, returned) hold. Every row is written and kept or not, without a branch that could not be
    predicted.
    """
    count = 0
    for user in range(len(begin)):
        offsets[user] = count
        for row in range(begin[user], end[user]):
            rows[count] = row
            kept = bits_of[codes[row]] != np.uint64(0)
            if first_us is not None and end_us is not None:
                kept = kept & (time[row] >= first_us) & (time[row] < end_us)
            count += 1 if kept else 0
    offsets[len(begin)] = count
    return count


@kernel
def fill(rows: Rows, codes: Uint16s, bits_of: Uint64s, time: Int64s, times: Int64s, bits: Uint64s) -> None:
    """The time and the bits of each row."""
    for at in range(len(rows)):
        times[at] = time[rows[at]]
        bits[at] = bits_of[codes[rows[at]]]


@kernel
def combine(event: Uint16s, bits_of: Uint16s, out: Uint16s) -> None:
    """The bits of each row's event (`out: uint16[n_rows]`)."""
    for row in range(len(event)):
        out[row] = bits_of[event[row]]


@kernel
def clear(mask: npt.NDArray[np.bool_], only: int, out: Uint16s) -> None:
    """Clear the bits of `only` where the mask is false."""
    kept = np.uint16(~only)
    for row in range(len(out)):
        out[row] &= np.uint16(0xFFFF) if mask[row] else kept


@kernel
def sessions(begin: Rows, end: Rows, time: Int64s, client: Flags | None, gap_us: int, out: Int32s) -> None:
    """Number each user's sessions from 0 in `out: int32[n_rows]`; -1 for rows in no session.

    A client row (`client: uint8[n_rows]`; without it all are) more than `gap_us` after the user's last client
    row begins a session; other rows belong to the session of the last client row when it is at most `gap_us`
    before them.
    """
    for user in range(len(begin)):
        session = -1
        last = np.int64(0)
        for row in range(begin[user], end[user]):
            near = session >= 0 and time[row] - last <= gap_us
            if client is None or client[row] != 0:
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
    for unit in range(len(begin)):
        seen = np.uint64(0)
        for row in range(begin[unit], end[unit]):
            found = bits[row] & only
            bits[row] &= ~(seen & only)
            seen |= found
