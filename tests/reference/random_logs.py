"""Random logs rich in trouble: ties in time, days of 23 and 25 hours, pauses of 30 minutes, mixed types."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from tests.reference.dice import Dice
from tests.reference.log import Event, UserChange
from xingji.model.moments import EPOCH, to_us

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US
SESSION_US = 1800 * SECOND_US

ZONES = (
    "UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Havana"
)  # fmt: skip
ANCHORS = (
    "2026-01-05T00:00:00",  # a Monday; midnight in UTC
    "2026-01-31T16:00:00",  # midnight in Shanghai, and a month begins
    "2026-03-29T00:30:00",  # half an hour before Berlin's clocks go forward
    "2026-10-25T00:00:00",  # an hour before Berlin's go back
    "2026-03-08T06:30:00",  # half an hour before New York's go forward
    "2026-11-01T05:00:00",  # an hour before New York's go back
    "2026-03-08T04:30:00",  # half an hour before Havana's Sunday begins, at one o'clock
    "2025-12-31T23:00:00",  # the last hour of a year
)
PAUSES_US = (
    0, 1, SECOND_US, 10 * SECOND_US, 60 * SECOND_US, 600 * SECOND_US,
    SESSION_US - 1, SESSION_US, SESSION_US + 1, HOUR_US, 6 * HOUR_US,
    DAY_US - 1, DAY_US, DAY_US + 1, 2 * DAY_US, 7 * DAY_US, 14 * DAY_US, 14 * DAY_US + 1,
)  # fmt: skip
USERS = ("u1", "u2", "u3", "用户", "é")
EVENTS = ("a", "b", "c")
UNKNOWN_EVENT = "never"

EVENT_VALUES: dict[str, tuple[object, ...]] = {
    "k": ("x", "y", "z", "X", ""),
    "mix": (1, 1.0, "1", True, False, 2, "x", ["x", 1], {"o": [1]}, 0.5, "2026-01-05"),
    "n": (0, 1, 2, -3, 10, 7, 9_007_199_254_740_993),
    "amount": (Decimal("0.10"), Decimal("0.20"), Decimal("1.00"), Decimal("-5.25"), Decimal("12345678.90")),
    "score": (0.1, 0.2, 0.3, 1e16, -1e16, 3.0, -0.7, 1e300),
    "at": tuple(EPOCH + dt.timedelta(days=20_450 + n, hours=n) for n in range(5)),
    "day": ("2026-01-05", "2026-01-05T08:00:00+08:00", "2026-03-29T01:00:00Z", "soon"),
    "app": ("A1", "A1", "A2", "A3", 1, 1.0, "1"),
    "path": ("/a", "/a/", "/", "/loan/x", "/loan/y/", "//", ""),
}
ORIGINS = ("client", "server", "batch")
USER_VALUES: dict[str, tuple[object, ...]] = {
    "city": ("北京", "上海", None),
    "level": (1, 2, 3.5, "1", None),
    "since": ("2026-01-01T00:00:00Z", "2026-03-29", None),
}


@dataclass(frozen=True)
class RandomLog:
    """A log, what is known of its users, and the instant around which it was made."""

    events: list[Event]
    users: list[UserChange]
    anchor_us: int


def make_log(dice: Dice, n_users: int = 5, n_events: int = 14) -> RandomLog:
    """A log of up to so many users with up to so many events each."""
    anchor_us = to_us(dt.datetime.fromisoformat(dice.pick(ANCHORS)).replace(tzinfo=dt.UTC))
    found: list[Event] = []
    n_named = 0 if dice.chance(5) else dice.integer(1, min(n_users, len(USERS)))
    for user in USERS[:n_named]:
        found += _events_of(dice, user, anchor_us, n_events)
    for number in range(len(USERS), n_users):
        found += _events_of(dice, f"u{number:03}", anchor_us, n_events)
    shuffled = [found.pop(dice.integer(0, len(found) - 1)) for _ in range(len(found))]
    events = [Event(e.user, e.event, e.time_us, seq, e.properties) for seq, e in enumerate(shuffled)]
    return RandomLog(events, _changes(dice, anchor_us), anchor_us)


def _events_of(dice: Dice, user: str, anchor_us: int, n_events: int) -> list[Event]:
    time_us = anchor_us + dice.pick((0, -DAY_US, DAY_US, -HOUR_US, 1, -1))
    found = []
    for _ in range(dice.integer(2, n_events)):
        found.append(Event(user, dice.pick(EVENTS), time_us, 0, _properties(dice)))
        time_us += dice.pick(PAUSES_US[:9] if dice.chance(60) else PAUSES_US)
    return found


def _properties(dice: Dice) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, values in EVENT_VALUES.items():
        if dice.chance(60):
            found[name] = dice.pick(values)
    if dice.chance(25):
        found["$origin"] = dice.pick(ORIGINS)
    if dice.chance(5):
        found["n"] = dice.pick((0.25, "many", None))
    return found


def _changes(dice: Dice, anchor_us: int) -> list[UserChange]:
    found = []
    for user in (*USERS[:3], "nobody"):
        for name, values in USER_VALUES.items():
            for _ in range(dice.integer(0, 2)):
                time_us = anchor_us + dice.pick((-DAY_US, 0, 1, SECOND_US, SESSION_US, DAY_US))
                found.append(UserChange(user, time_us, name, dice.pick(values)))
    return found
