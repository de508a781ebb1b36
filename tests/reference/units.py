"""What every analysis begins with: units, their events in order, sessions, the range, what matches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tests.reference.log import Event, UserChange
from tests.reference.periods import day_start_us
from tests.reference.predicates import History, holds, value_of
from tests.reference.values import Key, key_of, shown
from xingji.model.moments import to_us
from xingji.model.query import EventSelector, Scope

SESSION_GAP_US = 30 * 60_000_000
Session = tuple[str, int]
Group = tuple[Key, ...]


@dataclass(frozen=True)
class Unit:
    """One unit that is counted, with all its events in order; `value` is its name or its property value."""

    key: object
    value: object
    events: tuple[Event, ...]


def sessions_of(log: Sequence[Event], gap_us: int | None) -> dict[int, Session]:
    """`seq` of an event → its session; a server's event lies in the one open at its time, or in none."""
    found: dict[int, Session] = {}
    last_client: dict[str, Event] = {}
    started: dict[str, int] = {}
    for event in sorted(log, key=lambda event: event.position):
        last = last_client.get(event.user)
        is_open = last is not None and (gap_us is None or event.time_us - last.time_us <= gap_us)
        if event.properties.get("$origin") in (None, "client"):
            last_client[event.user] = event
            started[event.user] = started.get(event.user, 0) + (not is_open)
            is_open = True
        if is_open:
            found[event.seq] = (event.user, started[event.user])
    return found


class Scene:
    """A query's scope laid over a log."""

    def __init__(
        self, scope: Scope, log: Sequence[Event], users: Sequence[UserChange], as_of_us: int | None
    ) -> None:
        snapshot_us = max((event.time_us for event in log), default=0) if as_of_us is None else as_of_us
        self.scope, self.as_of_us = scope, snapshot_us if scope.as_of_us is None else scope.as_of_us
        self.history, self.zone = History(users), ZoneInfo(scope.timezone)
        self.session_of = sessions_of(log, SESSION_GAP_US)
        kept = [event for event in log if scope.segment is None or event.user in scope.segment.users]
        self.log = sorted(kept, key=lambda event: event.position)
        self.units = self._units()
        self.first_us, self.end_us = range_us(scope, self.zone)

    def _units(self) -> list[Unit]:
        events: dict[object, list[Event]] = {}
        values: dict[object, object] = {}
        for event in self.log:
            value = self._unit_value(event)
            if value is not None:
                key = value if isinstance(value, tuple) else key_of(value)
                values.setdefault(key, shown(value))
                events.setdefault(key, []).append(event)
        return [Unit(key, values[key], tuple(found)) for key, found in events.items()]

    def _unit_value(self, event: Event) -> object:
        count_by = self.scope.count_by
        if count_by.kind == "session":
            return self.session_of.get(event.seq)
        if count_by.property is not None:
            return value_of(count_by.property, event, self.history)
        return event.user

    def in_range(self, event: Event) -> bool:
        """Whether the event lies in the query's range."""
        after = self.first_us is None or self.first_us <= event.time_us
        return after and (self.end_us is None or event.time_us < self.end_us)

    def may_follow(self, event: Event) -> bool:
        """Whether the event may be a later step or a return: after the range only if that is for entries."""
        after = self.end_us is not None and event.time_us >= self.end_us
        if after and self.scope.range_applies_to == "entry":
            return event.time_us <= self.as_of_us
        return self.in_range(event)

    def accepts(self, selector: EventSelector, event: Event) -> bool:
        """Whether selector and filter hold for the event, be it the first or not."""
        named = selector.events is None or event.event in selector.events
        return named and all(
            holds(predicate, event, self.history, self.as_of_us)
            for predicate in (selector.filter, self.scope.filter)
        )

    def matches(self, selector: EventSelector, event: Event, unit: Unit) -> bool:
        """Whether the selector picks this event of the unit."""
        if not selector.first_time:
            return self.accepts(selector, event)
        first = next((one for one in unit.events if self.accepts(selector, one)), None)
        return first is event

    def group_of(self, event: Event) -> Group:
        """The event's values of the breakdown."""
        return tuple(key_of(value_of(ref, event, self.history)) for ref in self.scope.breakdown)


def range_us(scope: Scope, zone: ZoneInfo) -> tuple[int | None, int | None]:
    """The range as instants: the first one in it, and the first one after it."""
    first, last = scope.date_from, scope.date_to
    if isinstance(first, dt.datetime):
        first_us: int | None = to_us(first)
    else:
        first_us = None if first is None else day_start_us(first, zone)
    if isinstance(last, dt.datetime):
        return first_us, to_us(last) + 1
    return first_us, None if last is None else day_start_us(last + dt.timedelta(days=1), zone)
