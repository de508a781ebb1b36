"""Putting rows in order: by group, then time, then as they came."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.lake.part import Int64s


def row_order(groups: Int64s, n_groups: int, time_us: Int64s) -> Int64s:
    """The rows sorted by (group, time, position); `groups: int64[n]` from 0 up to `n_groups`.

    Group and position are packed into one word and sorted as such, which is ten times faster than a stable
    sort by several keys; rows of a log mostly come in order of time already.
    """
    n = len(groups)
    by_time = None
    if n > 1 and bool((np.diff(time_us) < 0).any()):
        by_time = np.argsort(time_us, kind="stable")
        groups = groups[by_time]
    bits = max(n - 1, 1).bit_length()
    if max(n_groups, 1).bit_length() + bits > 63:
        order = np.argsort(groups, kind="stable")
    else:
        packed = (groups << bits) | np.arange(n, dtype=np.int64)
        packed.sort()
        order = packed & ((1 << bits) - 1)
    return order if by_time is None else by_time[order]


def offsets_of(lengths: npt.NDArray[np.generic]) -> Int64s:
    """Where runs of these lengths begin, and the end of the last; of a mask: how many hold before each place.

    >>> offsets_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def starts_of(*keys: Int64s) -> Int64s:
    """Where each run of equal keys (of one length) begins, and the end of the last: `int64[n_runs + 1]`."""
    n = len(keys[0])
    if not n:
        return np.zeros(1, np.int64)
    change = np.zeros(n - 1, np.bool_)
    for key in keys:
        change |= key[1:] != key[:-1]
    return np.concatenate([[0], np.flatnonzero(change) + 1, [n]]).astype(np.int64)


def user_order(users: Int64s, time_us: Int64s, seq: Int64s) -> Int64s:
    """The rows sorted by (user, time, seq)."""
    if not len(users):
        return np.zeros(0, np.int64)
    lowest = int(users.min())
    order = row_order(users - lowest, int(users.max()) - lowest + 1, time_us)
    same = (np.diff(users[order]) == 0) & (np.diff(time_us[order]) == 0)
    if bool((same & (np.diff(seq[order]) < 0)).any()):
        return np.lexsort((seq, time_us, users))
    return order


def repeated_rows(
    users: Int64s, time_us: Int64s, ids: npt.NDArray[np.void], order: Int64s, own: Int64s | None = None
) -> Int64s:
    """The places in a sorted order whose row has the id of an earlier one of the same user and time.

    `users` and `time_us` are in that order already, `ids[order]` and `own[order]`, the users for whom rows
    came, would be; few rows tie, and only theirs are read. Rows that came for different users never repeat
    each other: they may be parted again.
    """
    same = (np.diff(users) == 0) & (np.diff(time_us) == 0)
    if not same.any():
        return np.zeros(0, np.int64)
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    group = np.cumsum(np.append(True, ~same))[tied]
    words = ids[order[tied]].view("<u8").reshape(-1, 2)
    came_for = np.zeros(len(tied), np.int64) if own is None else own[order[tied]]
    turn = np.lexsort((tied, words[:, 1], words[:, 0], came_for, group))
    keys = np.column_stack([group[turn], came_for[turn], words[turn].view(np.int64)])
    repeats = (np.diff(keys, axis=0) == 0).all(axis=1)
    return np.sort(tied[turn[1:][repeats]])
