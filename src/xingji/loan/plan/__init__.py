"""The simulated bank's tracking plan as data: what is emitted, with types, units, classes and allowed
values."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib import resources

import pyarrow as pa

MONEY = pa.decimal128(18, 2)
INSTANT = pa.timestamp("us", tz="UTC")

ARROW_TYPES: dict[str, pa.DataType] = {
    "枚举": pa.string(),
    "字符串": pa.string(),
    "整数": pa.int64(),
    "数值": pa.float64(),
    "小数": MONEY,  # yuan and per-cent rates alike: two exact places
    "布尔": pa.bool_(),
    "时间": INSTANT,
}


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the plan; ``event`` is empty for common and user properties."""

    event: str
    name: str
    title: str
    kind: str
    unit: str
    allowed: str
    sensitivity: str
    required: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type its values are emitted with."""
        return ARROW_TYPES[self.kind]

    @property
    def is_required(self) -> bool:
        """Whether every row of its event must carry it."""
        return self.required == "是"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the plan with its properties."""

    name: str
    domain: str
    title: str
    trigger: str
    collected_by: str
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class TrackingPlan:
    """46 events, 24 common, 235 event and 29 user properties."""

    events: tuple[Event, ...]
    common: tuple[Property, ...]
    user: tuple[Property, ...]

    @property
    def event_names(self) -> tuple[str, ...]:
        """Event names in plan order; an event's code is its index here."""
        return tuple(event.name for event in self.events)

    @functools.cached_property
    def event_properties(self) -> dict[str, Property]:
        """First definition of each event property name; same names of several events share one column."""
        first: dict[str, Property] = {}
        for event in self.events:
            for item in event.properties:
                first.setdefault(item.name, item)
        return first


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def _property(row: dict[str, str]) -> Property:
    return Property(
        row.get("event", ""),
        row["name"],
        row["title"],
        row["type"],
        row["unit"],
        row["values"],
        row["class"],
        row.get("required", ""),
    )


def load_plan() -> TrackingPlan:
    """Read the packaged tables into a plan."""
    properties = [_property(row) for row in _rows("properties.tsv")]
    events = tuple(
        Event(
            row["name"],
            row["domain"],
            row["title"],
            row["trigger"],
            row["collected_by"],
            tuple(p for p in properties if p.event == row["name"]),
        )
        for row in _rows("events.tsv")
    )
    common = tuple(_property(row) for row in _rows("common.tsv"))
    return TrackingPlan(events, common, tuple(_property(row) for row in _rows("users.tsv")))


PLAN = load_plan()
