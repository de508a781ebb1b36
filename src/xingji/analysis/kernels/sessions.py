"""Where sessions begin and end, and the number of the session that a row is in.

A client row (`client: uint8[n_rows]`; without it all are) more than `gap_us` after the unit's last client row
begins a session; other rows belong to the session of the last client row when it is at most `gap_us` before
them, else to none. So a session's rows lie together, and whoever walks sessions needs no times to cut them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int32s, Int64s, Rows

Flags = npt.NDArray[np.uint8]
_LONG_AGO_US = np.int64(-(2**61))


@kernel
def find_sessions(
    begin: Rows, end: Rows, time: Int64s, client: Flags | None, gap_us: int, first: Rows, after: Rows,
    offsets: Int64s,
) -> None:  # fmt: skip
    """Write session s as the rows first[s] up to after[s + 1], those of unit u from offsets[u] on.

    `first`, `after: uint32[n_rows + 1]` hold as many sessions as offsets[n_units]. Every row is written as a
    beginning and an end, and stays one or not, without a branch that could not be predicted.
    """
    count, inside_until = np.uint64(0), np.uint32(0)
    for unit in range(len(begin)):
        offsets[unit] = count
        row, stop = np.uint64(begin[unit]), np.uint64(end[unit])
        last_us = _LONG_AGO_US
        while row < stop:
            near = time[row] - last_us <= gap_us
            own = client is None or client[row] != 0
            last_us = time[row] if own else last_us
            first[count] = row
            count += np.uint64(own and not near)
            row += np.uint64(1)
            inside_until = np.uint32(row) if own or near else inside_until
            after[count] = inside_until
    offsets[len(begin)] = count


@kernel
def number_sessions(first: Rows, end: Rows, offsets: Int64s, out: Int32s) -> None:
    """Write to each row the number of its session within its unit, from 0 (`out: int32[n_rows]`)."""
    for unit in range(len(offsets) - 1):
        for session in range(offsets[unit], offsets[unit + 1]):
            for row in range(first[session], end[session]):
                out[row] = session - offsets[unit]
