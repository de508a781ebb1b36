"""Figures that are exact, or rounded once: means, medians, percentiles and sums."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from xingji.analysis.values import number_to_json
from xingji.lake.part import Int64s

Number = int | float | Decimal
_LARGEST = Fraction(sys.float_info.max)


def mean_seconds(total_us: int, count: int) -> float | None:
    """The mean of times in µs, as seconds; None of nothing."""
    return total_us / (count * 1_000_000) if count else None


def median_seconds(times_us: Int64s) -> float | None:
    """The median of times in µs, as seconds; None of nothing."""
    n = len(times_us)
    if not n:
        return None
    middle = np.partition(times_us, [(n - 1) // 2, n // 2])
    return (int(middle[(n - 1) // 2]) + int(middle[n // 2])) / 2_000_000


def ratio(part: int, whole: int) -> float | None:
    """part / whole; None when the whole is zero."""
    return part / whole if whole else None


def weighted_sum(values: Sequence[Number], counts: Sequence[int]) -> int | float | Decimal | None:
    """The sum of each value times its count: exact for integers and decimals, rounded once where a float is
    among them; None of floats beyond the largest there is."""
    total = sum((Fraction(value) * count for value, count in zip(values, counts, strict=True)), Fraction(0))
    if any(isinstance(value, float) for value in values):
        return number_to_json(float(total)) if abs(total) <= _LARGEST else None
    return number_to_json(_decimal(total))


def _decimal(total: Fraction) -> int | Decimal:
    """A sum of decimals as a decimal (its denominator divides a power of ten)."""
    if total.denominator == 1:
        return int(total)
    digits = 1
    while (10**digits) % total.denominator:
        digits += 1
    return Decimal(total.numerator * 10**digits // total.denominator).scaleb(-digits)


def weighted_mean(values: Sequence[Number], counts: Sequence[int]) -> float | int | None:
    """The mean of each value taken count times, rounded once; None of nothing."""
    count = sum(counts)
    if not count:
        return None
    total = sum((Fraction(value) * times for value, times in zip(values, counts, strict=True)), Fraction(0))
    return number_to_json(float(total / count))  # type: ignore[return-value]


def weighted_percentile(values: Sequence[Number], counts: Sequence[int], share: Fraction) -> Number | None:
    """The percentile of each value (rising) taken count times, by linear interpolation between neighbours."""
    n = sum(counts)
    if not n:
        return None
    place = share * (n - 1)
    low = int(place)
    first, second = _at(values, counts, low), _at(values, counts, min(low + 1, n - 1))
    exact = Fraction(first) + (Fraction(second) - Fraction(first)) * (place - low)
    return number_to_json(float(exact))


def _at(values: Sequence[Number], counts: Sequence[int], index: int) -> Number:
    for value, count in zip(values, counts, strict=True):
        if index < count:
            return value
        index -= count
    raise IndexError(index)
