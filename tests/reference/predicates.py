"""Whether a predicate holds for one event: a plain reading of the contract, operator by operator."""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Callable, Iterable
from decimal import Decimal

import re2

from tests.reference.log import Event, UserChange
from tests.reference.values import is_number
from xingji.model.moments import parse_instant, to_us
from xingji.model.predicate import NEGATIVE, AllOf, AnyOf, Comparison, Not, Operator, Predicate, PropertyRef

EVENT_NAME = PropertyRef("event", "$event")
"""The event's own name, as a property."""


class History:
    """What is known of users, and since when."""

    def __init__(self, changes: Iterable[UserChange]) -> None:
        self._changes: dict[tuple[str, str], list[UserChange]] = {}
        for change in sorted(changes, key=lambda change: change.time_us):
            self._changes.setdefault((change.user, change.name), []).append(change)

    def value(self, user: str, name: str, at_us: int | None = None) -> object:
        """The value at an instant (None: the last there is)."""
        changes = self._changes.get((user, name), [])
        if at_us is not None:
            changes = changes[: bisect.bisect_right([change.time_us for change in changes], at_us)]
        return changes[-1].value if changes else None


def value_of(ref: PropertyRef, event: Event, history: History) -> object:
    """The property's value for an event; None where it is missing, or no number that JSON knows."""
    value = _held(ref, event, history)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _held(ref: PropertyRef, event: Event, history: History) -> object:
    if ref == EVENT_NAME:
        return event.event
    if ref.owner == "event":
        return event.properties.get(ref.name)
    if ref.owner == "user":
        return history.value(event.user, ref.name, event.time_us if ref.at_event else None)
    return None


def holds(predicate: Predicate | None, event: Event, history: History, as_of_us: int) -> bool:
    """Whether the predicate is true for the event."""
    match predicate:
        case None:
            return True
        case AllOf(terms):
            return all(holds(term, event, history, as_of_us) for term in terms)
        case AnyOf(terms):
            return any(holds(term, event, history, as_of_us) for term in terms)
        case Not(term):
            return not holds(term, event, history, as_of_us)
        case Comparison(ref, op, operand):
            return compares(value_of(ref, event, history), op, operand, as_of_us)


def compares(value: object, op: Operator, operand: object, as_of_us: int = 0) -> bool:
    """Whether `value op operand` is true; a missing value satisfies the negative operators only."""
    if value is None:
        return op in NEGATIVE
    match op:
        case "is_set" | "is_not_set":
            return op == "is_set"
        case "=" | "!=":
            return equal(value, operand) == (op == "=")
        case "in" | "not_in":
            return any(equal(value, one) for one in operand) == (op == "in")
        case "contains" | "not_contains":
            return contains(value, operand) == (op == "contains")
        case "<" | "<=" | ">" | ">=":
            return ordered(value, operand, _ORDERS[op])
        case "between":
            low, high = operand
            return ordered(value, low, _ORDERS[">="]) and ordered(value, high, _ORDERS["<="])
        case "starts_with" | "ends_with" | "regex":
            return isinstance(value, str) and _TEXTS[op](value, operand)
        case "in_last" | "before" | "after":
            moment_us = instant_us(value)
            return moment_us is not None and _TIMES[op](moment_us, operand, as_of_us)


_ORDERS: dict[str, Callable[..., bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_TEXTS: dict[str, Callable[..., bool]] = {
    "starts_with": lambda text, start: text.startswith(start),
    "ends_with": lambda text, end: text.endswith(end),
    "regex": lambda text, pattern: re2.search(pattern, text) is not None,
}
_TIMES: dict[str, Callable[..., bool]] = {
    "in_last": lambda time_us, length_us, as_of_us: as_of_us - length_us <= time_us <= as_of_us,
    "before": lambda time_us, bound_us, _: time_us < bound_us,
    "after": lambda time_us, bound_us, _: time_us > bound_us,
}


def equal(value: object, operand: object) -> bool:
    """Equality of a value and an operand of the same type; floats meet the operand's nearest float, times
    the instant that a text writes."""
    if is_number(value) and is_number(operand):
        return bool(value == _met(value, operand))
    if isinstance(value, dt.datetime):
        return instant_us(value) == instant_us(operand)
    return type(value) is type(operand) and isinstance(value, str | bool) and value == operand


def ordered(value: object, bound: object, order: Callable[..., bool]) -> bool:
    """Order of numbers with numbers, of texts with texts, of times with instants; anything else is false."""
    if is_number(value) and is_number(bound):
        return order(value, _met(value, bound))
    if isinstance(value, dt.datetime):
        bound_us = instant_us(bound)
        return bound_us is not None and order(instant_us(value), bound_us)
    return isinstance(value, str) and isinstance(bound, str) and order(value, bound)


def _met(value: object, operand: object) -> object:
    """The operand as the value's number type would have it."""
    return float(Decimal(operand)) if isinstance(value, float) else operand


def contains(value: object, operand: object) -> bool:
    """A text has a text within it, a list has an element."""
    if isinstance(value, list):
        return any(equal(item, operand) for item in value)
    return isinstance(value, str) and isinstance(operand, str) and operand in value


def instant_us(value: object) -> int | None:
    """The instant that a time, or a text that writes one, stands for."""
    if isinstance(value, dt.datetime):
        return to_us(value)
    moment = parse_instant(value) if isinstance(value, str) else None
    return None if moment is None else to_us(moment)
