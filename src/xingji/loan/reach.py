"""Reaching people: batches with a control arm, what the channels report, who clicks, who wants no more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import DAY_MS, F64, HOUR_MS, I8, I16, I32, I64, MINUTE_MS, NONE
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.people import CUSTOMER, People
from xingji.loan.visits import CHANNEL_PAGE, CLOSE, DETAIL_PAGE, ESTIMATE_PAGE, OPEN, VisitBook, bit
from xingji.loan.vocabulary import codes
from xingji.loan.workdays import DayTable

SHARE_OF_PEOPLE = 0.0022  # of all people, per batch
BATCHES_PER_DAY = 3
TREATMENT, CONTROL = codes("arm", "treatment", "control")
DELIVERED, FAILED, BLOCKED, UNKNOWN = codes("status", "delivered", "failed", "blocked", "unknown")
SMS_WAY, CALL, PUSH, WECHAT = codes("reach_channel", "sms", "call", "push", "wechat")
_CHANNEL_OF = np.array(codes("channel", "sms", "outbound_call", "push", "wechat_oa"), np.int8)
_FAILS = np.array(
    [
        codes("fail_reason", "invalid_number", "blacklist", "freq_limit", "system"),
        codes("fail_reason", "no_answer", "refused", "invalid_number", "no_answer"),
        codes("fail_reason", "user_block", "system", "freq_limit", "user_block"),
        codes("fail_reason", "user_block", "freq_limit", "system", "user_block"),
    ]
)
_INTENT_HIGH, _INTENT_LOW, _INTENT_REFUSE, _INTENT_NONE = codes(
    "call_intent", "high", "low", "refuse", "none"
)
_MODES = np.array(codes("unsubscribe_mode", "reply_t", "call_refuse", "app_switch", "unfollow"), np.int8)


@dataclass(frozen=True)
class Reach:
    """One row per person in a batch; times are epoch ms, ``NONE`` where it did not happen.

    ``batches``: the batch numbers as text, indexed by ``batch``.
    """

    batches: tuple[str, ...]
    batch: I16
    person: I32
    way: I8
    arm: I8
    goal: I8
    product: I8
    submit_ms: I64
    receipt_ms: I64
    status: I8
    delay_seconds: F64
    fail: I8
    connected: I8
    call_seconds: F64
    intent: I8
    click_ms: I64
    click_visit: I64
    unsubscribe_ms: I64

    @property
    def channel(self) -> I8:
        """The channel code of each row's way."""
        return _CHANNEL_OF[self.way]

    @property
    def unsubscribe_mode(self) -> I8:
        """How people of each way say no."""
        return _MODES[self.way]


def plan_reach(
    config: SimulationConfig, dice: Dice, people: People, days: DayTable, book: VisitBook
) -> Reach:
    """Three batches a workday, one on other days; a tenth of each is kept untouched as control."""
    known = np.flatnonzero(people.kind >= CUSTOMER)
    size = max(round(config.people * SHARE_OF_PEOPLE), 4)
    day, turn = _calendar(days)
    batch = np.repeat(np.arange(len(day)), size)
    key = np.arange(len(batch), dtype=np.int64)
    person = known[dice.between("reached", key, 0, len(known))].astype(np.int32)
    kind = np.arange(len(day))
    way = dice.pick("way", kind, np.array([0.42, 0.18, 0.28, 0.12]))[batch].astype(np.int8)
    goal = dice.pick("goal", kind, np.array([0.45, 0.30, 0.10, 0.15]))[batch].astype(np.int8)
    product = dice.pick("pushes", kind, np.array([0.36, 0.22, 0.12, 0.16, 0.14]))[batch].astype(np.int8)
    submit = (
        config.start_ms
        + day[batch] * DAY_MS
        + (9 + 3 * turn[batch]) * HOUR_MS
        + dice.between("reach at", key, 0, 10 * MINUTE_MS)
    )
    arm = np.where(dice.chance("control", key, 0.1), CONTROL, TREATMENT).astype(np.int8)
    names = tuple(f"B{days.dates[d]:%Y%m%d}{t + 1:03d}" for d, t in zip(day.tolist(), turn.tolist()))
    outcome = _outcome(dice, key, way, arm, submit)
    clicks = _clicks(config, dice, people, book, key, person, way, product, outcome)
    tired = (outcome["status"] == DELIVERED) & dice.chance("unsubscribe", key, 0.006)
    return Reach(
        names, batch.astype(np.int16), person, way, arm, goal, product, submit,
        click_ms=clicks[0], click_visit=clicks[1],
        unsubscribe_ms=np.where(tired, outcome["receipt_ms"] + 20 * MINUTE_MS, NONE), **outcome,
    )  # fmt: skip


def _calendar(days: DayTable) -> tuple[I64, I64]:
    count = np.where(days.worked, BATCHES_PER_DAY, 1)
    day = np.repeat(np.arange(len(days.dates)), count)
    return day, np.arange(len(day)) - np.repeat(np.cumsum(count) - count, count)


def _outcome(dice: Dice, key: I64, way: I8, arm: I8, submit: I64) -> dict[str, np.ndarray]:
    """What the channel reports; the control arm is never sent anything."""
    u = dice.uniform("status", key)
    good = np.array([0.94, 0.46, 0.80, 0.90])[way]
    status = np.where(u < good, DELIVERED, np.where(u < 0.985, FAILED, np.where(u < 0.995, BLOCKED, UNKNOWN)))
    sent = arm == TREATMENT
    called = sent & (way == CALL)
    connected = called & (status == DELIVERED)
    why = _FAILS[way, dice.pick("reach why", key, np.array([0.5, 0.2, 0.2, 0.1]))]
    delay = np.where(
        way == CALL, 20.0 + 10.0 * dice.between("rings", key, 0, 6), 1.0 + dice.between("lag", key, 0, 9)
    )
    intent = np.array([_INTENT_HIGH, _INTENT_LOW, _INTENT_REFUSE])[
        dice.pick("intent", key, np.array([0.15, 0.45, 0.4]))
    ]
    talk = np.where(connected, 10.0 * dice.between("talk", key, 1, 19), 0.0)
    return {
        "receipt_ms": np.where(sent, submit + ((delay + talk) * 1_000).astype(np.int64), NONE),
        "status": np.where(sent, status, NONE).astype(np.int8),
        "delay_seconds": np.where(sent, delay, np.nan),
        "fail": np.where(sent & (status == FAILED), why, NONE).astype(np.int8),
        "connected": np.where(called, connected, NONE).astype(np.int8),
        "call_seconds": np.where(called, talk, np.nan),
        "intent": np.where(called, np.where(connected, intent, _INTENT_NONE), NONE).astype(np.int8),
    }


def _clicks(
    config: SimulationConfig,
    dice: Dice,
    people: People,
    book: VisitBook,
    key: I64,
    person: I32,
    way: I8,
    product: I8,
    outcome: dict[str, np.ndarray],
) -> tuple[I64, I64]:
    """Those who open the message look at the product; each click is the beginning of a visit."""
    rate = np.array([0.05, 0.03, 0.07, 0.09])[way]
    rows = np.flatnonzero((outcome["status"] == DELIVERED) & dice.chance("reach click", key, rate))
    wait = np.clip(dice.lognormal("click after", key[rows], 25.0, 1.0), 1.0, 600.0) * MINUTE_MS
    start = outcome["receipt_ms"][rows] + wait.astype(np.int64)
    live = start < config.as_of_ms
    rows, start = rows[live], start[live]
    bits = np.where(dice.chance("reach estimate", key[rows], 0.4), bit(ESTIMATE_PAGE), 0)
    bits |= np.where(dice.chance("reach channel", key[rows], 0.3), bit(CHANNEL_PAGE), 0) | bit(
        OPEN, DETAIL_PAGE, CLOSE
    )
    visits = book.add(
        person[rows],
        start,
        bits,
        product=product[rows],
        channel=_CHANNEL_OF[way[rows]],
        reach=rows.astype(np.int32),
    )
    click_ms, click_visit = np.full(len(key), NONE, np.int64), np.full(len(key), NONE, np.int64)
    click_ms[rows], click_visit[rows] = start + 150, visits.key
    return click_ms, click_visit
