"""The questions the engine answers, as frozen typed documents; `xingji.model.parse` makes them from JSON."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from xingji.model.predicate import Predicate, PropertyRef, Scalar

DAY_US = 86_400_000_000
DEFAULT_WINDOW_US = 14 * DAY_US
PAGE = 1000
"""Units listed at once, unless told."""

Interval = Literal["minute", "hour", "day", "week", "month", "quarter", "total"]
WeekStart = Literal["monday", "sunday", "saturday"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A list of users to keep, named as the query's data names them."""

    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class CountBy:
    """What one unit is: a user, a session of a user, or a value of an event property across all users."""

    kind: Literal["user", "session", "property"] = "user"
    property: PropertyRef | None = None


@dataclass(frozen=True, slots=True)
class EventSelector:
    """Which events match: any of `events` (None is every event), with `filter` true; `first_time`: only the
    unit's first ever."""

    events: tuple[str, ...] | None
    filter: Predicate | None = None
    first_time: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class UsersOf:
    """The number to open as the list of units behind it; which fields apply depends on the kind of query.

    trend: `series` (from 0), `bucket` (None: the total). funnel: `step`, `state`, `bucket` (trend view),
    `bin` (histogram). retention: `cohort`, `period`. paths: `edge` or `node`. All: `breakdown` (the group's
    values), `as_users`, paging.
    """

    breakdown: tuple[Scalar | None, ...] | None = None
    series: int = 0
    bucket: str | None = None
    step: int = 1
    state: Literal["converted", "dropped"] = "converted"
    bin: int | None = None
    cohort: str | None = None
    period: int = 0
    edge: tuple[str, str] | None = None
    node: str | None = None
    as_users: bool = False
    limit: int = PAGE
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields that every kind of query shares.

    `date_from`, `date_to`: a calendar day of `timezone` (both inclusive) or an exact instant (aware datetime;
    `date_to` inclusive); None is unbounded. `as_of_us`: instant at which windows and periods are judged over
    (None: the snapshot's).
    """

    date_from: dt.date | dt.datetime | None = None
    date_to: dt.date | dt.datetime | None = None
    timezone: str = "UTC"
    week_start: WeekStart = "monday"
    filter: Predicate | None = None
    segment: Segment | None = None
    breakdown: tuple[PropertyRef, ...] = ()
    breakdown_limit: int = 25
    count_by: CountBy = CountBy()
    range_applies_to: Literal["all", "entry"] = "all"
    as_of_us: int | None = None
    users_of: UsersOf | None = None


# -- trend -----------------------------------------------------------------------------------------

Statistic = Literal["sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99", "distinct"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a series counts: events, users, events per user, sessions, or a statistic of a property."""

    kind: Literal["events", "users", "events_per_user", "sessions"] | Statistic
    property: PropertyRef | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a trend."""

    selector: EventSelector
    measure: Measure
    name: str


@dataclass(frozen=True, slots=True)
class Trend:
    """How measures of events develop over calendar intervals."""

    scope: Scope
    series: tuple[Series, ...]
    interval: Interval = "day"
    formula: str | None = None
    compare: Literal["previous_period"] | None = None
    rolling_days: int | None = None
    cumulative: bool = False


# -- funnel ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """How long an attempt may take: a fixed length in µs, one session, or (both empty) without bound;
    inclusive."""

    length_us: int | None = DEFAULT_WINDOW_US
    session: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a funnel; an optional one never changes the attempt."""

    selector: EventSelector
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An event that removes an attempt when it comes between two required steps (from 1, as listed)."""

    selector: EventSelector
    from_step: int
    to_step: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which event of an attempt gives a unit its breakdown value; `step` is from 1 for kind `step`."""

    kind: Literal["first_touch", "last_touch", "step", "all_steps"] = "first_touch"
    step: int = 0


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many units go through steps, and how long it takes them."""

    scope: Scope
    steps: tuple[Step, ...]
    order: Literal["ordered", "any", "strict"] = "ordered"
    window: Window = Window()
    exclusions: tuple[Exclusion, ...] = ()
    hold_constant: tuple[PropertyRef, ...] = ()
    attribution: Attribution = Attribution()
    view: Literal["steps", "time_to_convert", "trend", "users"] = "steps"
    interval: Interval = "day"
    bins: int | tuple[float, ...] | None = None
    step: int = 1
    state: Literal["converted", "dropped"] = "converted"
    limit: int = PAGE
    offset: int = 0


# -- retention -------------------------------------------------------------------------------------

Period = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Retention:
    """How many of the units that began in a period come back in later ones.

    `brackets`: None is one bracket per period 1…periods; else inclusive (from, to) ranges of periods.
    `rolling`: period k or any later one counts (`on_or_after`).
    """

    scope: Scope
    start: EventSelector
    returning: EventSelector
    type: Literal["recurring", "first_time", "first_ever"] = "recurring"
    period: Period = "day"
    periods: int = 7
    clock: Literal["calendar", "24h"] = "calendar"
    rolling: bool = False
    brackets: tuple[tuple[int, int], ...] | None = None
    minimum_occurrences: int = 1


# -- paths -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AroundFunnel:
    """Keeps the events before, between or after the steps of each unit's chosen attempt of a funnel."""

    funnel: Funnel
    step: int = 1
    position: Literal["before", "between", "after"] = "after"
    state: Literal["converted", "dropped"] = "converted"


@dataclass(frozen=True, slots=True)
class Paths:
    """Which ways units take from node to node within a session (`view: transitions`: between neighbours,
    without steps).

    `start`, `end`: a way begins, or stops, at their first match in a session. `gap_us`: pause that ends a
    session; None never does. `groups`: (glob, label) pairs, the first that fits wins. `include` empty keeps
    every event. `mean_seconds`: whether edges say how long they took.
    """

    scope: Scope
    start: EventSelector | None = None
    end: EventSelector | None = None
    max_steps: int = 5
    gap_us: int | None = 30 * 60_000_000
    include: tuple[EventSelector, ...] = ()
    exclude: tuple[EventSelector, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    label: PropertyRef | None = None
    collapse_repeats: bool = True
    min_edge: int = 1
    max_edge: int | None = None
    edge_limit: int = 50
    around_funnel: AroundFunnel | None = None
    view: Literal["steps", "transitions"] = "steps"
    mean_seconds: bool = True


Query = Trend | Funnel | Retention | Paths
