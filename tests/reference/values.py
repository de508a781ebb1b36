"""Values of properties: when two are the same, which comes first, and how they are shown."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

from xingji.model.moments import iso, to_us

Key = tuple[int, object]


def key_of(value: object) -> Key:
    """What is equal for the same typed value, and rises in the order of values."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int | float | Decimal):
        return 2, shown_number(value)
    if isinstance(value, str):
        return 3, value
    return 4, json.dumps(shown(value), ensure_ascii=False, sort_keys=True)


def shown_number(value: int | float | Decimal) -> Fraction:
    """The number that its JSON text says: the double 0.1 is shown, and grouped, as one tenth."""
    return Fraction(repr(value) if isinstance(value, float) else value)


def shown(value: object) -> object:
    """The value as a result shows it."""
    return iso(to_us(value)) if isinstance(value, dt.datetime) else value


def text_of(value: object) -> str:
    """The value as a label of a path."""
    value = shown(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def is_number(value: object) -> bool:
    """Whether a statistic takes the value."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def canonical(result: object) -> object:
    """A result in which things are equal exactly when their JSON is: 1 is 1.0, but true is not 1."""
    match result:
        case bool() | None | str():
            return ("is", str(result)) if isinstance(result, bool) else result
        case int() | float() | Decimal():
            return shown_number(result)
        case list() | tuple():
            return [canonical(item) for item in result]
        case dict():
            return {name: canonical(item) for name, item in result.items()}
        case _:
            raise TypeError(f"{result!r} has no place in a result")


def exactly(number: Fraction) -> int | Decimal:
    """A sum of integers and decimals as a number that has lost nothing."""
    if number.denominator == 1:
        return int(number)
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    return Decimal(int(number * 10**digits)).scaleb(-digits)
