"""Which column of a file is which field of an event, as the caller says with `--map field=column`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from xingji.model.errors import CallerError, FieldError, InputError, UnknownNameError, nearest_names, shown
from xingji.model.event_table import EVENT, EVENT_ID, TIME, USER
from xingji.model.moments import parse_instant, to_us

FIELDS = (USER, EVENT, TIME, EVENT_ID)
REQUIRED = (USER, EVENT, TIME)
_MOMENT = re.compile(r"@\d")
_TIME_FORMAT = re.compile(r"(.+?):(%.+)", re.DOTALL)
_MOST_NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file; `time_format` (strptime's letters) says how its texts are times."""

    name: str
    time_format: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text for every row."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The same instant for every row, µs since 1970-01-01 UTC."""

    time_us: int


@dataclass(frozen=True, slots=True)
class RowNumber:
    """Every row is a user of its own, named `<file>#<number>` by the number of its line or row."""


Origin = Column | Constant | Moment | RowNumber


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Where each field of an event comes from; None: from the column that the format names by itself."""

    user: Origin | None = None
    event: Origin | None = None
    time: Origin | None = None
    event_id: Origin | None = None

    def origin(self, field: str) -> Origin | None:
        """What was said about one of user, event, time and event_id."""
        found: Origin | None = getattr(self, field)
        return found


@dataclass(frozen=True, slots=True)
class Origins:
    """A mapping with the format's own names filled in; `event_id` is None where the file has none."""

    user: Origin | None
    event: Origin
    time: Origin
    event_id: Origin | None

    def column_names(self) -> frozenset[str]:
        """The columns that are fields, and so no properties."""
        origins = (self.user, self.event, self.time, self.event_id)
        return frozenset(origin.name for origin in origins if isinstance(origin, Column))


NATIVE_NAMES = {USER: "user", EVENT: "event", TIME: "time", EVENT_ID: "event_id"}
"""The columns of NDJSON, CSV and Parquet that need no mapping."""


def parse_mapping(pairs: Iterable[str]) -> FieldMapping:
    """The mapping that texts `field=origin` describe.

    An origin is a column's name; for a time also `column:%Y%m%d`; `=text` (user, event: a constant);
    `@2026-01-31T00:00:00Z` (time: a constant); `#` (user: each row is its own).

    >>> parse_mapping(["user=case:concept:name", "event==contact"])
    FieldMapping(user=Column(name='case:concept:name', time_format=None), event=Constant(text='contact'), \
time=None, event_id=None)

    Raises FieldError and UnknownNameError.
    """
    mapping = FieldMapping()
    for pair in pairs:
        field, sign, text = pair.partition("=")
        if not sign or not text:
            raise FieldError("--map", pair, "field=column, for example user=customer_id")
        if field not in FIELDS:
            raise UnknownNameError("--map", field, FIELDS, "field (user, event, time or event_id)")
        if mapping.origin(field) is not None:
            raise CallerError(f"--map names the field {field} twice")
        mapping = replace(mapping, **{field: _origin(field, text)})
    return mapping


def _origin(field: str, text: str) -> Origin:
    if text == "#":
        return _only(field, (USER,), RowNumber(), "--map user=#")
    if text.startswith("="):
        return _only(
            field, (USER, EVENT), Constant(text[1:]), "user or event as a constant: --map event==contact"
        )
    if field == TIME:
        return _time_origin(text)
    return Column(text)


def _only(field: str, allowed: tuple[str, ...], origin: Origin, example: str) -> Origin:
    if field not in allowed or origin == Constant(""):
        raise FieldError("--map", field, example)
    return origin


def _time_origin(text: str) -> Origin:
    if _MOMENT.match(text):
        moment = parse_instant(text[1:])
        if moment is None:
            raise FieldError(
                "--map time", text, "@ and an ISO 8601 instant, as in @2026-01-31T09:30:00+08:00"
            )
        return Moment(to_us(moment))
    formatted = _TIME_FORMAT.fullmatch(text)
    return Column(formatted[1], formatted[2]) if formatted else Column(text)


def resolve(
    file: str,
    mapping: FieldMapping,
    columns: Collection[str],
    names: dict[str, str] = NATIVE_NAMES,
    *,
    identified: bool = False,
) -> Origins:
    """The mapping with the format's own column names filled in, checked against the columns there are.

    `identified`: rows bear identities, from which a user follows without a column. Raises InputError.
    """
    origins = {field: mapping.origin(field) or Column(names[field]) for field in FIELDS}
    found: dict[str, Origin | None] = {}
    for field, origin in origins.items():
        present = not isinstance(origin, Column) or origin.name in columns
        asked = mapping.origin(field) is not None
        if not present and (asked or (field in REQUIRED and not (field == USER and identified))):
            raise _missing(file, field, origins[field], asked, columns)
        found[field] = origin if present else None
    event, time = found[EVENT], found[TIME]
    assert event is not None
    assert time is not None
    return Origins(found[USER], event, time, found[EVENT_ID])


def _missing(file: str, field: str, origin: Origin, asked: bool, columns: Collection[str]) -> InputError:
    assert isinstance(origin, Column)
    nearest = nearest_names(origin.name, columns)
    offer = f"; the nearest: {', '.join(map(shown, nearest))}" if nearest else ""
    role = f" (mapped to {field})" if asked else ""
    hint = "" if asked else f"; say which column it is with --map {field}=COLUMN"
    return InputError(file, f"there is no column {shown(origin.name)}{role}{offer}; {_listed(columns)}{hint}")


def _listed(columns: Collection[str]) -> str:
    if not columns:
        return "the file has no columns"
    names = [shown(name, 40) for name in list(columns)[:_MOST_NAMES_SHOWN]]
    more = f" and {len(columns) - len(names)} more" if len(columns) > len(names) else ""
    return f"its columns are {', '.join(names)}{more}"
