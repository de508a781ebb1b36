"""Means and medians without an error in between: exact fractions, rounded once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tests.reference.values import exactly

Number = int | float | Decimal


def mean(values: Sequence[Number]) -> float | None:
    """The mean; None of nothing."""
    return float(sum(map(Fraction, values), Fraction(0)) / len(values)) if values else None


def percentile(values: Sequence[Number], percent: int) -> float | None:
    """The percentile with linear interpolation between the two nearest values; None of nothing."""
    if not values:
        return None
    rising = sorted(map(Fraction, values))
    place = Fraction(percent * (len(rising) - 1), 100)
    low = int(place)
    high = min(low + 1, len(rising) - 1)
    return float(rising[low] + (rising[high] - rising[low]) * (place - low))


def total(values: Sequence[Number]) -> Number | None:
    """The sum: exact of integers and decimals, correctly rounded where a float is among them."""
    exact = sum(map(Fraction, values), Fraction(0))
    if not any(isinstance(value, float) for value in values):
        return exactly(exact)
    return float(exact) if abs(exact) <= Fraction(sys.float_info.max) else None


def seconds(lengths_us: Sequence[int]) -> list[Fraction]:
    """Lengths in seconds, exactly."""
    return [Fraction(length_us, 1_000_000) for length_us in lengths_us]


def mean_seconds(lengths_us: Sequence[int]) -> float | None:
    """The mean of lengths in µs, in seconds."""
    return mean(seconds(lengths_us))


def median_seconds(lengths_us: Sequence[int]) -> float | None:
    """The median of lengths in µs, in seconds."""
    return percentile(seconds(lengths_us), 50)


def ratio(part: int, whole: int) -> float | None:
    """A share; None of nothing."""
    return float(Fraction(part, whole)) if whole else None
