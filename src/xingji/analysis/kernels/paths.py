"""Ways of units from node to node within a session, counted edge by edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import Int32s, Int64s, Rows

USED, START, END = 1, 2, 4
"""Roles of an event: it is a node at all; a way may begin there; a way stops there."""

Flags = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint16] | Int32s
Uint16s = npt.NDArray[np.uint16]
EMPTY = -1


@inline
def _place(keys: Int64s, key: int, direct: bool) -> int:
    """The slot of a key: itself where keys are few, else found by open addressing (the table is never full)."""
    if direct:
        keys[key] = key
        return key
    mask = len(keys) - 1
    slot = (key * -7046029254386353131) & mask
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + 1) & mask
    keys[slot] = key
    return slot


@kernel
def ways(
    begin: Rows, end: Rows, time: Int64s, codes: Uint16s, role_of: Flags, label: Codes, label_of: Int32s,
    n_labels: int, client: Flags, kept: Flags, first_us: int, end_us: int, gap_us: int, collapse: bool,
    from_start: bool, to_end: bool, n_head: int, n_tail: int, direct: bool,
    keys: Int64s, counts: Int64s, total_us: Int64s, ends: Int64s, want_edge: int, want_node: int, wanted: Flags,
) -> None:  # fmt: skip
    """Count edges (step, source, target) of each unit-session's way, and its last node.

    A way keeps its first `n_head` nodes and its last `n_tail` ones; with both, label `n_labels - 1` ("...")
    stands for those between. Edge key: (step * n_labels + source) * n_labels + target in `keys`, `counts`,
    `total_us`; node key: step * n_labels + label in `ends`. `kept: uint8[n_rows]` (empty: all) and [first_us,
    end_us) limit the events used, not the sessions. Units with the wanted edge or node key (-1: none) are
    flagged in `wanted: uint8[n_units]`.
    """
    size = n_head + n_tail
    way_label, way_us = np.empty(size, np.int32), np.empty(size, np.int64)
    node_label, node_us = np.empty(size, np.int32), np.empty(size, np.int64)
    for unit in range(begin.shape[0]):
        opened, last_us = False, np.int64(0)
        n_nodes, last_label, last_place = 0, -1, 0
        started, stopped = not from_start, False
        for part in range(begin.shape[1] + 1):
            closing = part == begin.shape[1]
            first_row = 0 if closing else begin[unit, part]
            last_row = 1 if closing else end[unit, part]
            for row in range(first_row, last_row):
                inside = True
                fresh = closing
                if not closing:
                    near = opened and time[row] - last_us <= gap_us
                    if len(client) == 0 or client[row] != 0:
                        fresh = not near
                        opened, last_us = True, time[row]
                    else:
                        inside = near
                if fresh:
                    if n_nodes and started and (stopped or not to_end):
                        n_way = min(n_nodes, size)
                        for i in range(n_way):
                            at = (
                                i
                                if n_nodes <= size or i < n_head
                                else n_head + (n_nodes - size + i - n_head) % n_tail
                            )
                            node_label[i], node_us[i] = way_label[at], way_us[at]
                        if n_nodes > size and n_head and n_tail:
                            node_label[n_head] = n_labels - 1
                        for i in range(n_way):
                            if want_node == i * n_labels + node_label[i]:
                                wanted[unit] = 1
                            if i == 0:
                                continue
                            key = ((i - 1) * n_labels + node_label[i - 1]) * n_labels + node_label[i]
                            slot = _place(keys, key, direct)
                            counts[slot] += 1
                            total_us[slot] += node_us[i] - node_us[i - 1]
                            if key == want_edge:
                                wanted[unit] = 1
                        ends[(n_way - 1) * n_labels + node_label[n_way - 1]] += 1
                    n_nodes, last_label = 0, -1
                    started, stopped = not from_start, False
                if closing or not inside or stopped:
                    continue
                role = role_of[codes[row]]
                if (
                    not role & USED
                    or (len(kept) and not kept[row])
                    or time[row] < first_us
                    or time[row] >= end_us
                ):
                    continue
                if not started:
                    if not role & START:
                        continue
                    started = True
                named = label_of[label[row]]
                if collapse and named == last_label:
                    if last_place >= 0:
                        way_us[last_place] = time[row]
                else:
                    last_label = named
                    last_place = n_nodes
                    if n_nodes >= size:
                        last_place = n_head + (n_nodes - n_head) % n_tail if n_tail else -1
                    if last_place >= 0:
                        way_label[last_place], way_us[last_place] = named, time[row]
                    n_nodes += 1
                stopped = to_end and role & END != 0


@kernel
def transitions(
    begin: Rows, end: Rows, time: Int64s, codes: Uint16s, role_of: Flags, label: Codes, label_of: Int32s,
    n_labels: int, client: Flags, kept: Flags, first_us: int, end_us: int, gap_us: int, collapse: bool,
    direct: bool, keys: Int64s, counts: Int64s, total_us: Int64s, ends: Int64s, want_edge: int, want_node: int,
    wanted: Flags,
) -> None:  # fmt: skip
    """Count how often each label follows each within a unit-session (edge key: source * n_labels + target),
    and last labels.

    The arguments are those of `ways`.
    """
    for unit in range(begin.shape[0]):
        opened, last_us = False, np.int64(0)
        before, before_us, last_slot = -1, np.int64(0), -1
        for part in range(begin.shape[1]):
            for row in range(begin[unit, part], end[unit, part]):
                now = time[row]
                near = opened and now - last_us <= gap_us
                if len(client) == 0 or client[row] != 0:
                    opened, last_us = True, now
                    if not near and before >= 0:
                        ends[before] += 1
                        before, last_slot = -1, -1
                elif not near:
                    continue
                if (
                    not role_of[codes[row]] & USED
                    or (len(kept) and not kept[row])
                    or now < first_us
                    or now >= end_us
                ):
                    continue
                named = label_of[label[row]]
                if before >= 0:
                    if not (collapse and named == before):
                        key = before * n_labels + named
                        last_slot = _place(keys, key, direct)
                        counts[last_slot] += 1
                        if key == want_edge:
                            wanted[unit] = 1
                    if last_slot >= 0:  # a repeat moves the time of the node that the last edge led to
                        total_us[last_slot] += now - before_us
                if named == want_node:
                    wanted[unit] = 1
                before, before_us = named, now
        if before >= 0:
            ends[before] += 1
