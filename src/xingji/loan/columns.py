"""From codes and numbers to Arrow: dictionaries, fixed-width keys, decimals, flags, with nulls as bitmaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xingji.loan.arrays import I64, U8, Column, Mask
from xingji.loan.plan import MONEY

CODED = pa.dictionary(pa.int16(), pa.string())


def bitmap(valid: Mask) -> pa.Buffer:
    """Arrow's validity bits of a mask."""
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def coded(codes: Column, values: pa.StringArray) -> pa.Array:
    """A dictionary column from codes; negative ones are null."""
    return pa.DictionaryArray.from_arrays(_nullable(codes, np.int16, pa.int16(), codes >= 0), values)


def whole(values: Column) -> pa.Array:
    """Non-negative integers; negative ones are null."""
    return _nullable(values, np.int64, pa.int64(), values >= 0)


def floating(values: Column) -> pa.Array:
    """Floats; NaN is null."""
    return _nullable(values, np.float64, pa.float64(), ~np.isnan(values))


def flags(values: Column) -> pa.Array:
    """Booleans from 0 and 1; negative ones are null."""
    valid = values >= 0
    buffers = [None if valid.all() else bitmap(valid), bitmap(values > 0)]
    return pa.Array.from_buffers(pa.bool_(), len(values), buffers)


def money(fen: Column) -> pa.Array:
    """Two-place decimals from hundredths; negative ones are null."""
    valid = fen >= 0
    words = np.zeros((len(fen), 2), np.int64)
    words[:, 0] = np.where(valid, fen, 0)
    buffers = [None if valid.all() else bitmap(valid), pa.py_buffer(words)]
    return pa.Array.from_buffers(MONEY, len(fen), buffers)


def instants(time_ms: I64) -> pa.Array:
    """UTC timestamps in microseconds from epoch milliseconds; negative ones are null."""
    return _nullable(time_ms * 1_000, np.int64, pa.timestamp("us", tz="UTC"), time_ms >= 0)


def _nullable(values: Column, dtype: type, kind: pa.DataType, valid: Mask) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(values, dtype))
    return pa.Array.from_buffers(kind, len(values), [None if valid.all() else bitmap(valid), data])


def texts(rows: U8, valid: Mask | None = None) -> pa.StringArray:
    """Strings from a byte matrix [rows, width]; rows that are not valid are null."""
    n, width = rows.shape
    if valid is None or valid.all():
        offsets = np.arange(n + 1, dtype=np.int32) * width
        return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows)))
    offsets = np.zeros(n + 1, np.int32)
    np.cumsum(np.where(valid, width, 0), out=offsets[1:])
    data = pa.py_buffer(np.ascontiguousarray(rows[valid]))
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), data, bitmap(valid))


def digits(numbers: Column, width: int) -> U8:
    """Decimal digits of non-negative numbers as bytes [rows, width], with leading zeros."""
    out = np.empty((len(numbers), width), np.uint8)
    rest = numbers.astype(np.int64)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, place] = digit + 48
    return out


@dataclass(frozen=True)
class KeyStyle:
    """How numbered things are named: a prefix and so many digits."""

    prefix: str
    width: int

    def spell(self, numbers: Column) -> U8:
        """Names as bytes [rows, len(prefix) + width]."""
        head = np.frombuffer(self.prefix.encode(), np.uint8)
        return np.concatenate(
            [np.broadcast_to(head, (len(numbers), len(head))), digits(numbers, self.width)], axis=1
        )

    def name(self, number: int) -> str:
        """One name."""
        return f"{self.prefix}{number:0{self.width}d}"


CUSTOMER_KEY = KeyStyle("C", 9)
DEVICE_KEY = KeyStyle("D", 9)
ANONYMOUS_KEY = KeyStyle("A", 9)
LOGIN_KEY = KeyStyle("U", 9)
OPENID_KEY = KeyStyle("o", 9)
APPLICATION_KEY = KeyStyle("APP", 14)
LINE_KEY = KeyStyle("CL", 14)
LOAN_KEY = KeyStyle("LN", 16)
REPAYMENT_KEY = KeyStyle("LN", 19)
