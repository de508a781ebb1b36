"""Paths: the ways units take from node to node, as edges between numbered steps or as plain transitions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.analysis.around import Around, around_of
from xingji.analysis.columns import row_values
from xingji.analysis.context import Context
from xingji.analysis.every_event import MOST_NAMES, Counter, Counters, NeighbourCounter, NodeCounter
from xingji.analysis.exact import mean_seconds
from xingji.analysis.kernels import paths as kernels
from xingji.analysis.labels import LabelTable
from xingji.analysis.listing import list_units
from xingji.analysis.path_walk import Walk, path_targets, stream_walks, target_roles
from xingji.analysis.selection import first_time_bits, select, select_first
from xingji.analysis.sessions import sessions_of
from xingji.analysis.values import ValueTable
from xingji.lake.part import Int32s, Int64s, ViewLike
from xingji.model.errors import CallerError, FieldError
from xingji.model.predicate import properties_of
from xingji.model.query import CountBy, Paths

_MAX_DIRECT = 1 << 21
_HIDDEN = "..."
_NOBODY = np.empty(0, np.int64)
Grid = npt.NDArray[np.int64]
Edge = tuple[str, str]


@dataclass(frozen=True)
class _Work:
    """One paths query at work; `names` are the label codes of event names."""

    context: Context
    query: Paths
    labels: LabelTable
    names: Int32s
    around: Around | None
    want: tuple[tuple[int, str, str] | None, tuple[int, str] | None]
    counters: Counters[Counter] | None


@dataclass(frozen=True, slots=True)
class _Tally:
    """Edges (step, source, target as label codes) with count and µs, last nodes with counts, and flagged
    units."""

    edge: Grid
    cells: Grid
    node: Grid
    node_count: Int64s
    unit: Int64s
    owner: Int64s


def answer_paths(context: Context, query: Paths) -> dict[str, Any]:
    """The result of a paths query."""
    _check(context, query)
    if context.scope.count_by.kind == "session":  # ways are those of sessions in any case
        context = dataclasses.replace(context, scope=dataclasses.replace(context.scope, count_by=CountBy()))
    labels = LabelTable(query.groups)
    around = around_of(context, query.around_funnel) if query.around_funnel else None
    names = labels.encode(context.snapshot.event_names)
    work = _Work(context, query, labels, names, around, _wanted(query), _counters(query, names))
    unit_values = ValueTable()
    if context.scope.count_by.kind == "property":
        tallies = stream_walks(context, query, labels, unit_values, lambda walk: _tally(work, walk))
    else:
        all_history = around is not None or first_time_bits(path_targets(query)[0])
        bounds = None if all_history else _bounds(context, query)
        found = context.over_buckets(lambda view: _of_view(work, view), bounds)
        tallies = [*(tally for tally in found if tally is not None), *_of_every_event(work)]
    if query.scope.users_of is not None:
        unit, owner = (
            np.concatenate([getattr(tally, name) for tally in tallies]) for name in ("unit", "owner")
        )
        listed = list_units(context, unit, owner, query.scope.users_of, unit_values)
        return {"kind": "paths", "view": "users", **listed}
    return _shown(query, *_merged(labels, tallies, numbered=query.view == "steps"))


def _check(context: Context, query: Paths) -> None:
    if query.around_funnel and context.scope.count_by.kind != "user":
        raise CallerError("around_funnel needs count_by user: its attempts are those of users")
    if query.view == "transitions" and (query.start or query.end):
        raise CallerError("start and end cannot be given with view transitions: its ways are not cut")
    selectors = [*query.include, *query.exclude, *(one for one in (query.start, query.end) if one)]
    for selector in selectors:
        context.check_properties(properties_of(selector.filter))
    context.check_properties([*properties_of(query.scope.filter), *([query.label] if query.label else [])])


def _bounds(context: Context, query: Paths) -> tuple[int, int]:
    """The instants whose rows matter: those of the range, and what the session of the first may hang on."""
    if query.gap_us is None:
        return context.first_us, context.end_us
    return context.first_us - query.gap_us, context.end_us


def _wanted(query: Paths) -> tuple[tuple[int, str, str] | None, tuple[int, str] | None]:
    """The edge and the node whose units are asked for, as (step from 0, label, …)."""
    spot = query.scope.users_of
    if spot is None:
        return None, None
    if (spot.edge is None) == (spot.node is None):
        raise CallerError('users_of needs either "edge": [source, target] or "node"')
    if spot.node is not None:
        return None, _parsed(query, "users_of.node", spot.node)
    assert spot.edge is not None
    (first, source), (second, target) = (_parsed(query, "users_of.edge", node) for node in spot.edge)
    if second != first + 1 and query.view == "steps":
        raise FieldError("users_of.edge", list(spot.edge), "nodes of two steps that follow each other")
    return (first, source, target), None


def _parsed(query: Paths, path: str, node: str) -> tuple[int, str]:
    if query.view == "transitions":
        return 0, node
    number, _, label = node.partition("_")
    if not number.isdecimal() or not 1 <= int(number) <= query.max_steps:
        raise FieldError(path, node, f"a node such as 1_open, with a step from 1 to {query.max_steps}")
    return int(number) - 1, label


def _of_view(work: _Work, view: ViewLike) -> _Tally | None:
    """What a view adds; None where that was added to the counters of every event."""
    if work.counters is None or not _takes_all(work, view):
        return _tally(work, _view_walk(work, view))
    with work.counters.one() as counter:
        counter.add(view, lambda: sessions_of(work.context, view, work.query.gap_us))
    return None


def _of_every_event(work: _Work) -> list[_Tally]:
    counted = work.counters.counted() if work.counters else None
    return [_Tally(*counted, _NOBODY, _NOBODY)] if counted else []


def _counters(query: Paths, names: Int32s) -> Counters[Counter] | None:
    """Counters for views of which every event is a node; None where more than the event's name matters."""
    if query.scope.users_of or query.label or len(names) > MOST_NAMES:
        return None
    collapse, most = query.collapse_repeats, _most_nodes(query)
    if query.gap_us is None and most is None and not query.mean_seconds:
        return Counters(lambda: NeighbourCounter(names, collapse))
    return Counters(lambda: NodeCounter(names, collapse, most))


def _most_nodes(query: Paths) -> int | None:
    """How many nodes of a way are counted, by number; None: all, without."""
    return None if query.view == "transitions" else query.max_steps


def _takes_all(work: _Work, view: ViewLike) -> bool:
    """Whether every event of a view may be a node."""
    context, query = work.context, work.query
    inside = context.first_us <= view.first_us and context.end_us > view.last_us
    chosen = work.around or query.include or query.exclude or query.start or query.end
    return inside and not (chosen or context.scope.filter)


def _view_walk(work: _Work, view: ViewLike) -> Walk:
    """The rows of a bucket as nodes of ways."""
    context, query, names = work.context, work.query, work.names
    targets, roles = path_targets(query)
    chosen = select(targets, context.scope.filter, view, context.snapshot, context.as_of_us)
    chosen = select_first(chosen, targets, view)
    label: Any = view.event
    label_of = names
    if query.label is not None:
        label = row_values(view, context.snapshot, query.label, work.labels.encode_dictionary, np.int32)
        label = np.where(label == 0, names[view.event], label) if len(names) else label
        label_of = np.arange(len(work.labels), dtype=np.int32)
    codes = chosen.codes
    role_of = target_roles(chosen.bits_of, roles)
    if work.around:
        codes = np.where(work.around(view), codes, np.uint16(len(role_of)))
        role_of = np.append(role_of, np.uint8(0))
    bounds = context.first_us, context.end_us
    every = _takes_all(work, view)
    sessions = sessions_of(context, view, query.gap_us)
    return Walk(
        view.begin, view.end, sessions, view.time, codes, None if every else role_of, label, label_of, bounds,
        view.user_ids,
    )  # fmt: skip


def _tally(work: _Work, walk: Walk) -> _Tally:
    query, layers = work.query, _most_nodes(work.query) or 1
    used, local = np.unique(walk.label_of, return_inverse=True)
    n_labels = len(used) + 1  # the last one is what "..." stands for
    n_keys = layers * n_labels * n_labels
    direct = n_keys <= _MAX_DIRECT
    capacity = n_keys if direct else 1 << (2 * min(n_keys, len(walk.codes) + 1) - 1).bit_length()
    keys = np.arange(n_keys) if direct else np.full(capacity, kernels.EMPTY, np.int64)
    cells = np.zeros((capacity, 2), np.int64)
    ends, wanted = np.zeros(layers * n_labels, np.int64), np.zeros(len(walk.sessions.begin), np.uint8)
    rows = (
        walk.sessions.begin,
        walk.sessions.end,
        walk.time,
        walk.codes,
        walk.role_of,
        walk.label,
        local.astype(np.int32),
        n_labels,
    )
    limits = (*walk.bounds, query.collapse_repeats)
    out = (direct, keys, cells, ends, *_want_keys(work, used, n_labels), wanted)
    if query.end is not None:
        kernels.ways_to_end(*rows, *limits, *out, query.start is not None, *_kept_nodes(query))
    else:
        kernels.onward(*rows, *limits, *out, query.start is not None, _most_nodes(query))
    met, last = np.flatnonzero(cells[:, 0]), np.flatnonzero(ends)
    codes = np.append(used, -1)
    source, target = keys[met] // n_labels, keys[met] % n_labels
    edge = np.stack([source // n_labels, codes[source % n_labels], codes[target]], axis=1).astype(np.int64)
    node = np.stack([last // n_labels, codes[last % n_labels]], axis=1).astype(np.int64)
    return _Tally(edge, cells[met], node, ends[last], *walk.flagged(wanted != 0))


def _kept_nodes(query: Paths) -> tuple[int, int]:
    """How many nodes a way keeps at its head and at its tail."""
    if query.start is None:
        return 0, query.max_steps
    head = query.max_steps // 2
    return head, query.max_steps - head


def _want_keys(work: _Work, used: Int32s, n_labels: int) -> tuple[int, int]:
    """The keys of the wanted edge and node; -1 where this walk has none, or none is asked for."""
    edge, node = work.want

    def local(text: str) -> int:
        code = work.labels.code_of(text)
        if code is None:
            return n_labels - 1 if text == _HIDDEN else -1
        found = np.flatnonzero(used == code)
        return int(found[0]) if len(found) else -1

    edge_key = node_key = -1
    if edge is not None:
        source, target = local(edge[1]), local(edge[2])
        edge_key = -1 if min(source, target) < 0 else (edge[0] * n_labels + source) * n_labels + target
    if node is not None:
        place = local(node[1])
        node_key = -1 if place < 0 else node[0] * n_labels + place
    return edge_key, node_key


def _merged(
    labels: LabelTable, tallies: Sequence[_Tally], numbered: bool
) -> tuple[dict[Edge, tuple[int, int]], dict[str, int]]:
    """Edges with count and µs, and last nodes with counts, over all buckets, by name."""

    @functools.cache  # a node has many edges
    def name(step: int, code: int) -> str:
        text = _HIDDEN if code < 0 else labels.texts[code]
        return f"{step + 1}_{text}" if numbered else text

    edges: dict[Edge, tuple[int, int]] = {}
    rows, figures = _added([tally.edge for tally in tallies], [tally.cells for tally in tallies])
    for (step, source, target), (count, total_us) in zip(rows.tolist(), figures.tolist(), strict=True):
        edge = name(step, source), name(step + 1, target)
        known = edges.get(edge, (0, 0))
        edges[edge] = known[0] + count, known[1] + total_us
    ends: dict[str, int] = {}
    rows, figures = _added([tally.node for tally in tallies], [tally.node_count for tally in tallies])
    for (step, code), count in zip(rows.tolist(), figures.tolist(), strict=True):
        ends[name(step, code)] = ends.get(name(step, code), 0) + count
    return edges, ends


def _added(rows: Sequence[Grid], figures: Sequence[npt.NDArray[np.int64]]) -> tuple[Grid, Grid]:
    """The rows of all, each once, and the sums of their figures; of one alone as they are."""
    if len(rows) == 1:
        return rows[0], figures[0]
    every = np.concatenate(rows)
    low = every.min(axis=0, initial=0)
    sizes = (every.max(axis=0, initial=0) - low + 1).tolist()
    key = np.ravel_multi_index(tuple((every - low).T), sizes) if len(every) else np.empty(0, np.int64)
    keys, place = np.unique(key, return_inverse=True)
    sums = np.zeros((len(keys), *figures[0].shape[1:]), np.int64)
    np.add.at(sums, place, np.concatenate(figures))
    distinct = np.stack(np.unravel_index(keys, sizes), axis=1) + low
    return distinct, sums


def _shown(query: Paths, edges: dict[Edge, tuple[int, int]], ends: dict[str, int]) -> dict[str, Any]:
    most = query.max_edge or max((count for count, _ in edges.values()), default=0)
    fit = {edge: figures for edge, figures in edges.items() if query.min_edge <= figures[0] <= most}
    ranked_edges = sorted((-count, edge) for edge, (count, _) in fit.items())
    order = [edge for _, edge in ranked_edges[: query.edge_limit]]
    if query.view == "steps":
        order = reachable(order)
    nodes = {node for edge in order for node in edge}
    last = [node for node in ends if node in nodes or (query.view == "steps" and node.startswith("1_"))]
    if query.view == "transitions":
        last = list(ends)
    shown: list[dict[str, Any]] = [{"source": e[0], "target": e[1], "count": fit[e][0]} for e in order]
    if query.mean_seconds:
        for edge, row in zip(order, shown, strict=True):
            row["mean_seconds"] = mean_seconds(fit[edge][1], fit[edge][0])
    ranked = sorted(last, key=lambda node: (-ends[node], node))
    return {"kind": "paths", "edges": shown, "ends": [{"node": node, "count": ends[node]} for node in ranked]}


def reachable(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that can be reached from a node of step 1 over the edges given.

    >>> reachable([("1_a", "2_b"), ("2_x", "3_y"), ("2_b", "3_c")])
    [('1_a', '2_b'), ('2_b', '3_c')]
    """
    nodes = {source for source, _ in edges if source.startswith("1_")}
    for source, target in sorted(edges, key=lambda edge: int(edge[0].partition("_")[0])):
        if source in nodes:
            nodes.add(target)
    return [edge for edge in edges if edge[0] in nodes]
