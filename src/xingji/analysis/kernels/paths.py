"""Ways from node to node within the rows of a session, counted edge by edge.

Without `role_of`, every row is used, whatever its time: kernels are compiled for each such case. Roles and
bounds limit the events used, not the sessions. Node key: step * n_labels + label, counted in `ends`. Edge
key: (step * n_labels + source) * n_labels + target in `keys`, its count and µs in `cells`. Label `n_labels -
1` is "...". Sessions with the wanted edge or node key are flagged in `wanted: uint8[n_sessions]`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import EventNumbers, Int32s, Int64s, Rows

USED, START, END = 1, 2, 4
"""Roles of an event: it is a node at all; a way may begin there; a way stops there."""

Flags = npt.NDArray[np.uint8]
Codes = EventNumbers | Int32s
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


@inline
def _role(
    row: int, time: Int64s, codes: EventNumbers, role_of: Flags | None, first_us: int, end_us: int
) -> Any:
    """The role of a row: that of its code where it is in bounds, else 0."""
    if role_of is None:
        return USED
    return np.int64(role_of[codes[row]]) * np.int64(first_us <= time[row] < end_us)


@kernel
def add_way(
    way_label: Int32s, way_us: Int64s, n_nodes: int, n_head: int, n_tail: int, n_labels: int, direct: bool,
    keys: Int64s, cells: Cells, ends: Int64s, want_edge: int, want_node: int,
) -> bool:  # fmt: skip
    """Count the edges and the last node of one way; whether it has the wanted edge or node.

    Its nodes are the head as it is, "..." for what is left out, and the tail from its ring.
    """
    size, hit = n_head + n_tail, False
    n_way = min(n_nodes, size)
    before, before_us = np.int64(0), np.int64(0)
    for i in range(n_way):
        at = i
        if n_nodes > size and i >= n_head:
            at = n_head + (n_nodes - size + i - n_head) % n_tail
        label, now = np.int64(way_label[at]), way_us[at]
        if n_nodes > size and i == n_head and n_head:
            label = np.int64(n_labels - 1)
        if want_node == i * n_labels + label:
            hit = True
        if i > 0:
            key = ((i - 1) * n_labels + before) * n_labels + label
            slot = _place(keys, int(key), direct)
            cells[slot, 0] += 1
            cells[slot, 1] += now - before_us
            if key == want_edge:
                hit = True
        before, before_us = label, now
    ends[(n_way - 1) * n_labels + before] += 1
    return hit


@kernel
def ways_to_end(
    begin: Rows, end: Rows, time: Int64s, codes: EventNumbers, role_of: Flags | None, label: Codes,
    label_of: Int32s, n_labels: int, first_us: int, end_us: int, collapse: bool, direct: bool, keys: Int64s,
    cells: Cells, ends: Int64s, want_edge: int, want_node: int, wanted: Flags, from_start: bool, n_head: int,
    n_tail: int,
) -> None:  # fmt: skip
    """Count the edges and the last node of each session's way up to an END event: its head and tail."""
    size = n_head + n_tail
    way_label, way_us = np.empty(size, np.int32), np.empty(size, np.int64)
    for session in range(len(begin)):
        n_nodes, last_label, last_place = 0, -1, 0
        started, stopped = not from_start, False
        for row in range(begin[session], end[session]):
            role = _role(row, time, codes, role_of, first_us, end_us)
            if not role & USED:
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
            stopped = role & END != 0
            if stopped:
                break
        if n_nodes and stopped:
            hit = add_way(
                way_label, way_us, n_nodes, n_head, n_tail, n_labels, direct, keys, cells, ends, want_edge,
                want_node,
            )  # fmt: skip
            if hit:
                wanted[session] = 1


@kernel
def onward(
    begin: Rows, end: Rows, time: Int64s, codes: EventNumbers, role_of: Flags | None, label: Codes,
    label_of: Int32s, n_labels: int, first_us: int, end_us: int, collapse: bool, direct: bool, keys: Int64s,
    cells: Cells, ends: Int64s, want_edge: int, want_node: int, wanted: Flags, from_start: bool,
    most: int | None,
) -> None:  # fmt: skip
    """Count the edges of each session's first `most` nodes, and its last; without `most`, unnumbered."""
    for session in range(len(begin)):
        named, node, node_us, step, last_slot = -1, -1, np.int64(0), 0, -1
        for row in range(begin[session], end[session]):
            now = time[row]
            if role_of is not None:
                role = role_of[codes[row]]
                begins = node >= 0 or not from_start or role & START
                if not role & USED or now < first_us or now >= end_us or not begins:
                    continue
            before, named = named, label_of[label[row]]
            if collapse and named == before:
                if last_slot >= 0:  # a repeat moves the time of the node that the last edge led to
                    cells[last_slot, 1] += now - node_us
                node_us = now
                continue
            if most is not None and step == most:
                break
            if node >= 0:
                edge = node * n_labels + named
                last_slot = _place(keys, edge, direct)
                cells[last_slot, 0] += 1
                cells[last_slot, 1] += now - node_us
                if edge == want_edge:
                    wanted[session] = 1
            node = named if most is None else step * n_labels + named
            if node == want_node:
                wanted[session] = 1
            node_us = now
            step += 1
        if node >= 0:
            ends[node] += 1
