"""Giving rows what is known of their users."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int64s, Rows

Uint32s = npt.NDArray[np.uint32]


@kernel
def spread(begin: Rows, end: Rows, per_user: Uint32s, out: Uint32s) -> None:
    """Write each user's code to all rows of the user (`per_user: uint32[n_users]`, `out: uint32[n_rows]`)."""
    for user in range(len(begin)):
        for row in range(begin[user], end[user]):
            out[row] = per_user[user]


@kernel
def at_event(
    begin: Rows, end: Rows, time: Int64s, offsets: Int64s, since_us: Int64s, codes: Uint32s, out: Uint32s
) -> None:
    """Write to each row the code that held for its user at the row's time (changes `offsets`, `since_us`,
    `codes`)."""
    for user in range(len(begin)):
        at = offsets[user]
        for row in range(begin[user], end[user]):
            while at < offsets[user + 1] and since_us[at] <= time[row]:
                at += 1
            out[row] = codes[at - 1] if at > offsets[user] else 0


@kernel
def mark_between(begin: Rows, end: Rows, first: Int64s, last: Int64s, out: npt.NDArray[np.uint8]) -> None:
    """Set `out` at each user's rows from row `first[user]` through row `last[user]`, in the user's order.

    first -1: from the user's first row; last -1: through the user's last row; first -2: none.
    """
    for user in range(len(begin)):
        inside = first[user] == -1
        done = first[user] == -2
        for row in range(begin[user], end[user]):
            if done:
                break
            inside = inside or np.int64(row) == first[user]
            if inside:
                out[row] = 1
                done = np.int64(row) == last[user]
