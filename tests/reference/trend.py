"""Trends, slowly: every bucket of every group is measured afresh over the events that count for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.reference.groups import OTHER, breakdown_of, picked, shown_groups
from tests.reference.listing import listed
from tests.reference.log import Event, UserChange
from tests.reference.numbers import mean, percentile, ratio, total
from tests.reference.periods import label_of, labels_between, local
from tests.reference.predicates import value_of
from tests.reference.units import Group, Scene, Unit
from tests.reference.values import is_number, key_of
from xingji.model.formula import parse_formula
from xingji.model.query import Measure, Scope, Series, Trend


@dataclass(frozen=True)
class Hit:
    """An event that a series selects, whenever it was."""

    event: Event
    unit: Unit
    group: Group


def answer(
    query: Trend, log: Sequence[Event], users: Sequence[UserChange] = (), as_of_us: int | None = None
) -> dict[str, object]:
    """The result of a trend."""
    scene = Scene(query.scope, log, users, as_of_us)
    chart = Chart(query, scene)
    if query.scope.users_of is not None:
        return chart.users_of()
    result: dict[str, object] = {"kind": "trend", "interval": query.interval, **chart.lines(chart.groups())}
    if query.compare:
        before = dataclasses.replace(query, scope=_shifted(query.scope, scene))
        earlier = Chart(before, Scene(before.scope, log, users, scene.as_of_us))
        result["compare"] = earlier.lines(chart.groups())
    return result


def _shifted(scope: Scope, scene: Scene) -> Scope:
    """The scope over the period of the same length just before."""
    first, last = scope.date_from, scope.date_to
    assert first is not None
    assert last is not None
    if isinstance(first, dt.datetime) or isinstance(last, dt.datetime):
        assert scene.first_us is not None
        assert scene.end_us is not None
        length = dt.timedelta(microseconds=scene.end_us - scene.first_us)
        begin = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=scene.first_us)
        return dataclasses.replace(
            scope, date_from=begin - length, date_to=begin - dt.timedelta(microseconds=1)
        )
    length = last - first + dt.timedelta(days=1)
    return dataclasses.replace(scope, date_from=first - length, date_to=last - length)


class Chart:
    """The lines of one trend over one range."""

    def __init__(self, query: Trend, scene: Scene) -> None:
        self.query, self.scene = query, scene
        self.hits = [self._hits(series) for series in query.series]
        self.labels = self._labels()
        self.place = {label: at for at, label in enumerate(self.labels)}
        self.label_at = {hit.event.time_us: self._label(hit) for hits in self.hits for hit in hits}

    def _hits(self, series: Series) -> list[Hit]:
        scene = self.scene
        return [
            Hit(event, unit, scene.group_of(event))
            for unit in scene.units
            for event in unit.events
            if scene.matches(series.selector, event, unit)
        ]

    def _labels(self) -> list[str]:
        scene, scope = self.scene, self.query.scope
        times = [hit.event.time_us for hits in self.hits for hit in hits if scene.in_range(hit.event)]
        first_us = scene.first_us if scene.first_us is not None else min(times, default=None)
        last_us = scene.end_us - 1 if scene.end_us is not None else max(times, default=None)
        if first_us is None or last_us is None:
            return []
        if self.query.interval == "total":
            return [local(first_us, scene.zone).date().isoformat()]
        return labels_between(first_us, last_us, self.query.interval, scene.zone, scope.week_start)

    def _label(self, hit: Hit) -> str:
        if self.query.interval == "total":
            return self.labels[0] if self.labels else ""
        return label_of(hit.event.time_us, self.query.interval, self.scene.zone, self.query.scope.week_start)

    def counted(self, hits: Iterable[Hit], label: str | None) -> list[Hit]:
        """Of hits, those that count for a bucket (None: for the total)."""
        ranged = [hit for hit in hits if self.scene.in_range(hit.event)]
        if label is None:
            return ranged
        if self.query.cumulative:
            place = self.place[label]
            return [hit for hit in ranged if self.place[self.label_at[hit.event.time_us]] <= place]
        if self.query.rolling_days:
            return [hit for hit in hits if self._rolls_into(hit, dt.date.fromisoformat(label))]
        return [hit for hit in ranged if self.label_at[hit.event.time_us] == label]

    def _rolls_into(self, hit: Hit, day: dt.date) -> bool:
        """Whether the hit lies in the days that end with `day`; these may reach back before the range."""
        assert self.query.rolling_days is not None
        days_ago = (day - local(hit.event.time_us, self.scene.zone).date()).days
        ended = self.scene.end_us is not None and hit.event.time_us >= self.scene.end_us
        return 0 <= days_ago < self.query.rolling_days and not ended

    def groups(self) -> tuple[list[Group], bool]:
        """The groups of the result, ranked by the first series, and whether Other holds more."""
        if not self.query.scope.breakdown:
            return [()], False
        spans = (None, *self.labels)
        hits = [hit for hits in self.hits for span in spans for hit in self.counted(hits, span)]
        first = self.counted(self.hits[0], None)
        figures = {
            group: measured(
                [hit for hit in first if hit.group == group], self.query.series[0].measure, self.scene
            )
            for group in {hit.group for hit in hits}
        }
        return shown_groups(figures, self.scene)

    def lines(self, groups: tuple[list[Group], bool]) -> dict[str, object]:
        """The buckets, and one line a series and group, or one a group where there is a formula."""
        shown, has_other = groups
        lines = []
        for at, series in enumerate(self.query.series):
            for group in [*shown, *([OTHER] if has_other else [])]:
                hits = self.of_group(at, group, shown)
                values = [
                    measured(self.counted(hits, label), series.measure, self.scene)
                    for label in (*self.labels, None)
                ]
                lines.append(
                    {
                        "name": series.name,
                        "series": at,
                        "breakdown": breakdown_of(group, self.scene),
                        "values": values[:-1],
                        "total": values[-1],
                    }
                )
        return {"buckets": self.labels, "series": self._formula(lines) if self.query.formula else lines}

    def of_group(self, series: int, group: Group, shown: Sequence[Group]) -> list[Hit]:
        """The hits of a series in one group."""
        if group == OTHER:
            return [hit for hit in self.hits[series] if hit.group not in shown]
        return [hit for hit in self.hits[series] if hit.group == group or not self.query.scope.breakdown]

    def _formula(self, lines: list[dict[str, object]]) -> list[dict[str, object]]:
        assert self.query.formula is not None
        formula = parse_formula(self.query.formula, len(self.query.series))
        n_groups = len(lines) // len(self.query.series)

        def value(numbers: Iterable[object]) -> object:
            return formula.value(list(numbers))

        found = []
        for at in range(n_groups):
            columns = zip(*(line["values"] for line in lines[at::n_groups]))
            figures = {
                "values": [value(column) for column in columns],
                "total": value(line["total"] for line in lines[at::n_groups]),
            }
            head = {"name": self.query.formula, "series": 0, "breakdown": lines[at]["breakdown"]}
            found.append({**head, **figures})
        return found

    def users_of(self) -> dict[str, object]:
        """The units behind one figure."""
        spot = self.query.scope.users_of
        assert spot is not None
        hits = self.hits[spot.series]
        if spot.breakdown is not None and self.query.scope.breakdown:
            shown, has_other = self.groups()
            group = picked(spot, [*shown, *([OTHER] if has_other else [])], self.scene)
            hits = [] if group is None else self.of_group(spot.series, group, shown)
        counted = self.counted(hits, spot.bucket)
        units = {hit.unit.key: hit.unit for hit in counted}
        found = [(unit, [hit.event for hit in counted if hit.unit is unit]) for unit in units.values()]
        return listed(self.scene, spot, found, kind="trend")


def measured(hits: Sequence[Hit], measure: Measure, scene: Scene) -> object:
    """The measure over the events that count."""
    n_units = len({hit.unit.key for hit in hits})
    match measure.kind:
        case "events":
            return len(hits)
        case "users":
            return n_units
        case "events_per_user":
            return ratio(len(hits), n_units)
        case "sessions":
            sessions = {scene.session_of.get(hit.event.seq) for hit in hits}
            return len(sessions - {None})
    assert measure.property is not None
    values = [value_of(measure.property, hit.event, scene.history) for hit in hits]
    return statistic(values, measure.kind)


def statistic(values: Iterable[object], kind: str) -> object:
    """A statistic of the numbers among values; `distinct` takes values of every type."""
    there = [value for value in values if value is not None]
    numbers = [value for value in there if is_number(value)]
    match kind:
        case "distinct":
            return len({key_of(value) for value in there})
        case "sum":
            return total(numbers)
        case "avg":
            return mean(numbers)
        case "min":
            return min(numbers, default=None)
        case "max":
            return max(numbers, default=None)
        case _:
            return percentile(numbers, 50 if kind == "median" else int(kind[1:]))
