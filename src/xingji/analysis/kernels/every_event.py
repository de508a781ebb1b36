"""Ways that take every event of a session or a user as a node: nothing is looked for, all is counted.

What costs here is adding to counters, and where a way ends, which no processor foresees. A counter that is
raised twice in a row waits for itself, so rows take turns among several tables.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import EventNumbers, Int32s, Int64s, Rows

Tables = npt.NDArray[np.uint32]


@kernel
def first_nodes(
    begin: Rows, end: Rows, time: Int64s, codes: EventNumbers, label_of: Int32s, n_labels: int,
    collapse: bool, most: int | None, cells: Int64s, ends: Int64s,
) -> None:  # fmt: skip
    """Count the edges of each session's first `most` nodes, and its last; without `most`, unnumbered.

    `cells: int64[2 * n_edges]` has the count and the µs of each edge, (step * n_labels + source) * n_labels +
    target; `ends: int64[n_nodes]` how often each node, step * n_labels + label, was the last.
    """
    one, two, size = np.uint64(1), np.uint64(2), np.uint64(n_labels)
    for session in range(len(begin)):
        row, stop = np.uint64(begin[session]), np.uint64(end[session])
        if row == stop:
            continue
        named, node_us = np.uint64(label_of[codes[row]]), time[row]
        node, place, step = named, np.uint64(0), one
        row += one
        while row < stop:
            before, named, now = named, np.uint64(label_of[codes[row]]), time[row]
            row += one
            if collapse and named == before:
                if step > one:  # a repeat moves the time of the node that the last edge led to
                    cells[place + one] += now - node_us
                node_us = now
                continue
            if most is not None and step == np.uint64(most):
                break
            place = (node * size + named) * two
            cells[place] += 1
            cells[place + one] += now - node_us
            node = named if most is None else step * size + named
            node_us = now
            step += one
        ends[node] += 1


@kernel
def neighbours(
    begin: Rows, end: Rows, codes: EventNumbers, n_codes: int, pairs: Tables, ends: Int64s
) -> None:
    """Count how often code b follows code a at [a * n_codes + b] of the sum of the tables, and each user's
    last code (`pairs: uint32[4, n_codes * n_codes]` or wider)."""
    one, two, three, four = pairs[0], pairs[1], pairs[2], pairs[3]
    size, step = np.uint64(n_codes), np.uint64(1)
    for user in range(len(begin)):
        row, last = np.uint64(begin[user]), np.uint64(end[user])
        if row == last:
            continue
        before = np.uint64(codes[row])
        row += step
        while row + np.uint64(3) < last:
            a, b = np.uint64(codes[row]), np.uint64(codes[row + step])
            c, d = np.uint64(codes[row + np.uint64(2)]), np.uint64(codes[row + np.uint64(3)])
            one[before * size + a] += np.uint32(1)
            two[a * size + b] += np.uint32(1)
            three[b * size + c] += np.uint32(1)
            four[c * size + d] += np.uint32(1)
            before = d
            row += np.uint64(4)
        while row < last:
            a = np.uint64(codes[row])
            one[before * size + a] += np.uint32(1)
            before = a
            row += step
        ends[before] += 1


@kernel
def neighbours_by_threes(
    begin: Rows, end: Rows, codes: EventNumbers, threes: Tables, pairs: Int64s, ends: Int64s
) -> None:
    """As `neighbours`, for codes below 64: every second row raises the counter of its code and the next two.

    That counts two pairs at once (`threes: uint32[2, 64 ** 3]` or wider); `sum_threes` adds them to those
    counted here (`pairs: int64[64 * 64]`). Users whose rows follow each other are walked as one, and pairs
    across their borders are taken off again.
    """
    even, odd = threes[0], threes[1]
    step, user = np.uint64(1), 0
    while user < len(begin):
        row, last, after = np.uint64(begin[user]), np.uint64(end[user]), user + 1
        while after < len(begin) and begin[after] == end[after - 1]:
            last = np.uint64(end[after])
            after += 1
        while row + np.uint64(8) < last:
            a, b = np.uint64(codes[row]), np.uint64(codes[row + step])
            c, d = np.uint64(codes[row + np.uint64(2)]), np.uint64(codes[row + np.uint64(3)])
            e, f = np.uint64(codes[row + np.uint64(4)]), np.uint64(codes[row + np.uint64(5)])
            g, h = np.uint64(codes[row + np.uint64(6)]), np.uint64(codes[row + np.uint64(7)])
            i = np.uint64(codes[row + np.uint64(8)])
            even[_three(a, b, c)] += np.uint32(1)
            odd[_three(c, d, e)] += np.uint32(1)
            even[_three(e, f, g)] += np.uint32(1)
            odd[_three(g, h, i)] += np.uint32(1)
            row += np.uint64(8)
        while row + np.uint64(2) < last:
            b, c = np.uint64(codes[row + step]), np.uint64(codes[row + np.uint64(2)])
            even[_three(np.uint64(codes[row]), b, c)] += np.uint32(1)
            row += np.uint64(2)
        if row + step < last:
            pairs[_three(np.uint64(0), np.uint64(codes[row]), np.uint64(codes[row + step]))] += 1
        for each in range(user, after):
            if begin[each] < end[each]:
                final = np.uint64(codes[end[each] - np.uint32(1)])
                ends[final] += 1
                if np.uint64(end[each]) < last:
                    pairs[_three(np.uint64(0), final, np.uint64(codes[end[each]]))] -= 1
        user = after


@inline
def _three(first: np.uint64, middle: np.uint64, last: np.uint64) -> np.uint64:
    """The place of three codes. Shifts: a processor that adds four numbers at once multiplies only one."""
    return (first << np.uint64(12)) | (middle << np.uint64(6)) | last


@kernel
def sum_threes(threes: Tables, n_codes: int, pairs: Int64s) -> None:
    """Add to each pair how often it began or ended a counted three."""
    even, odd = threes[0], threes[1]
    for first in range(n_codes):
        for middle in range(n_codes):
            before, together = 64 * first + middle, np.int64(0)
            for last in range(n_codes):
                count = np.int64(even[64 * before + last]) + np.int64(odd[64 * before + last])
                together += count
                pairs[64 * middle + last] += count
            pairs[before] += together
