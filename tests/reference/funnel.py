"""Funnels, slowly: what is shown of the units' chosen attempts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from tests.reference.attempts import Attempt, Walk, event_before, event_of, reached, required_steps
from tests.reference.groups import OTHER, breakdown_of, picked, shown_groups
from tests.reference.listing import listed
from tests.reference.log import Event, UserChange
from tests.reference.numbers import mean_seconds, median_seconds, ratio
from tests.reference.periods import end_us_of, label_of, labels_between, local
from tests.reference.units import Group, Scene
from tests.reference.values import key_of
from xingji.model.query import Funnel, UsersOf


class Report:
    """What a funnel shows of the chosen attempts."""

    def __init__(self, query: Funnel, scene: Scene) -> None:
        self.query, self.scene = query, scene
        self.required = required_steps(query)
        self.groups = self._groups()

    def all_attempts(self) -> list[Attempt]:
        """The chosen attempt of every unit, whatever its group."""
        return self._attempts(Walk(self.query, self.scene))

    def _attempts(self, walk: Walk) -> list[Attempt]:
        found = [walk.chosen(unit) for unit in self.scene.units]
        return [attempt for attempt in found if attempt is not None]

    def _groups(self) -> list[tuple[Group, list[Attempt]]]:
        """The groups in their order, each with the attempts that count in it."""
        if not self.query.scope.breakdown:
            return [((), self.all_attempts())]
        by_value = {group: attempts for group, attempts in self._by_value().items() if attempts}
        shown, has_other = shown_groups({group: len(found) for group, found in by_value.items()}, self.scene)
        groups = [(group, by_value[group]) for group in shown]
        if has_other:
            rest = [by_value[group] for group in sorted(set(by_value) - set(shown))]
            groups.append((OTHER, _best_of_each(self.query, rest)))
        return groups

    def _by_value(self) -> dict[Group, list[Attempt]]:
        kind = self.query.attribution.kind
        found: dict[Group, list[Attempt]] = {}
        if kind in ("first_touch", "last_touch"):
            for attempt in self.all_attempts():
                found.setdefault(self._touched(attempt), []).append(attempt)
            return found
        for group in self._values_of_steps():
            walk = Walk(
                self.query,
                self.scene,
                lambda step, event, group=group: (
                    step not in self._restricted() or self.scene.group_of(event) == group
                ),
            )
            found[group] = self._attempts(walk)
        return found

    def _touched(self, attempt: Attempt) -> Group:
        """The first or last set value of each property along the attempt."""
        events = attempt.events if self.query.attribution.kind == "first_touch" else attempt.events[::-1]
        values = [self.scene.group_of(event) for event in events]
        missing = key_of(None)
        return tuple(next((key for key in column if key != missing), missing) for column in zip(*values))

    def _restricted(self) -> list[int]:
        """The steps whose events must carry the group's value."""
        attribution = self.query.attribution
        return [attribution.step - 1] if attribution.kind == "step" else list(range(len(self.query.steps)))

    def _values_of_steps(self) -> set[Group]:
        """The values that occur at the step, or at any required step."""
        one = self.query.attribution.kind == "step"
        steps = [at for at in self._restricted() if one or at in self.required]
        return {
            self.scene.group_of(event)
            for unit in self.scene.units
            for event in unit.events
            if self.scene.may_follow(event)
            and any(self.scene.matches(self.query.steps[at].selector, event, unit) for at in steps)
        }

    def _rows(self, attempts: Sequence[Attempt]) -> list[dict[str, object]]:
        rows = []
        for at, step in enumerate(self.query.steps):
            count = sum(reached(self.query, at, "converted", attempt) for attempt in attempts)
            before = sum(event_before(self.query, at, attempt) is not None for attempt in attempts)
            took_us = [took for attempt in attempts if (took := self._took_us(at, attempt)) is not None]
            rows.append(
                {
                    "step": at + 1,
                    "name": step.name,
                    "optional": step.optional,
                    "count": count,
                    "from_start": ratio(count, len(attempts)),
                    "from_previous": ratio(count, len(attempts) if at == 0 else before),
                    "mean_seconds": mean_seconds(took_us),
                    "median_seconds": median_seconds(took_us),
                }
            )
        return rows

    def _took_us(self, step: int, attempt: Attempt) -> int | None:
        """The time from the required step before; None for the first step and for one not reached."""
        event, before = event_of(self.query, step, attempt), event_before(self.query, step, attempt)
        return None if event is None or before is None else event.time_us - before.time_us

    def steps(self) -> dict[str, object]:
        """How many units reach each step."""
        groups = [
            {"breakdown": breakdown_of(group, self.scene), "steps": self._rows(attempts)}
            for group, attempts in self.groups
        ]
        return {"kind": "funnel", "view": "steps", "groups": groups}

    def label_of(self, attempt: Attempt) -> str:
        """The bucket in which the attempt's unit is counted."""
        if self.query.interval == "total":
            return self.labels()[0]
        week_start = self.query.scope.week_start
        return label_of(attempt.start.time_us, self.query.interval, self.scene.zone, week_start)

    def labels(self) -> list[str]:
        """The buckets of the range."""
        scene = self.scene
        times = [attempt.start.time_us for _, attempts in self.groups for attempt in attempts]
        first_us = scene.first_us if scene.first_us is not None else min(times, default=None)
        last_us = scene.end_us - 1 if scene.end_us is not None else max(times, default=None)
        if first_us is None or last_us is None:
            return []
        if self.query.interval == "total":
            return [local(first_us, scene.zone).date().isoformat()]
        return labels_between(first_us, last_us, self.query.interval, scene.zone, self.query.scope.week_start)

    def trend(self) -> dict[str, object]:
        """The units of each bucket, by the step they reached."""
        labels = self.labels()
        groups = []
        for group, attempts in self.groups:
            rows = []
            for at, step in enumerate(self.query.steps):
                places = [self.label_of(a) for a in attempts if reached(self.query, at, "converted", a)]
                counts = [places.count(label) for label in labels]
                rows.append({"step": at + 1, "name": step.name, "counts": counts})
            groups.append({"breakdown": breakdown_of(group, self.scene), "steps": rows})
        head = {"kind": "funnel", "view": "trend", "interval": self.query.interval}
        result = {**head, "buckets": labels, "groups": groups}
        unfinished = self._partial_from(labels)
        return result if unfinished is None else {**result, "partial_from": unfinished}

    def _partial_from(self, labels: Sequence[str]) -> str | None:
        """The first bucket some of whose attempts may not be over."""
        length_us = self.query.window.length_us
        if length_us is None:
            return None
        return next((one for one in labels if self._end_us(one) + length_us > self.scene.as_of_us), None)

    def _end_us(self, label: str) -> float:
        """When a bucket ends, or the range within it."""
        range_end_us = math.inf if self.scene.end_us is None else self.scene.end_us
        if self.query.interval == "total":
            return range_end_us
        return min(range_end_us, end_us_of(label, self.query.interval, self.scene.zone))

    def converted_us(self, attempt: Attempt) -> int | None:
        """The time from the first step to the last required one."""
        last = event_of(self.query, self.required[-1], attempt)
        return None if last is None else last.time_us - attempt.start.time_us

    def bins(self) -> list[tuple[float | None, float | None]]:
        """The bins in seconds; those at the ends of given edges are open."""
        edges = self.query.bins
        if isinstance(edges, tuple):
            return [(None, edges[0]), *pairwise(edges), (edges[-1], None)]
        lengths_us = [self.converted_us(attempt) for _, attempts in self.groups for attempt in attempts]
        found = sorted(length for length in lengths_us if length is not None)
        if not found:
            return []
        low, high = Fraction(found[0], 10**6), Fraction(found[-1], 10**6)
        if low == high:
            return [(float(low), float(high))]
        cube_root = next(n for n in range(1, len(found) + 1) if n**3 >= len(found))
        n_bins = edges or min(cube_root, 60)
        bounds = [float(low + (high - low) * at / n_bins) for at in range(n_bins + 1)]
        return list(pairwise(bounds))

    def bin_of(self, attempt: Attempt) -> int | None:
        """The number of the bin that holds the attempt; None where it did not convert."""
        length_us = self.converted_us(attempt)
        bins = self.bins()
        if length_us is None:
            return None
        length = length_us / 10**6
        closed = len(bins) - (2 if isinstance(self.query.bins, tuple) else 1)
        return next(
            at
            for at, (low, high) in enumerate(bins)
            if (low is None or low <= length)
            and (high is None or length < high or (at == closed and length == high))
        )

    def histogram(self) -> dict[str, object]:
        """How long the units took that went all the way."""
        bins = self.bins()
        groups = []
        for group, attempts in self.groups:
            lengths_us = [length for a in attempts if (length := self.converted_us(a)) is not None]
            places = [self.bin_of(attempt) for attempt in attempts]
            groups.append(
                {
                    "breakdown": breakdown_of(group, self.scene),
                    "count": len(lengths_us),
                    "mean_seconds": mean_seconds(lengths_us),
                    "median_seconds": median_seconds(lengths_us),
                    "bins": [
                        {"from_seconds": low, "to_seconds": high, "count": places.count(at)}
                        for at, (low, high) in enumerate(bins)
                    ],
                }
            )
        return {"kind": "funnel", "view": "time_to_convert", "groups": groups}

    def users(self, spot: UsersOf) -> dict[str, object]:
        """The units behind one figure."""
        attempts = self.all_attempts()
        if spot.breakdown is not None and self.query.scope.breakdown:
            group = picked(spot, [group for group, _ in self.groups], self.scene)
            attempts = [attempt for one, found in self.groups if one == group for attempt in found]
        kept = [
            attempt
            for attempt in attempts
            if reached(self.query, spot.step - 1, spot.state, attempt)
            and (spot.bucket is None or self.label_of(attempt) == spot.bucket)
            and (spot.bin is None or self.bin_of(attempt) == spot.bin)
        ]
        pairs = [(attempt.unit, attempt.events) for attempt in kept]
        return listed(self.scene, spot, pairs, kind="funnel", step=spot.step, state=spot.state)


def _best_of_each(query: Funnel, rest: Sequence[Sequence[Attempt]]) -> list[Attempt]:
    """Each unit's best attempt over several groups."""
    best: dict[object, Attempt] = {}
    for attempts in rest:
        for attempt in attempts:
            other = best.setdefault(attempt.unit.key, attempt)
            if attempt.rank_with_optional(query) < other.rank_with_optional(query):
                best[attempt.unit.key] = attempt
    return list(best.values())


def answer(
    query: Funnel, log: Sequence[Event], users: Sequence[UserChange] = (), as_of_us: int | None = None
) -> dict[str, object]:
    """The result of a funnel."""
    report = Report(query, Scene(query.scope, log, users, as_of_us))
    if query.scope.users_of is not None:
        return report.users(query.scope.users_of)
    match query.view:
        case "steps":
            return report.steps()
        case "time_to_convert":
            return report.histogram()
        case "trend":
            return report.trend()
        case "users":
            page = {"limit": query.limit, "offset": query.offset}
            return report.users(UsersOf(step=query.step, state=query.state, **page))
