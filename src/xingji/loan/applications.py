"""Applications: who applies for what, when and through whom; the table every later decision writes into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xingji.loan.arrays import DAY_MS, HOUR_MS, I8, I16, I32, I64, NONE, Column, Mask, rank_within
from xingji.loan.config import SHANGHAI_OFFSET_MS, SimulationConfig
from xingji.loan.devices import Devices
from xingji.loan.dice import Dice
from xingji.loan.incidents import RING
from xingji.loan.people import BORROWER, CUSTOMER, NEWCOMER, VISITOR, People
from xingji.loan.vocabulary import code
from xingji.loan.workdays import DayTable, hour_weights

FORM, OCR, REALNAME, FACE, CREDIT, EXTRA, SUBMIT = range(7)
STAGES = 7
FORM_PAGES = 4
TRIES = 3
FACE_LEFT_MS = 1_000  # from the last face check to the end of its stage
CREDIT_LEFT_MS = 900

# How often people of each kind apply, in the whole window of 90 days
_RATE = {VISITOR: 0.0, NEWCOMER: 0.46, CUSTOMER: 0.44, BORROWER: 0.36}
_MANAGER, _BRANCH = code("channel", "manager_referral"), code("channel", "branch")


def _table(n: int, width: int, value: int = NONE, dtype: type = np.int64) -> Column:
    return np.full((n, width) if width else n, value, dtype)


@dataclass
class Applications:
    """One row per application, those whose life precedes the window first (``historic`` of them).

    Times are epoch ms, amounts fen, ``NONE`` where it did not happen. ``begin``, ``end``, ``visit``:
    [rows, STAGES].
    ``number``: the 14 digits of its id. ``end_stage``: where it stopped; ``end_failed``: by a failed check.
    """

    person: I32
    product: I8
    channel: I8
    manager: I16
    start_ms: I64
    start_visit: I64
    historic: int
    ring: Mask
    burst: Mask
    number: I64 = field(init=False)
    first_apply: I8 = field(init=False)
    resume_ms: I64 = field(init=False)
    resume_visit: I64 = field(init=False)
    resume_stage: I8 = field(init=False)
    span_ms: I64 = field(init=False)
    resume_span_ms: I64 = field(init=False)
    begin: I64 = field(init=False)
    end: I64 = field(init=False)
    visit: I64 = field(init=False)
    end_stage: I8 = field(init=False)
    end_failed: Mask = field(init=False)
    cancel_ms: I64 = field(init=False)
    form_done: I8 = field(init=False)
    fill_seconds: I16 = field(init=False)
    ocr_tries: I8 = field(init=False)
    ocr_error: I8 = field(init=False)
    ocr_ms: I32 = field(init=False)
    realname_fail: I8 = field(init=False)
    face_tries: I8 = field(init=False)
    face_fail: I8 = field(init=False)
    face_ms: I32 = field(init=False)
    credit_tries: I8 = field(init=False)
    credit_result: I8 = field(init=False)
    credit_read: I16 = field(init=False)
    extra_result: I8 = field(init=False)
    amount_fen: I64 = field(init=False)
    term_months: I16 = field(init=False)
    purpose: I8 = field(init=False)
    decided_ms: I64 = field(init=False)
    approved: Mask = field(init=False)
    approved_fen: I64 = field(init=False)
    rate_bp: I16 = field(init=False)
    manual: Mask = field(init=False)
    reject_group: I8 = field(init=False)
    score_band: I8 = field(init=False)
    valued_ms: I64 = field(init=False)
    valuation_manual: Mask = field(init=False)
    sign_visit: I64 = field(init=False)
    signed_ms: I64 = field(init=False)
    sign_fail: I8 = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.person)
        for name in ("resume_ms", "resume_visit", "cancel_ms", "amount_fen", "decided_ms", "approved_fen",
                     "valued_ms", "sign_visit", "signed_ms", "number"):  # fmt: skip
            setattr(self, name, _table(n, 0))
        for name in ("span_ms", "resume_span_ms"):
            setattr(self, name, _table(n, 0, 0))
        for name in ("begin", "end", "visit"):
            setattr(self, name, _table(n, STAGES))
        for name in ("resume_stage", "realname_fail", "credit_result", "extra_result", "reject_group",
                     "score_band", "purpose", "sign_fail"):  # fmt: skip
            setattr(self, name, _table(n, 0, NONE, np.int8))
        for name in ("end_stage", "form_done", "ocr_tries", "face_tries", "credit_tries"):
            setattr(self, name, _table(n, 0, 0, np.int8))
        for name in ("end_failed", "approved", "manual", "valuation_manual"):
            setattr(self, name, np.zeros(n, np.bool_))
        self.first_apply = np.zeros(n, np.int8)
        self.fill_seconds = _table(n, FORM_PAGES, NONE, np.int16)
        self.ocr_error, self.face_fail = (_table(n, TRIES, NONE, np.int8) for _ in range(2))
        self.ocr_ms, self.face_ms = (_table(n, TRIES, NONE, np.int32) for _ in range(2))
        self.credit_read = _table(n, 0, NONE, np.int16)
        self.term_months, self.rate_bp = (_table(n, 0, NONE, np.int16) for _ in range(2))

    def __len__(self) -> int:
        return len(self.person)

    def passed(self, stage: int) -> Mask:
        """Which applications got through a stage inside the window."""
        return np.asarray((self.end_stage > stage) & (self.end[:, stage] != NONE), np.bool_)

    @property
    def submitted_ms(self) -> I64:
        """When each was submitted."""
        return np.where(self.passed(SUBMIT), self.end[:, SUBMIT], NONE)

    @property
    def realname_ms(self) -> I64:
        """When the register answered (``NONE``: never asked)."""
        begin, end = self.begin[:, REALNAME], self.end[:, REALNAME]
        return np.where(end != NONE, begin + (end - begin) // 2, NONE)

    @property
    def face_passed_ms(self) -> I64:
        """When the face was recognised."""
        return np.where(self.passed(FACE), self.end[:, FACE] - FACE_LEFT_MS, NONE)

    @property
    def credit_ms(self) -> I64:
        """When the credit authorisation was answered."""
        return np.where(self.end[:, CREDIT] != NONE, self.end[:, CREDIT] - CREDIT_LEFT_MS, NONE)

    def name_all(self) -> None:
        """Give every application its number: the day in Asia/Shanghai and a running number within it."""
        self.number = numbers_of(self.start_ms, 6)
        order = np.lexsort((self.start_ms, self.person))
        first = np.r_[True, self.person[order][1:] != self.person[order][:-1]]
        self.first_apply[order] = first


def numbers_of(time_ms: I64, running_digits: int) -> I64:
    """Numbers made of the Asia/Shanghai date of an instant and a running number within the day, in time
    order."""
    day = (time_ms + SHANGHAI_OFFSET_MS) // DAY_MS
    order = np.argsort(time_ms, kind="stable")
    running = np.empty(len(day), np.int64)
    running[order] = rank_within(day[order]) + 1
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    years = months.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    dom = day - months.astype("datetime64[D]").astype(np.int64) + 1
    return np.asarray(((years * 100 + month) * 100 + dom) * 10**running_digits + running, np.int64)


@dataclass(frozen=True)
class Starts:
    """Who starts an application when: ``at_ms`` is when its visit begins."""

    person: I32
    at_ms: I64
    product: I8
    channel: I8
    ring: Mask


def choose_starts(config: SimulationConfig, dice: Dice, people: People, days: DayTable) -> Starts:
    """The usual applicants over the window, the burst's on its days, the ring's by night."""
    ids = np.arange(len(people), dtype=np.int64)
    rate = np.array([_RATE[kind] for kind in range(4)])[people.kind] * config.days / 90
    rate = np.where(people.burst, np.where(people.kind == NEWCOMER, 0.55, 0.0), rate)
    rate[people.ring] = 0.0
    count = np.floor(rate + dice.uniform("applies", ids)).astype(np.int64)
    person = np.repeat(ids, count)
    key = np.arange(len(person), dtype=np.int64)
    day = _days(dice, people, days, key, person)
    at = config.midnight_ms(0) + day * DAY_MS + _moments(dice, "apply", key)
    product = np.where(dice.chance("favourite taken", key, 0.72), people.favourite[person],
                       dice.pick("product", key, np.array([0.42, 0.22, 0.10, 0.12, 0.14])))  # fmt: skip
    other = people.channel[dice.between("channel of applicant", key, 0, len(people))]
    own = dice.chance("own channel", key, 0.75) | people.burst[person]
    channel = np.where(own, people.channel[person], other)
    ring_person, ring_at = _ring(config, dice, people)
    nobody = np.zeros(len(ring_person), np.int8)
    return Starts(
        np.concatenate([person, ring_person]).astype(np.int32),
        np.concatenate([at, ring_at]),
        np.concatenate([product, nobody]).astype(np.int8),
        np.concatenate([channel, nobody + code("channel", "partner")]).astype(np.int8),
        np.concatenate([np.zeros(len(person), np.bool_), np.ones(len(ring_person), np.bool_)]),
    )


def _days(dice: Dice, people: People, days: DayTable, key: I64, person: I64) -> I64:
    """A day no earlier than the person's first, with the weight of the day; the burst's people come on
    their day."""
    edges = np.r_[0.0, np.cumsum(days.apply)]
    low = edges[people.first_day[person]]
    u = low + dice.uniform("apply day", key) * (edges[-1] - low)
    day = np.minimum(np.searchsorted(edges, u, side="right") - 1, len(days.dates) - 1)
    return np.where(people.burst[person], people.first_day[person], day)


def _moments(dice: Dice, name: str, key: I64) -> I64:
    hour = dice.pick(f"{name} hour", key, hour_weights(name))
    return hour * HOUR_MS + dice.between(f"{name} moment", key, 0, HOUR_MS)


def _ring(config: SimulationConfig, dice: Dice, people: People) -> tuple[I64, I64]:
    """Each account once, in its device's queue, between one and five at night."""
    person = np.flatnonzero(people.ring).astype(np.int64)
    if not len(person):
        return person, person
    nights = RING.first - RING.last + 1
    turn = np.arange(len(person)) // RING.devices
    per_night = max(1, -(-(int(turn.max()) + 1) // nights))
    night = config.day_before(RING.first) + turn // per_night % nights
    slot = (RING.until_hour - RING.from_hour) * HOUR_MS // (per_night + 1)
    offset = RING.from_hour * HOUR_MS + (turn % per_night) * slot + dice.between("ring", person, 0, slot // 2)
    return person, config.midnight_ms(0) + night * DAY_MS + offset


def referred_by(people: People, person: I32, channel: I8) -> I16:
    """The customer manager who referred an application (``NONE`` without one); a ring has none."""
    referred = (channel == _MANAGER) | (channel == _BRANCH)
    return np.where(referred, people.manager[person], NONE).astype(np.int16)


def campaigns_of(channel: Column, burst: Mask) -> tuple[I8, I8]:
    """Advertising source and campaign that go with a channel."""
    source, campaign = (np.full(len(channel), NONE, np.int8) for _ in range(2))
    for name, source_name, campaign_name in (
        ("feed_ads", "feed_a", "feed_daily"),
        ("search_ads", "search_b", "search_brand"),
        ("partner", "partner_c", "partner_03"),
    ):
        held = channel == code("channel", name)
        source[held], campaign[held] = code("$utm_source", source_name), code("$utm_campaign", campaign_name)
    campaign[burst] = code("$utm_campaign", "feed_burst_01")
    source[burst] = code("$utm_source", "feed_b")
    return source, campaign


def devices_of_ring(devices: Devices, person: I32) -> I32:
    """The ring's device of each of its accounts: its only one."""
    return devices.link_device[devices.link_offset[person]]
