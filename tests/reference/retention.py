"""Retention, slowly: every unit's entries, and for each what came back, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.reference.groups import OTHER, breakdown_of, picked, shown_groups
from tests.reference.listing import listed
from tests.reference.log import Event, UserChange
from tests.reference.periods import DAY_US, HOUR_US, end_us_of, label_of, labels_between
from tests.reference.units import Group, Scene, Unit
from xingji.model.query import Retention

LENGTH_US = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US, "month": 30 * DAY_US}


@dataclass(frozen=True)
class Entry:
    """A unit's entry into a cohort, with the event that made it."""

    unit: Unit
    event: Event
    cohort: str
    group: Group


class Table:
    """The cohorts of one query."""

    def __init__(self, query: Retention, scene: Scene) -> None:
        self.query, self.scene = query, scene
        self.cohorts = self._cohorts()
        self.entries = [entry for unit in scene.units for entry in self._entries(unit)]
        self.groups = self._groups()

    def label(self, time_us: int) -> str:
        """The period that holds an instant."""
        return label_of(time_us, self.query.period, self.scene.zone, self.query.scope.week_start)

    def _cohorts(self) -> list[str]:
        scene, query = self.scene, self.query
        times = [event.time_us for unit in scene.units for event in self._starts(unit)]
        first_us = scene.first_us if scene.first_us is not None else min(times, default=None)
        last_us = scene.end_us - 1 if scene.end_us is not None else max(times, default=None)
        if first_us is None or last_us is None:
            return []
        return labels_between(first_us, last_us, query.period, scene.zone, query.scope.week_start)

    def _starts(self, unit: Unit) -> list[Event]:
        """The unit's start events in range."""
        return [
            event
            for event in unit.events
            if self.scene.in_range(event) and self.scene.matches(self.query.start, event, unit)
        ]

    def _entries(self, unit: Unit) -> list[Entry]:
        first_of: dict[str, Event] = {}
        for event in self._starts(unit):
            first_of.setdefault(self.label(event.time_us), event)
        if self.query.type == "first_time":
            ever = [event for event in unit.events if self.scene.matches(self.query.start, event, unit)]
        else:
            ever = list(unit.events)
        if self.query.type != "recurring":
            first_of = {label: event for label, event in first_of.items() if event is ever[0]}
        return [Entry(unit, event, label, self.scene.group_of(event)) for label, event in first_of.items()]

    def _groups(self) -> list[tuple[Group, list[Entry]]]:
        if not self.query.scope.breakdown:
            return [((), self.entries)]
        sizes: dict[Group, int] = {}
        for entry in self.entries:
            sizes[entry.group] = sizes.get(entry.group, 0) + 1
        shown, has_other = shown_groups(sizes, self.scene)
        groups = [(group, [entry for entry in self.entries if entry.group == group]) for group in shown]
        if has_other:
            groups.append((OTHER, [entry for entry in self.entries if entry.group not in shown]))
        return groups

    def periods_later(self, entry: Entry, event: Event) -> int:
        """How many periods after the entry an event lies."""
        if self.query.clock == "24h":
            return (event.time_us - entry.event.time_us) // LENGTH_US[self.query.period]
        first_us, last_us, zone = entry.event.time_us, event.time_us, self.scene.zone
        week_start = self.query.scope.week_start
        return len(labels_between(first_us, last_us, self.query.period, zone, week_start)) - 1

    def returns(self, entry: Entry) -> list[tuple[int, Event]]:
        """The return events after an entry, each with its period."""
        later = [
            event
            for event in entry.unit.events
            if event.position > entry.event.position
            and self.scene.may_follow(event)
            and self.scene.matches(self.query.returning, event, entry.unit)
        ]
        return [(k, event) for event in later if (k := self.periods_later(entry, event)) >= 1]

    def columns(self) -> list[tuple[int, float]]:
        """The periods, first and last, that each entry of `returned` after the first spans."""
        if self.query.brackets is not None:
            return list(self.query.brackets)
        return [(k, float("inf") if self.query.rolling else k) for k in range(1, self.query.periods + 1)]

    def came_back(self, entry: Entry) -> list[bool]:
        """For every place in `returned`, whether the unit counts."""
        periods = [k for k, _ in self.returns(entry)]
        return [True] + [
            sum(first <= k <= last for k in periods) >= self.query.minimum_occurrences
            for first, last in self.columns()
        ]

    def partial_from(self, cohort: str) -> int | None:
        """The first place in `returned` whose last period is not over."""
        for place, (first, last) in enumerate(self.columns(), start=1):
            if self.period_end_us(cohort, first if self.query.rolling else int(last)) > self.scene.as_of_us:
                return place
        return None

    def period_end_us(self, cohort: str, k: int) -> int:
        """When period k of everybody in a cohort is over."""
        end_us = end_us_of(cohort, self.query.period, self.scene.zone)
        if self.query.clock == "24h":
            return end_us + (k + 1) * LENGTH_US[self.query.period]
        if self.query.period == "hour":
            return end_us + k * HOUR_US
        for _ in range(k):
            label = self.label(end_us)
            end_us = end_us_of(label, self.query.period, self.scene.zone)
        return end_us

    def cohort_row(self, cohort: str, entries: Sequence[Entry]) -> dict[str, object]:
        """One line of the table."""
        marks = [self.came_back(entry) for entry in entries if entry.cohort == cohort]
        row: dict[str, object] = {
            "start": cohort,
            "size": len(marks),
            "returned": [sum(mark[place] for mark in marks) for place in range(1 + len(self.columns()))],
        }
        unfinished = self.partial_from(cohort)
        return row if unfinished is None else {**row, "partial_from": unfinished}

    def users(self) -> dict[str, object]:
        """The units of one cell."""
        spot = self.query.scope.users_of
        assert spot is not None
        entries = self.entries
        if spot.breakdown is not None and self.query.scope.breakdown:
            group = picked(spot, [group for group, _ in self.groups], self.scene)
            entries = [entry for one, found in self.groups if one == group for entry in found]
        kept = [
            entry
            for entry in entries
            if spot.cohort in (None, entry.cohort) and self.came_back(entry)[spot.period]
        ]
        return listed(self.scene, spot, [(entry.unit, [entry.event]) for entry in kept], kind="retention")


def answer(
    query: Retention, log: Sequence[Event], users: Sequence[UserChange] = (), as_of_us: int | None = None
) -> dict[str, object]:
    """The result of a retention."""
    table = Table(query, Scene(query.scope, log, users, as_of_us))
    if query.scope.users_of is not None:
        return table.users()
    groups = [
        {
            "breakdown": breakdown_of(group, table.scene),
            "cohorts": [table.cohort_row(cohort, entries) for cohort in table.cohorts],
        }
        for group, entries in table.groups
    ]
    return {"kind": "retention", "period": query.period, "groups": groups}
