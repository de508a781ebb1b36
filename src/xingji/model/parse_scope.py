"""The parts every kind of query shares, from JSON documents."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import cast, get_args

from xingji.model.document import Fields, Reader
from xingji.model.errors import CallerError, UnknownNameError
from xingji.model.moments import parse_instant, to_us
from xingji.model.parse_predicate import read_predicate, read_property
from xingji.model.predicate import PropertyRef, Scalar
from xingji.model.query import PAGE, CountBy, EventSelector, Scope, Segment, UsersOf, WeekStart

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MAX_BREAKDOWNS = 3
_MAX_GROUPS = 10_000
_MAX_EVENTS = 500
_PLACES = {
    "trend": {"breakdown", "series", "bucket"},
    "funnel": {"breakdown", "step", "state", "bucket", "bin"},
    "retention": {"breakdown", "cohort", "period"},
    "paths": {"edge", "node"},
}
"""What names a number in the result of each kind."""
_YEARS = range(1000, 9000)
"""So that no window, period or offset leads out of the years that a calendar has."""
_SPAN = f"from the years {_YEARS[0]} to {_YEARS[-1]}"


def read_scope(fields: Fields, default_timezone: str, kind: str) -> Scope:
    """The common fields of a query document of a kind."""
    scope = Scope(
        date_from=fields.get("date_from", _bound, None),
        date_to=fields.get("date_to", _bound, None),
        timezone=fields.get("timezone", _timezone, default_timezone),
        week_start=cast(
            WeekStart, fields.get("week_start", lambda r: r.one_of(*get_args(WeekStart)), "monday")
        ),
        filter=fields.get("filter", read_predicate, None),
        segment=fields.get("segment", _segment, None),
        breakdown=fields.get("breakdown", _breakdown, ()),
        breakdown_limit=fields.get("breakdown_limit", lambda r: r.integer(1, _MAX_GROUPS), 25),
        count_by=fields.get("count_by", _count_by, CountBy()),
        range_applies_to=fields.get("range_applies_to", lambda r: r.one_of("all", "entry"), "all"),
        as_of_us=fields.get("as_of", _instant_us, None),
        users_of=fields.get("users_of", lambda r: read_users_of(r, kind), None),
    )
    _check_range(scope)
    return scope


def _check_range(scope: Scope) -> None:
    first, last = scope.date_from, scope.date_to
    if first is None or last is None:
        return
    if isinstance(first, dt.datetime) != isinstance(last, dt.datetime):
        zone = zoneinfo.ZoneInfo(scope.timezone)
        first = first.astimezone(zone).date() if isinstance(first, dt.datetime) else first
        last = last.astimezone(zone).date() if isinstance(last, dt.datetime) else last
    if last < first:
        raise CallerError(f"date_to ({scope.date_to}) is before date_from ({scope.date_from})")


def _bound(reader: Reader) -> dt.date | dt.datetime:
    allowed = f"a day such as 2026-01-05 or an instant such as 2026-01-05T09:30:00+08:00, {_SPAN}"
    text = reader.text(allowed)
    try:
        found = dt.date.fromisoformat(text) if _DAY.fullmatch(text) else parse_instant(text)
    except ValueError:
        found = None
    return found if found and found.year in _YEARS else reader.fail(allowed)


def _instant_us(reader: Reader) -> int:
    allowed = f"an instant such as 2026-01-05T09:30:00+08:00, {_SPAN}"
    found = parse_instant(reader.text(allowed))
    return to_us(found) if found and found.year in _YEARS else reader.fail(allowed)


def _timezone(reader: Reader) -> str:
    name = reader.text("a timezone such as Asia/Shanghai")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownNameError(reader.path, name, zoneinfo.available_timezones(), "timezone") from None
    return name


def _segment(reader: Reader) -> Segment:
    fields = reader.object('{"users": [names of users]}')
    users = fields.need("users", lambda r: frozenset(item.text() for item in r.items(at_most=10_000_000)))
    fields.close()
    return Segment(users)


def _breakdown(reader: Reader) -> tuple[PropertyRef, ...]:
    return tuple(read_property(item) for item in reader.items("a list of properties", 0, _MAX_BREAKDOWNS))


def _count_by(reader: Reader) -> CountBy:
    if isinstance(reader.value, str):
        return CountBy("session") if reader.one_of("user", "session") == "session" else CountBy()
    fields = reader.object('"user", "session" or {"property": "event.…"}')
    ref = fields.need("property", read_property)
    if ref.owner != "event":
        fields.at("property").fail("a property of the event, such as event.application_id")
    fields.close()
    return CountBy("property", ref)


def read_selector(reader: Reader, *also: str) -> EventSelector:
    """`{"event": …, "filter": …, "first_time": …, "name": …}`; `also` names fields that the caller reads
    itself."""
    fields = reader.object('a selector such as {"event": "apply_submit"}')
    for name in also:
        fields.has(name)
    events = fields.need("event", _event_names)
    selector = EventSelector(
        events,
        fields.get("filter", read_predicate, None),
        fields.get("first_time", Reader.flag, False),
        fields.get("name", Reader.text, _title(events)),
    )
    fields.close()
    return selector


def _event_names(reader: Reader) -> tuple[str, ...] | None:
    allowed = 'a name, a list of names, or "*" for every event'
    if isinstance(reader.value, list):
        return tuple(item.text(allowed) for item in reader.items(allowed, 1, _MAX_EVENTS))
    name = reader.text(allowed)
    return None if name == "*" else (name,)


def _title(events: tuple[str, ...] | None) -> str:
    return "*" if events is None else " | ".join(events)


def read_users_of(reader: Reader, kind: str) -> UsersOf:
    """The number to open as a list of units; what names no number of this kind is refused."""
    fields = reader.object("the place of a number in the result")
    foreign = sorted(set().union(*_PLACES.values()) - _PLACES[kind])
    fields.forbid(foreign, f"a number of a {kind} is named by {', '.join(sorted(_PLACES[kind]))}")
    spot = UsersOf(
        breakdown=fields.get("breakdown", _group, None),
        series=fields.get("series", lambda r: r.integer(0, 25), 0),
        bucket=fields.get("bucket", Reader.text, None),
        step=fields.get("step", lambda r: r.integer(1, 100), 1),
        state=fields.get("state", lambda r: r.one_of("converted", "dropped"), "converted"),
        bin=fields.get("bin", lambda r: r.integer(0, 1000), None),
        cohort=fields.get("cohort", Reader.text, None),
        period=fields.get("period", lambda r: r.integer(0, 1000), 0),
        edge=fields.get("edge", _edge, None),
        node=fields.get("node", _label, None),
        as_users=fields.get("as", lambda r: r.one_of("users", "units"), "units") == "users",
        limit=fields.get("limit", read_limit, PAGE),
        offset=fields.get("offset", read_offset, 0),
    )
    fields.close()
    return spot


def read_limit(reader: Reader) -> int:
    """How long a page of units is at most."""
    return reader.integer(1, 1_000_000)


def read_offset(reader: Reader) -> int:
    """How many units stand before a page."""
    return reader.integer(0, 2**40)


def _group(reader: Reader) -> tuple[Scalar | None, ...]:
    return tuple(item.value for item in reader.items("the values of a group", 0, _MAX_BREAKDOWNS))  # type: ignore[misc]


def _edge(reader: Reader) -> tuple[str, str]:
    source, target = (_label(item) for item in reader.items("[source, target]", 2, 2))
    return source, target


def _label(reader: Reader) -> str:
    return reader.value if isinstance(reader.value, str) else reader.fail("a label as the result shows it")
