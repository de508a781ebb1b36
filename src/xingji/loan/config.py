"""What a simulation is asked for, and the instants that follow from it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from xingji.loan.arrays import DAY_MS, HOUR_MS

SHANGHAI_OFFSET_MS = 8 * HOUR_MS  # Asia/Shanghai keeps no summer time

# Measured: events a person stands for in d days are 0.446 d + 0.0006 d² (loans add up); the fraud ring,
# at work from T-30 to T-9, makes as many however many people there are.
_PER_DAY, _PER_DAY_SQUARED = 0.446, 0.0006
_RING_EVENTS, _RING_DAYS, _RING_ENDS_BEFORE = 7_000, 21, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """A simulated bank: ``days`` full days before ``today`` and the hours of today that have passed.

    ``today`` is a day in Asia/Shanghai; the data ends (``as_of``) at ``hour_of_today`` o'clock.
    ``events`` is met within a tenth by choosing how many people there are, never by changing what they do.

    Raises:
        ValueError: ``today`` not in 1990..2199, ``days`` not in 7..400, ``events`` under 20,000, ``seed``
            below 0 or ``hour_of_today`` not in 0..23.
    """

    today: dt.date
    seed: int = 20260101
    days: int = 90
    events: int = 3_000_000
    hour_of_today: int = 10

    def __post_init__(self) -> None:
        if not 1990 <= self.today.year <= 2199:
            raise ValueError(f"today is {self.today}; allowed: 1990-01-01 to 2199-12-31")
        for name, value, low, high in (
            ("days", self.days, 7, 400),
            ("events", self.events, 20_000, 10_000_000_000),
            ("seed", self.seed, 0, 10**18),
            ("hour_of_today", self.hour_of_today, 0, 23),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; allowed: {low} to {high}")

    @property
    def first_day(self) -> dt.date:
        """The first simulated day, ``days`` before today."""
        return self.today - dt.timedelta(days=self.days)

    @property
    def start_ms(self) -> int:
        """Midnight in Asia/Shanghai at which the first day begins, as epoch milliseconds."""
        return (self.first_day - dt.date(1970, 1, 1)).days * DAY_MS - SHANGHAI_OFFSET_MS

    @property
    def as_of_ms(self) -> int:
        """The instant at which the data ends; events at or after it have not happened."""
        return self.midnight_ms(self.days) + self.hour_of_today * HOUR_MS

    def midnight_ms(self, day: int) -> int:
        """Epoch milliseconds of the midnight that begins day number ``day`` (0 is the first, ``days``
        is today)."""
        return self.start_ms + day * DAY_MS

    def day_before(self, days_ago: int) -> int:
        """The day number of T - ``days_ago``; negative if before the data."""
        return self.days - days_ago

    @property
    def people(self) -> int:
        """How many people it takes to make ``events``."""
        each = _PER_DAY * self.days + _PER_DAY_SQUARED * self.days**2
        ring_days = min(max(self.days - _RING_ENDS_BEFORE, 0), _RING_DAYS)
        return max(round((self.events - _RING_EVENTS * ring_days / _RING_DAYS) / each), 200)
