"""Visits: one person on one device for some minutes, made of blocks that follow one another in a fixed
order."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from xingji.loan.arrays import DAY_MS, I8, I32, I64, NONE, Column, Ints, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.devices import Devices
from xingji.loan.dice import Dice
from xingji.loan.people import People

BLOCKS = (
    "open",
    "home",
    "scan",
    "channel",
    "detail",
    "estimate",
    "detail2",
    "login",
    "security",
    "apply",
    "sign",
    "draw",
    "my_loans",
    "repay",
    "consent",
    "service",
    "close",
)
(OPEN, HOME_PAGE, SCAN, CHANNEL_PAGE, DETAIL_PAGE, ESTIMATE_PAGE, DETAIL2, LOGIN, SECURITY, APPLY, SIGN_PAGE,
 DRAW_PAGE, LOANS_PAGE, REPAY_PAGE, CONSENT, SERVICE_PAGE, CLOSE) = range(len(BLOCKS))  # fmt: skip


def bit(*blocks: int) -> int:
    """The bits of some blocks."""
    return sum(1 << block for block in blocks)


NEEDS_LOGIN = bit(APPLY, SIGN_PAGE, DRAW_PAGE, LOANS_PAGE, REPAY_PAGE, SECURITY)
ANONYMOUS, KEPT, ENTERS = 0, 1, 2  # how a visit is logged in: not, from the start, by its login block


@dataclass(frozen=True)
class Visits:
    """One row per visit; ``key`` is its number for ever. ``app``, ``draw``, ``repay`` point at what is
    done in it."""

    key: I64
    person: I32
    device: I32
    start_ms: I64
    bits: I32
    mode: I8
    product: I8
    channel: I8
    app: I32
    draw: I32
    repay: I32
    reach: I32

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Column) -> Visits:
        """Some of the rows."""
        return Visits(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


class VisitBook:
    """Collects visits as they are planned and numbers them."""

    def __init__(self, config: SimulationConfig, dice: Dice, people: People, devices: Devices) -> None:
        self.config, self.dice, self.people, self.devices = config, dice, people, devices
        self._chunks: list[Visits] = []
        self._next = 0

    def day_of(self, time_ms: Ints) -> I64:
        """Day numbers of instants."""
        return np.asarray((time_ms - self.config.start_ms) // DAY_MS, np.int64)

    def add(self, person: Ints, start_ms: Ints, bits: Ints | int, **more: Ints | int) -> Visits:
        """Plan visits; device and channel are drawn where not given, the login block is added as needed."""
        n = len(person)
        key = np.arange(self._next, self._next + n, dtype=np.int64)
        self._next += n
        who: I32 = np.asarray(person, np.int32)
        device = more.pop("device", None)
        if device is None:
            device = self.devices.choose(self.dice, "device", key, who, self.day_of(start_ms))
        channel = more.pop("channel", None)
        if channel is None:
            channel = self._channels(key, who)
        full = _filled(n, bits, np.int32)
        mode, full = self._login(key, who, np.asarray(device), full)
        rows = Visits(
            key=key,
            person=who,
            device=np.asarray(device, np.int32),
            start_ms=np.asarray(start_ms, np.int64),
            bits=full,
            mode=mode,
            channel=_filled(n, channel, np.int8),
            product=_filled(n, more.pop("product", self.people.favourite[who]), np.int8),
            app=_filled(n, more.pop("app", NONE), np.int32),
            draw=_filled(n, more.pop("draw", NONE), np.int32),
            repay=_filled(n, more.pop("repay", NONE), np.int32),
            reach=_filled(n, more.pop("reach", NONE), np.int32),
        )
        if more:
            raise TypeError(f"unknown columns of a visit: {sorted(more)}")
        self._chunks.append(rows)
        return rows

    def rows(self) -> Visits:
        """All visits so far; row number and key are the same."""
        parts = {f.name: np.concatenate([getattr(c, f.name) for c in self._chunks]) for f in fields(Visits)}
        self._chunks = [Visits(**parts)]
        return self._chunks[0]

    def _channels(self, key: I64, person: I32) -> I8:
        own = self.people.channel[person]
        other = self.people.channel[self.dice.between("channel of", key, 0, len(self.people))]
        return np.where(self.dice.chance("own channel", key, 0.8), own, other).astype(np.int8)

    def _login(self, key: I64, person: I32, device: I32, bits: I32) -> tuple[I8, I32]:
        kept = self.devices.remembered[device] & (self.devices.owner[device] == person)
        needed = (bits & NEEDS_LOGIN) != 0
        wanted = self.dice.chance("voluntary login", key, 0.30) & (self.people.kind[person] >= 2)
        enters = ~kept & (needed | wanted | ((bits & bit(LOGIN)) != 0))
        mode = np.where(kept, KEPT, np.where(enters, ENTERS, ANONYMOUS)).astype(np.int8)
        return mode, np.where(enters, bits | bit(LOGIN), bits & ~bit(LOGIN)).astype(np.int32)


def _filled(n: int, value: Ints | int, dtype: type) -> Column:
    return np.full(n, value, dtype) if np.isscalar(value) else np.asarray(value, dtype)


def has(visits: Visits, block: int) -> Mask:
    """Which visits hold a block."""
    return (visits.bits >> block & 1).astype(np.bool_)


@dataclass(frozen=True)
class Calling:
    """What the whole of a device's visits says about each of them.

    ``session_no``: running number on its device. ``is_first_day``: the device's first day of a new person.
    ``first_login``: per device the visit that logged in first, in log order (``NONE``: never).
    """

    session_no: I32
    is_first_day: I8
    first_login: I64


def number_visits(
    config: SimulationConfig, visits: Visits, people: People, login_ms: I64, devices: int
) -> Calling:
    """Order each device's visits in time. ``login_ms``: since when a visit is logged in (a far future:
    never)."""
    order = np.lexsort((visits.start_ms, visits.device))
    device = visits.device[order]
    first = np.r_[True, device[1:] != device[:-1]]
    starts = np.flatnonzero(first)
    session_no = np.empty(len(order), np.int32)
    session_no[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    day = (visits.start_ms - config.start_ms) // DAY_MS
    first_day = np.full(devices, np.iinfo(np.int64).max)
    first_day[device[starts]] = day[order][starts]
    fresh = (day == first_day[visits.device]) & (people.kind[visits.person] < 2)
    logged = np.lexsort((login_ms, visits.device))
    head = logged[np.r_[True, visits.device[logged][1:] != visits.device[logged][:-1]]]
    first_login = np.full(devices, NONE, np.int64)
    known = head[login_ms[head] < config.as_of_ms]
    first_login[visits.device[known]] = known
    return Calling(session_no, fresh.astype(np.int8), first_login)
