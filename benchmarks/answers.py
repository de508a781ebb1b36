"""Peers' rows in the form in which answers are compared; every peer's SQL returns the same columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.cases import FUNNEL_EVENTS, ROLLING_DAYS, Rows, in_order

Found = Iterable[tuple[Any, ...]]


def by_level(found: Found) -> Rows:
    """(value, …, steps reached, units) as (value, …, units at least at step 1, 2, …)."""
    reached: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(FUNNEL_EVENTS))
    for *values, level, units in found:
        for step in range(int(level)):
            reached[tuple(value or None for value in values)][step] += int(units)
    return in_order([[*key, *counts] for key, counts in reached.items()])


def by_event_and_day(found: Found) -> Rows:
    """(event, day, events, users)."""
    return in_order([[event, str(day), int(events), int(users)] for event, day, events, users in found])


def by_day(found: Found) -> Rows:
    """(day, users) up to the log's last day: every day has events, the last six are later."""
    rows = [[str(day), int(users)] for day, users in found if int(users)]
    return in_order(rows)[: -(ROLLING_DAYS - 1)]


def by_cohort(found: Found) -> Rows:
    """(day, days later, users); nobody left out."""
    return in_order([[str(day), int(later), int(users)] for day, later, users in found if int(users)])


def by_pair(found: Found) -> Rows:
    """(source, target, count)."""
    return in_order([[source, target, int(count)] for source, target, count in found])


def by_edge(found: Found) -> Rows:
    """(number of the source's node, source, target, count, µs in all) as the mean in seconds."""
    rows = [
        [
            f"{int(at)}_{source}",
            f"{int(at) + 1}_{target}",
            int(count),
            int(total_us) / (int(count) * 1_000_000),
        ]
        for at, source, target, count, total_us in found
    ]
    return in_order(rows)
