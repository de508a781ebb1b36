"""Predicates from JSON documents."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import cast, get_args

import re2

from xingji.model.document import Reader
from xingji.model.moments import parse_instant, to_us
from xingji.model.predicate import (
    AllOf,
    AnyOf,
    Comparison,
    Not,
    Operator,
    Owner,
    Predicate,
    PropertyRef,
    Scalar,
)

OPERATORS: tuple[str, ...] = get_args(Operator)
_UNIT_US = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": 86400 * 10**6,
            "week": 7 * 86400 * 10**6, "month": 30 * 86400 * 10**6}  # fmt: skip
_MAX_PATTERN_BYTES = 1 << 20


def read_property(reader: Reader) -> PropertyRef:
    """`event.x`, `user.x`, `user.x@event` or `tag.x`."""
    text = reader.text("a property such as event.channel, user.city or tag.level")
    owner, dot, name = text.partition(".")
    if not dot or not name or owner not in get_args(Owner):
        reader.fail("a property such as event.channel, user.city or tag.level")
    if owner == "user" and name.endswith("@event"):
        return PropertyRef("user", name.removesuffix("@event"), at_event=True)
    return PropertyRef(cast(Owner, owner), name)


def read_predicate(reader: Reader) -> Predicate:
    """A comparison, or `all`, `any` and `not` of predicates."""
    fields = reader.object("a predicate: {property, op, value} or {all: […]} or {any: […]} or {not: …}")
    predicate: Predicate
    if fields.has("all"):
        predicate = AllOf(tuple(read_predicate(term) for term in fields.at("all").items()))
    elif fields.has("any"):
        predicate = AnyOf(tuple(read_predicate(term) for term in fields.at("any").items()))
    elif fields.has("not"):
        predicate = Not(read_predicate(fields.at("not")))
    else:
        ref = fields.need("property", read_property)
        op = cast(Operator, fields.need("op", lambda r: r.one_of(*OPERATORS)))
        predicate = Comparison(ref, op, _read_operand(op, fields.at("value")))
    fields.close()
    return predicate


def _read_operand(op: Operator, value: Reader) -> Scalar | tuple[Scalar, ...] | None:
    match op:
        case "is_set" | "is_not_set":
            return None if value.value is None else value.fail(f"nothing: {op} takes no value")
        case "in" | "not_in":
            return tuple(_scalar(item) for item in value.items("a list of values", 1, 100_000))
        case "between":
            low, high = (_ordered(item) for item in value.items("[lowest, highest]", 2, 2))
            return low, high
        case "<" | "<=" | ">" | ">=":
            return _ordered(value)
        case "contains" | "not_contains":
            return _scalar(value)
        case "starts_with" | "ends_with":
            return value.text("a text")
        case "regex":
            return _pattern(value)
        case "in_last":
            return read_duration_us(value)
        case "before" | "after":
            return _instant_us(value)
        case _:
            return _scalar(value)


def _scalar(reader: Reader) -> Scalar:
    value = reader.value
    if isinstance(value, float):
        value = Decimal(repr(value))
    if not isinstance(value, str | bool | int | Decimal):
        reader.fail("a text, a number, true or false")
    return value


def _ordered(reader: Reader) -> Scalar:
    value = _scalar(reader)
    return value if not isinstance(value, bool) else reader.fail("a number, a text or an instant")


def _pattern(reader: Reader) -> str:
    text = reader.text("a regular expression (RE2 syntax)")
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MAX_PATTERN_BYTES
    try:
        re2.compile(text, options)
    except re2.error:
        reader.fail(
            "a regular expression in RE2 syntax (no back-references, no look-around), of moderate size"
        )
    return text


def read_duration_us(reader: Reader) -> int:
    """`{"value": 7, "unit": "day"}` as µs, at least 1 second; a month is 30 days."""
    fields = reader.object('a length such as {"value": 7, "unit": "day"}')
    value = fields.need("value", lambda r: r.integer(1, 1_000_000))
    unit = fields.need("unit", lambda r: r.one_of(*_UNIT_US))
    fields.close()
    return value * _UNIT_US[unit]


def _instant_us(reader: Reader) -> int:
    value = reader.value
    if isinstance(value, dt.datetime):
        return to_us(value)
    moment = parse_instant(value) if isinstance(value, str) else None
    return to_us(moment) if moment else reader.fail("an instant such as 2026-01-05T09:30:00+08:00")
