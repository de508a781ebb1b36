"""Paths, slowly: every way of every unit as a list of nodes, then the edges of all ways."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.reference.attempts import Walk, event_before, event_of, reached
from tests.reference.listing import listed
from tests.reference.log import Event, UserChange
from tests.reference.numbers import mean_seconds
from tests.reference.predicates import value_of
from tests.reference.units import Scene, Unit, sessions_of
from tests.reference.values import text_of
from xingji.model.query import AroundFunnel, CountBy, EventSelector, Paths

Edge = tuple[str, str]


@dataclass(frozen=True)
class Node:
    """A stop of a way."""

    label: str
    time_us: int


@dataclass(frozen=True)
class Way:
    """One unit's way through one session."""

    unit: Unit
    events: tuple[Event, ...]
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> list[tuple[Edge, int]]:
        """Its edges, each with the time it took."""
        pairs = pairwise(self.nodes)
        return [((a.label, b.label), b.time_us - a.time_us) for a, b in pairs]


class Map:
    """The ways of one query."""

    def __init__(self, query: Paths, scene: Scene) -> None:
        self.query, self.scene = query, scene
        self.session_of = sessions_of(scene.log, query.gap_us)
        self.ways = [way for unit in scene.units for way in self._ways(unit)]

    def _ways(self, unit: Unit) -> Iterable[Way]:
        used = [event for event in self._around(unit) if self._is_used(event, unit)]
        for session in self._sessions(used):
            events = self._cut(session, unit)
            if events:
                yield Way(unit, tuple(events), tuple(self._nodes(events)))

    def _is_used(self, event: Event, unit: Unit) -> bool:
        any_of = (EventSelector(None),) if not self.query.include else self.query.include
        return (
            self.scene.in_range(event)
            and any(self.scene.matches(selector, event, unit) for selector in any_of)
            and not any(self.scene.matches(selector, event, unit) for selector in self.query.exclude)
        )

    def _around(self, unit: Unit) -> Sequence[Event]:
        """The unit's events, or those around the steps of its chosen attempt."""
        around = self.query.around_funnel
        return unit.events if around is None else events_around(around, unit, self.scene)

    def _sessions(self, used: Sequence[Event]) -> list[list[Event]]:
        if self.query.gap_us is None:
            return [list(used)] if used else []
        if self.scene.scope.count_by.kind == "property":
            return split_by_pauses(used, self.query.gap_us)
        found: dict[object, list[Event]] = {}
        for event in used:
            if event.seq in self.session_of:
                found.setdefault(self.session_of[event.seq], []).append(event)
        return list(found.values())

    def _cut(self, session: list[Event], unit: Unit) -> list[Event]:
        """The part from the start's first match to the end's first after it; nothing where one is missing."""
        if self.query.start is not None:
            starts = [at for at, e in enumerate(session) if self.scene.matches(self.query.start, e, unit)]
            session = session[starts[0] :] if starts else []
        if self.query.end is not None:
            ends = [at for at, e in enumerate(session) if self.scene.matches(self.query.end, e, unit)]
            session = session[: ends[0] + 1] if ends else []
        return session

    def label_of(self, event: Event) -> str:
        """The label of an event's node."""
        value = None if self.query.label is None else value_of(self.query.label, event, self.scene.history)
        label = event.event if value is None else text_of(value)
        if label.endswith("/") and label != "/":
            label = label[:-1]
        return next((name for glob, name in self.query.groups if fnmatch.fnmatchcase(label, glob)), label)

    def _nodes(self, events: Sequence[Event]) -> list[Node]:
        nodes: list[Node] = []
        for event in events:
            node = Node(self.label_of(event), event.time_us)
            if self.query.collapse_repeats and nodes and nodes[-1].label == node.label:
                nodes.pop()
            nodes.append(node)
        if self.query.view == "transitions":
            return nodes
        kept = self._at_most(nodes)
        return [Node(f"{at}_{node.label}", node.time_us) for at, node in enumerate(kept, start=1)]

    def _at_most(self, nodes: list[Node]) -> list[Node]:
        """At most `max_steps` nodes: the first; before an end the last; between both the outer ones."""
        limit = self.query.max_steps
        if len(nodes) <= limit:
            return nodes
        if self.query.end is None:
            return nodes[:limit]
        if self.query.start is None:
            return nodes[-limit:]
        n_first, n_last = math.ceil((limit - 1) / 2), (limit - 1) // 2
        place = len(nodes) - n_last
        return [*nodes[:n_first], Node("...", nodes[place - 1].time_us), *nodes[place:]]

    def result(self) -> dict[str, object]:
        """The edges that are left, and where ways end."""
        took_us: dict[Edge, list[int]] = {}
        for way in self.ways:
            for edge, length_us in way.edges:
                took_us.setdefault(edge, []).append(length_us)
        edges = self._kept({edge: len(lengths) for edge, lengths in took_us.items()})
        rows = [(source, target, took_us[source, target]) for source, target in edges]
        return {
            "kind": "paths",
            "edges": [
                {"source": source, "target": target, "count": len(took)}
                | ({"mean_seconds": mean_seconds(took)} if self.query.mean_seconds else {})
                for source, target, took in rows
            ],
            "ends": [{"node": node, "count": count} for node, count in self._ends(edges)],
        }

    def _kept(self, counts: dict[Edge, int]) -> list[Edge]:
        largest = math.inf if self.query.max_edge is None else self.query.max_edge
        edges = [edge for edge, count in counts.items() if self.query.min_edge <= count <= largest]
        edges.sort(key=lambda edge: (-counts[edge], edge))
        edges = edges[: self.query.edge_limit]
        return edges if self.query.view == "transitions" else reachable(edges)

    def _ends(self, edges: Sequence[Edge]) -> list[tuple[str, int]]:
        counts = Counter(way.nodes[-1].label for way in self.ways)
        if self.query.view == "steps":
            nodes = {node for edge in edges for node in edge} | {
                way.nodes[0].label for way in self.ways if len(way.nodes) == 1
            }
            counts = Counter({node: count for node, count in counts.items() if node in nodes})
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))

    def users(self) -> dict[str, object]:
        """The units that take an edge or come by a node."""
        spot = self.query.scope.users_of
        assert spot is not None
        if spot.edge is not None:
            ways = [way for way in self.ways if spot.edge in [edge for edge, _ in way.edges]]
        else:
            ways = [way for way in self.ways if spot.node in [node.label for node in way.nodes]]
        return listed(self.scene, spot, [(way.unit, way.events) for way in ways], kind="paths")


def split_by_pauses(events: Sequence[Event], gap_us: int) -> list[list[Event]]:
    """Runs of events with no longer pause between neighbours than the gap."""
    runs: list[list[Event]] = []
    for event in events:
        if not runs or event.time_us - runs[-1][-1].time_us > gap_us:
            runs.append([])
        runs[-1].append(event)
    return runs


def reachable(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that can be reached from a first node."""
    nodes = {source for source, _ in edges if source.startswith("1_")}
    for _ in edges:
        nodes |= {target for source, target in edges if source in nodes}
    return [(source, target) for source, target in edges if source in nodes]


def events_around(around: AroundFunnel, unit: Unit, scene: Scene) -> list[Event]:
    """The unit's events before, between or after the steps of its chosen attempt."""
    attempt = Walk(around.funnel, scene).chosen(unit)
    step = around.step - 1
    if attempt is None or not reached(around.funnel, step, around.state, attempt):
        return []
    event, before = event_of(around.funnel, step, attempt), event_before(around.funnel, step, attempt)
    first = before if around.position == "between" or event is None else event
    last = event or before
    return [
        one
        for one in unit.events
        if (around.position == "before" or (first is not None and one.position >= first.position))
        and (around.position == "after" or (last is not None and one.position <= last.position))
    ]


def answer(
    query: Paths, log: Sequence[Event], users: Sequence[UserChange] = (), as_of_us: int | None = None
) -> dict[str, object]:
    """The result of paths."""
    scope = query.scope
    if scope.count_by.kind == "session":  # ways are split into sessions anyway
        scope = dataclasses.replace(scope, count_by=CountBy())
    where = Map(query, Scene(scope, log, users, as_of_us))
    return where.result() if query.scope.users_of is None else where.users()
