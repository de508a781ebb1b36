"""Values of properties across parts and buckets: one code for equal values, one order, one way into JSON."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterable, Sequence, Sized
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from xingji.lake.part import Dictionary, Int64s
from xingji.model.moments import iso, parse_instant, to_us

Value = Any
"""A typed value: None, bool, int, float, Decimal, str, `Instant`, or `Document`."""


class Instant(int):
    """µs since the epoch, as the value of a time-typed property."""


class Document(str):
    """The JSON text of a list or object, as the value of a property."""


def values_of(chunk: pa.Array) -> list[Value]:
    """The python values of one chunk of a dictionary."""
    kind = chunk.type
    if pa.types.is_timestamp(kind):
        return [Instant(us) for us in chunk.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()]
    if pa.types.is_binary(kind):
        return [Document(text.decode()) for text in chunk.to_pylist()]
    return list(chunk.to_pylist())


def canonical(value: Value) -> tuple[str, Value]:
    """A key that equal values share: 1, 1.0 and Decimal("1.00") are one number; "1" and true are others."""
    if value is None or isinstance(value, bool):
        return "b", value
    if isinstance(value, Instant):
        return "t", int(value)
    if isinstance(value, Document):
        return "d", str(value)
    if isinstance(value, str):
        return "s", value
    return "n", as_number(value)


def as_number(value: int | float | Decimal) -> int | Decimal:
    """A number as an integer where it is one, else as the decimal that its shortest text says."""
    if isinstance(value, int):
        return value
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return int(exact) if exact == exact.to_integral_value() else exact.normalize()


_RANK = {"b": 0, "n": 1, "s": 2, "t": 3, "d": 3}


def order_key(value: Value) -> tuple[int, Any]:
    """Sorts null < false < true < numbers < texts < others by JSON text."""
    kind, key = canonical(value)
    if kind == "b":
        return 0, -1 if key is None else int(key)
    return _RANK[kind], json.dumps(to_json(value), ensure_ascii=False) if _RANK[kind] == 3 else key


def to_json(value: Value) -> Any:
    """The value as JSON knows it: exact decimals become numbers, times ISO 8601."""
    if isinstance(value, Instant):
        return iso(value)
    if isinstance(value, Document):
        return json.loads(value)
    return number_to_json(value) if isinstance(value, float | Decimal | Fraction) else value


_LONG = 2**53
"""Doubles beyond this are written as such: their digits as an integer would say more than they hold."""


def number_to_json(value: int | float | Decimal | Fraction) -> int | float | Decimal:
    """An integer where it is one, else a float where its text says the same, else the decimal itself."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        rounded = float(value)
        return rounded if Decimal(repr(rounded)) == value else value.normalize()
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _LONG
    return int(value) if whole else value


_LOT = 1 << 15
"""Values that are given codes at once: a question of millions of them can be stopped between two lots."""


class ValueTable:
    """One code for each distinct value met in a query; code 0 is missing; safe to share between threads.

    `by_type`: a double keeps apart from the decimal of the same text, which is another number to add up.
    """

    def __init__(self, by_type: bool = False) -> None:
        self._by_type = by_type
        self.has_doubles = False
        self.values: list[Value] = [None]
        self._texts: dict[str, int] = {}
        self._codes: dict[tuple[str, Value], int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.values)

    def encode(self, dictionary: Dictionary, watch: Callable[[Sized], object] = len) -> Int64s:
        """The codes of a dictionary's values: `int64[len(dictionary)]`, [0] is missing.

        `watch` is shown the table after every lot of values, and may raise.
        """
        codes = [0]
        with self._lock:
            for chunk in dictionary.chunks:
                for begin in range(0, len(chunk), _LOT):
                    codes.extend(self._codes_of(chunk[begin : begin + _LOT]))
                    watch(self)
        return np.array(codes, np.int64)

    def _codes_of(self, chunk: pa.Array) -> Iterable[int]:
        if pa.types.is_string(chunk.type):
            return self._text_codes(chunk.to_pylist())
        return map(self._code, values_of(chunk))

    def code_of(self, value: Value) -> int | None:
        """The code of a value that was met; None if it was not."""
        if value is None:
            return 0
        if type(value) is str:
            return self._texts.get(value)
        return self._codes.get(canonical(value))

    def _text_codes(self, texts: Sequence[str]) -> list[int]:
        known, out = self._texts, []
        for text in texts:
            code = known.get(text)
            if code is None:
                code = known[text] = len(self.values)
                self.values.append(text)
            out.append(code)
        return out

    def _code(self, value: Value) -> int:
        key = canonical(value)
        if self._by_type and isinstance(value, float) and not value.is_integer():
            key, self.has_doubles = ("f", value), True
        if key not in self._codes:
            self._codes[key] = len(self.values)
            self.values.append(value)
        return self._codes[key]


def instant_of(value: Value) -> int | None:
    """µs of a value that is an instant: a time, or an ISO 8601 text."""
    if isinstance(value, Instant):
        return int(value)
    moment: dt.datetime | None = parse_instant(value) if type(value) is str else None
    return to_us(moment) if moment else None
