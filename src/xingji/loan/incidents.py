"""The six planted incidents: when, to whom, how strongly. Days count back from the demonstration's today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import HOUR_MS, I64, MINUTE_MS, Mask
from xingji.loan.config import SimulationConfig


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time: from ``from_ms`` past the midnight of T-``first`` to ``until_ms`` past that of
    T-``last``."""

    first: int
    from_ms: int
    last: int
    until_ms: int

    def happens(self, config: SimulationConfig) -> bool:
        """Whether the whole spell lies in the simulated days."""
        return config.day_before(self.first) >= 0

    def begin_ms(self, config: SimulationConfig) -> int:
        """Epoch ms at which it begins."""
        return config.midnight_ms(config.day_before(self.first)) + self.from_ms

    def end_ms(self, config: SimulationConfig) -> int:
        """Epoch ms at which it has ended."""
        return config.midnight_ms(config.day_before(self.last)) + self.until_ms

    def covers(self, config: SimulationConfig, time_ms: I64) -> Mask:
        """Which instants fall into it."""
        if not self.happens(config):
            return np.zeros(len(time_ms), np.bool_)
        return (time_ms >= self.begin_ms(config)) & (time_ms < self.end_ms(config))


@dataclass(frozen=True, slots=True)
class OcrOutage:
    """I1: reading identity cards times out on one Android version."""

    spell: Spell = Spell(1, 9 * HOUR_MS, 1, 21 * HOUR_MS)
    platform: str = "android"
    app_version: str = "8.3.1"
    fail_rate: float = 0.65
    usual_fail_rate: float = 0.06


@dataclass(frozen=True, slots=True)
class SmsDelay:
    """I2: one carrier's verification codes arrive late."""

    spell: Spell = Spell(6, 18 * HOUR_MS, 6, 22 * HOUR_MS)
    operator: str = "中国联通"
    wait_seconds: float = 95.0
    usual_wait_seconds: float = 6.0
    expired: float = 0.55
    usual_expired: float = 0.08


@dataclass(frozen=True, slots=True)
class BrokenPage:
    """I3: the button of the credit authorisation page is dead in one browser."""

    spell: Spell = Spell(13, 0, 10, 24 * HOUR_MS)
    platform: str = "h5"
    browser: str = "UCBrowser"
    fail_rate: float = 0.97


@dataclass(frozen=True, slots=True)
class MarketingBurst:
    """I4: three days of feed advertising bring many and bad customers."""

    first: int = 75
    days: int = 3
    impressions: float = 6.0
    approval: float = 0.5
    first_overdue: float = 2.5
    people_per_person: float = 0.0245

    def happens(self, config: SimulationConfig) -> bool:
        """Whether its days are simulated."""
        return self.first_day(config) >= 0

    def first_day(self, config: SimulationConfig) -> int:
        """Day number of its first day."""
        return config.day_before(self.first)

    def people(self, config: SimulationConfig) -> int:
        """How many people it brings."""
        return round(config.people * self.people_per_person)


@dataclass(frozen=True, slots=True)
class DeviceRing:
    """I5: nine devices, about 160 accounts, by night."""

    first: int = 30
    last: int = 9
    devices: int = 9
    from_hour: int = 1
    until_hour: int = 5
    approved: int = 6

    def happens(self, config: SimulationConfig) -> bool:
        """Whether its days are simulated."""
        return self.first_day(config) >= 0

    def first_day(self, config: SimulationConfig) -> int:
        """Day number of its first night."""
        return config.day_before(self.first)

    def accounts(self, config: SimulationConfig) -> int:
        """How many accounts it uses: 160 give or take the seed."""
        return 156 + config.seed % 9


@dataclass(frozen=True, slots=True)
class Takeover:
    """I6: three customers' accounts are taken over in one night."""

    spell: Spell = Spell(4, 2 * HOUR_MS + 10 * MINUTE_MS, 4, 3 * HOUR_MS + 5 * MINUTE_MS)
    victims: int = 3
    complaint_day: int = 3


OCR, SMS, PAGE, BURST, RING, TAKEOVER = (
    OcrOutage(), SmsDelay(), BrokenPage(), MarketingBurst(), DeviceRing(), Takeover(),
)  # fmt: skip
