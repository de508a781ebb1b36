"""Collecting the events that match, unit by unit, in order: the streams every other kernel walks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.bits import popcount
from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import EventNumbers, Int64s, Rows

Uint64s = npt.NDArray[np.uint64]
Uint16s = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]


@kernel
def collect(
    begin: Rows, end: Rows, codes: EventNumbers, bits_of: Uint64s, time: Int64s, first_us: int | None,
    end_us: int | None, offsets: Int64s, rows: Rows, times: Int64s, bits: Uint64s,
) -> int:  # fmt: skip
    """Write the rows whose code has bits and whose time is in [first_us, end_us), user by user; returns their
    number.

    `offsets: int64[n_users + 1]` is filled, and of `rows: uint32`, `times: int64`, `bits: uint64`, all
    `[n_rows + 1]`, the first places as many as returned. Every row is written and kept or not, without a
    branch that could not be predicted.
    """
    count = np.uint64(0)
    for user in range(len(begin)):
        offsets[user] = count
        for row in range(begin[user], end[user]):
            matched, now = bits_of[codes[row]], time[row]
            rows[count], times[count], bits[count] = row, now, matched
            kept = matched != np.uint64(0)
            if first_us is not None and end_us is not None:
                kept = kept & (now >= first_us) & (now < end_us)
            count += np.uint64(kept)
    offsets[len(begin)] = count
    return int(count)


@kernel
def look_up_rows(codes: npt.NDArray[Any], rows: Rows, given: Mask, out: Mask) -> None:
    """What is given for the code of each row (`codes: uint8|uint16|uint32[n_rows]`)."""
    for at in range(len(rows)):
        out[at] = given[codes[rows[at]]]


@kernel
def compress(rows: Rows, times: Int64s, kept: Mask, some_rows: Rows, some_times: Int64s) -> int:
    """Write the rows and times that are kept, one after the other; gives their number (room for one more)."""
    count = np.uint64(0)
    for at in range(len(rows)):
        some_rows[count], some_times[count] = rows[at], times[at]
        count += np.uint64(kept[at])
    return int(count)


@kernel
def count_codes(codes: EventNumbers, counts: Int64s) -> None:
    """Add how often each code occurs."""
    for row in range(len(codes)):
        counts[codes[row]] += 1


@kernel
def mark(rows: Rows, marks: Uint64s) -> None:
    """Set the bit of each row (`marks: uint64[n_rows // 64 + 1]`)."""
    for row in rows:
        marks[row >> np.uint32(6)] |= np.uint64(1) << np.uint64(row & np.uint32(63))


@kernel
def count_marks(marks: Uint64s, before: Rows) -> None:
    """How many bits are set in the words before each (`before: uint32[n_words]`)."""
    count = np.uint32(0)
    for word in range(len(marks)):
        before[word] = count
        count += np.uint32(popcount(marks[word]))


@inline
def _rank(row: np.uint32, marks: Uint64s, before: Rows) -> np.uint64:
    """How many marked rows come before a row."""
    word = row >> np.uint32(6)
    lower = (np.uint64(1) << np.uint64(row & np.uint32(63))) - np.uint64(1)
    return np.uint64(before[word] + popcount(marks[word] & lower))


@kernel
def weave(
    rows: Rows, times: Int64s, matched: np.uint64, marks: Uint64s, before: Rows, all_rows: Rows,
    all_times: Int64s, all_bits: Uint64s,
) -> None:  # fmt: skip
    """Put one list of rows in its places among all marked ones."""
    for at in range(len(rows)):
        place = _rank(rows[at], marks, before)
        all_rows[place], all_times[place], all_bits[place] = rows[at], times[at], matched


@kernel
def weave_offsets(begin: Rows, end: Rows, marks: Uint64s, before: Rows, offsets: Int64s) -> None:
    """Where each user's marked rows begin (`offsets: int64[n_users + 1]`); no others are marked."""
    offsets[0] = 0
    for user in range(len(begin)):
        offsets[user + 1] = offsets[user]
        if end[user] > begin[user]:
            offsets[user + 1] = np.int64(_rank(end[user], marks, before))


@kernel
def combine(event: EventNumbers, bits_of: Uint16s, out: Uint16s) -> None:
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
