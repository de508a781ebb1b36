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


Cells = npt.NDArray[np.int64]


@inline
def _place(keys: Int64s, key: int, direct: bool) -> int:
    """The slot of a key: itself where keys are few, else found by open addressing (it is never full)."""
    if direct:
        return key
    mask = len(keys) - 1
    slot = (key * -7046029254386353131) & mask
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + 1) & mask
    keys[slot] = key
    return slot


@kernel
def unroll(
    way_label: Int32s, way_us: Int64s, n_nodes: int, n_head: int, n_tail: int, n_labels: int,
    node_label: Int32s, node_us: Int64s,
) -> None:  # fmt: skip
    """Put a way's kept nodes in order: its head, "..." for what is left out, the tail from its ring."""
    size = n_head + n_tail
    for i in range(min(n_nodes, size)):
        at = i
        if n_nodes > size and i >= n_head:
            at = n_head + (n_nodes - size + i - n_head) % n_tail
        node_label[i], node_us[i] = way_label[at], way_us[at]
    if n_nodes > size and n_head and n_tail:
        node_label[n_head] = n_labels - 1


@kernel
def add_way(
    node_label: Int32s, node_us: Int64s, n_way: int, n_labels: int, direct: bool, keys: Int64s, cells: Cells,
    ends: Int64s, want_edge: int | None, want_node: int | None,
) -> bool:  # fmt: skip
    """Count the edges and the last node of one way; whether it has the wanted edge or node."""
    hit = False
    for i in range(n_way):
        if want_node is not None and want_node == i * n_labels + node_label[i]:
            hit = True
        if i == 0:
            continue
        key = ((i - 1) * n_labels + node_label[i - 1]) * n_labels + node_label[i]
        slot = _place(keys, key, direct)
        cells[slot, 0] += 1
        cells[slot, 1] += node_us[i] - node_us[i - 1]
        if want_edge is not None and key == want_edge:
            hit = True
    ends[(n_way - 1) * n_labels + node_label[n_way - 1]] += 1
    return hit


@kernel
def ways(
    begin: Rows, end: Rows, time: Int64s, codes: Uint16s, role_of: Flags | None, label: Codes,
    label_of: Int32s, n_labels: int, client: Flags | None, kept: Flags | None, first_us: int | None,
    end_us: int | None, gap_us: int | None, collapse: bool, direct: bool, keys: Int64s, cells: Cells,
    ends: Int64s, want_edge: int | None, want_node: int | None, wanted: Flags,
    from_start: bool, to_end: bool, n_head: int, n_tail: int,
) -> None:  # fmt: skip
    """Count edges (step, source, target) of each unit-session's way, and its last node.

    Without `role_of`, `client`, `kept`, bounds, or gap, every row is used, a client's, kept, in range, or in
    one session; kernels are compiled for each such case. Bounds, roles and `kept: uint8[n_rows]` limit the
    events used, not the sessions. A way keeps its first `n_head` nodes and its last `n_tail`; with both,
    label `n_labels - 1` ("...") stands for those between. Edge key: (step * n_labels + source) * n_labels +
    target in `keys`, with its count and µs in `cells`; node key: step * n_labels + label in `ends`. Units
    with the wanted edge or node key are flagged in `wanted: uint8[n_units]`.
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
            first_row, last_row = np.uint64(0), np.uint64(1)
            if not closing:
                first_row, last_row = np.uint64(begin[unit, part]), np.uint64(end[unit, part])
            for row in range(first_row, last_row):
                inside = True
                fresh = closing
                if not closing and gap_us is not None:
                    near = opened and time[row] - last_us <= gap_us
                    if client is None or client[row] != 0:
                        fresh = not near
                        opened, last_us = True, time[row]
                    else:
                        inside = near
                if fresh:
                    if n_nodes and started and (stopped or not to_end):
                        unroll(way_label, way_us, n_nodes, n_head, n_tail, n_labels, node_label, node_us)
                        hit = add_way(
                            node_label, node_us, min(n_nodes, size), n_labels, direct, keys, cells, ends,
                            want_edge, want_node,
                        )  # fmt: skip
                        wanted[unit] |= np.uint8(hit)
                    n_nodes, last_label = 0, -1
                    started, stopped = not from_start, False
                if closing or not inside or stopped:
                    continue
                role = np.uint8(USED)
                if role_of is not None:
                    role = role_of[codes[row]]
                    if not role & USED:
                        continue
                if kept is not None and not kept[row]:
                    continue
                if (
                    first_us is not None
                    and end_us is not None
                    and (time[row] < first_us or time[row] >= end_us)
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
    begin: Rows, end: Rows, time: Int64s, codes: Uint16s, role_of: Flags | None, label: Codes,
    label_of: Int32s, n_labels: int, client: Flags | None, kept: Flags | None, first_us: int | None,
    end_us: int | None, gap_us: int | None, collapse: bool, direct: bool, keys: Int64s, cells: Cells,
    ends: Int64s, want_edge: int | None, want_node: int | None, wanted: Flags,
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
                if gap_us is not None:
                    near = opened and now - last_us <= gap_us
                    if client is None or client[row] != 0:
                        opened, last_us = True, now
                        if not near and before >= 0:
                            ends[before] += 1
                            before, last_slot = -1, -1
                    elif not near:
                        continue
                if role_of is not None and not role_of[codes[row]] & USED:
                    continue
                if kept is not None and not kept[row]:
                    continue
                if first_us is not None and end_us is not None and (now < first_us or now >= end_us):
                    continue
                named = label_of[label[row]]
                if before >= 0:
                    if not (collapse and named == before):
                        key = before * n_labels + named
                        last_slot = _place(keys, key, direct)
                        cells[last_slot, 0] += 1
                        if want_edge is not None and key == want_edge:
                            wanted[unit] = 1
                    if last_slot >= 0:  # a repeat moves the time of the node that the last edge led to
                        cells[last_slot, 1] += now - before_us
                if want_node is not None and named == want_node:
                    wanted[unit] = 1
                before, before_us = named, now
        if before >= 0:
            ends[before] += 1
