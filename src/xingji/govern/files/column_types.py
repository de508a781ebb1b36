"""Which type the column of each property has, decided once a file, and how single values fit it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from xingji.model.errors import FieldError
from xingji.model.event_table import MAX_PROMOTED, MONEY_TYPE, PROPERTY_TYPES, TIME_TYPE
from xingji.model.moments import parse_instant

STRING, INTEGER, FRACTION, BOOLEAN = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TEXT_COLUMN = pa.dictionary(pa.int32(), pa.string())
"""How text properties are handed on."""
NAME_LIMIT = 255
TEXT_LIMIT_BYTES = 5 << 20
DEPTH_LIMIT = 64
_OF_VALUE = {
    str: STRING,
    int: INTEGER,
    float: FRACTION,
    Decimal: FRACTION,
    bool: BOOLEAN,
    dt.datetime: TIME_TYPE,
}
_MONEY_TEXT = re.compile(r"-?\d{1,16}(\.\d+)?")
_MONEY_BOUND = Decimal(10) ** 16
_CENT = Decimal("0.01")


class Misfit:
    """The answer of `fitted` for a value that its column cannot hold."""


MISFIT = Misfit()


class ColumnTypes:
    """The types of a file's properties; those given by the caller come first and stay."""

    def __init__(self, given: Mapping[str, pa.DataType] | None = None) -> None:
        """Raises FieldError for a type that no property column has."""
        for name, kind in (given or {}).items():
            if kind not in PROPERTY_TYPES:
                raise FieldError(f"property_types[{name}]", str(kind), ", ".join(map(str, PROPERTY_TYPES)))
        self._types = dict(given or {})
        self.decisions: dict[str, pa.DataType | None] = {}
        """What was asked of `decide`, new since the beginning; None where the values said nothing."""

    def get(self, name: str) -> pa.DataType | None:
        """The type of a property, if it is decided."""
        return self._types.get(name)

    def decide(self, name: str, kind: pa.DataType | None) -> pa.DataType | None:
        """Give a new property its type; None when `MAX_PROMOTED` have one already and this stays JSON.

        `kind`: what its values stand for; None where that is nothing in particular, which decides nothing.
        """
        if name not in self._types:
            self.decisions[name] = kind
            if kind is not None and len(self._types) < MAX_PROMOTED:
                self._types[name] = kind
        return self._types.get(name)

    def known(self) -> dict[str, pa.DataType]:
        """The types decided so far."""
        return dict(self._types)

    def adopt(self, decisions: Mapping[str, pa.DataType | None]) -> bool:
        """Whether decisions made elsewhere are those that would be made here; they are made here then."""
        new = {name for name, kind in decisions.items() if kind is not None and name not in self._types}
        if len(self._types) + len(new) > MAX_PROMOTED:
            return False
        if any(self._types[name] != kind for name, kind in decisions.items() if name in self._types):
            return False
        for name, kind in decisions.items():
            self.decide(name, kind)
        return True

    @property
    def is_full(self) -> bool:
        """Whether no further property gets a column."""
        return len(self._types) >= MAX_PROMOTED

    @property
    def has_money(self) -> bool:
        """Whether any property is a fixed-point decimal, so that numbers must be read from their text."""
        return any(kind == MONEY_TYPE for kind in self._types.values())


def type_of_values(values: list[Any]) -> pa.DataType | None:
    """The type that values decide: that of the first plain one; a fraction among integers widens it.

    Lists, objects and integers beyond 64 bits decide nothing.
    """
    first = next((kind for value in values if (kind := _type_of(value)) is not None), None)
    if first == INTEGER and any(type(value) in (float, Decimal) for value in values):
        return FRACTION
    return first


def _type_of(value: Any) -> pa.DataType | None:
    if type(value) is int and not -(2**63) <= value < 2**63:
        return None
    return _OF_VALUE.get(type(value))


def fitted(value: Any, kind: pa.DataType) -> Any:
    """A value as its column holds it, or MISFIT; never cut or turned into another JSON type."""
    if kind == STRING:
        return value if isinstance(value, str) else MISFIT
    if kind == BOOLEAN:
        return value if isinstance(value, bool) else MISFIT
    if isinstance(value, bool):
        return MISFIT
    if kind == INTEGER:
        return value if isinstance(value, int) and -(2**63) <= value < 2**63 else MISFIT
    if kind == FRACTION:
        return _fraction(value)
    return _money(value) if kind == MONEY_TYPE else _instant(value)


def _fraction(value: Any) -> Any:
    if not isinstance(value, int | float | Decimal):
        return MISFIT
    try:
        number = float(value)
    except OverflowError:
        return MISFIT
    return number if math.isfinite(number) else MISFIT


def _money(value: Any) -> Any:
    """Whole cents below 10^16, from a number or from its text."""
    text = str(value) if isinstance(value, str | int | float) else None
    if text is not None and not _MONEY_TEXT.fullmatch(text):
        return MISFIT
    try:
        amount = value if text is None else Decimal(text)
        return (
            amount.quantize(_CENT)
            if abs(amount) < _MONEY_BOUND and amount == amount.quantize(_CENT)
            else MISFIT
        )
    except (InvalidOperation, TypeError, AttributeError):
        return MISFIT


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        value = parse_instant(value)
    return value if isinstance(value, dt.datetime) else MISFIT


def depth_of(value: object) -> int:
    """How deep lists and objects are nested: 0 for a plain value, 1 for a list of plain ones."""
    depth, level = 0, [value]
    while level := [inner for outer in level if isinstance(outer, list | dict) for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(outer: list[object] | dict[object, object]) -> Iterable[object]:
    return outer.values() if isinstance(outer, dict) else outer
