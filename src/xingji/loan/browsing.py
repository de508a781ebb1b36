"""Visits to look around: everyday browsing, looking into a product before applying, and the burst's
curious."""

from __future__ import annotations

import numpy as np

from xingji.loan.applications import Applications, Starts
from xingji.loan.arrays import DAY_MS, HOUR_MS, I32, I64, MINUTE_MS, Ints, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.people import BORROWER, CUSTOMER, People
from xingji.loan.visits import (
    CHANNEL_PAGE,
    CLOSE,
    CONSENT,
    DETAIL2,
    DETAIL_PAGE,
    ESTIMATE_PAGE,
    HOME_PAGE,
    LOANS_PAGE,
    OPEN,
    SCAN,
    SECURITY,
    SERVICE_PAGE,
    VisitBook,
    Visits,
    bit,
)  # fmt: skip
from xingji.loan.vocabulary import code
from xingji.loan.workdays import DayTable, hour_weights

VISITS_PER_PERSON = 1.75  # in 90 days
_LONGEST_MS = 12 * MINUTE_MS
SESSION_GAP_MS = 31 * MINUTE_MS


def look_around(
    config: SimulationConfig,
    dice: Dice,
    people: People,
    days: DayTable,
    book: VisitBook,
    busy: Visits,
    family: I32,
    drawers: Mask,
) -> None:
    """Plan browsing that overlaps nobody's other visits in the same family. ``drawers``: people who draw."""
    person, start = _times(config, dice, people, days)
    keep = _free(family, person, start, busy)
    person, start = person[keep], start[keep]
    key = np.arange(len(person), dtype=np.int64)
    book.add(
        person,
        start,
        _contents(dice, people, key, person, drawers),
        product=_product(dice, people, key, person),
    )


def _times(config: SimulationConfig, dice: Dice, people: People, days: DayTable) -> tuple[I64, I64]:
    edges = np.cumsum(people.activity)
    count = round(VISITS_PER_PERSON * config.people * config.days / 90)
    key = np.arange(count, dtype=np.int64)
    person = np.searchsorted(edges, dice.uniform("browses", key) * edges[-1], side="right")
    person = np.minimum(person, len(people) - 1)
    day_edges = np.r_[0.0, np.cumsum(days.browse)]
    low = day_edges[people.first_day[person]]
    u = low + dice.uniform("browse day", key) * (day_edges[-1] - low)
    day = np.minimum(np.searchsorted(day_edges, u, side="right") - 1, config.days)
    curious = np.flatnonzero(people.burst).astype(np.int64)
    person = np.concatenate([person, curious])
    day = np.concatenate([day, people.first_day[curious]])
    key = np.arange(len(person), dtype=np.int64)
    hour = dice.pick("browse hour", key, hour_weights("browse"))
    start = config.start_ms + day * DAY_MS + hour * HOUR_MS + dice.between("browse moment", key, 0, HOUR_MS)
    live = start < config.as_of_ms
    return person[live], start[live]


def _free(family: I32, person: I64, start: I64, busy: Visits) -> Mask:
    """Which candidates leave half an hour to every other visit of the family (a session of its own)."""
    group = np.concatenate([family[person], family[busy.person]])
    begin = np.concatenate([start, busy.start_ms])
    fixed = np.r_[np.zeros(len(person), np.bool_), np.ones(len(busy), np.bool_)]
    keep = np.ones(len(group), np.bool_)
    for _ in range(4):
        rows = np.flatnonzero(keep)
        order = rows[np.lexsort((begin[rows], group[rows]))]
        near = (group[order][1:] == group[order][:-1]) & (
            begin[order][1:] - begin[order][:-1] < _LONGEST_MS + SESSION_GAP_MS
        )
        late, early = order[1:][near], order[:-1][near]
        keep[np.where(fixed[late], early, late)] = False
        keep |= fixed
    return keep[: len(person)]


def _contents(dice: Dice, people: People, key: I64, person: I64, drawers: Mask) -> I64:
    """What people look at; a fifth leave after the home page."""
    borrower, customer = people.kind[person] == BORROWER, people.kind[person] >= CUSTOMER
    stays = ~dice.chance("bounces", key, 0.2)
    detail = stays & dice.chance("detail", key, 0.42)
    estimate = detail & dice.chance("estimate", key, 0.38)
    referred = people.channel[person] == code("channel", "manager_referral")
    parts = (
        (HOME_PAGE, ~stays | dice.chance("home", key, 0.8)),
        (SCAN, stays & referred & dice.chance("scan", key, 0.35)),
        (CHANNEL_PAGE, stays & dice.chance("channel page", key, 0.62)),
        (DETAIL_PAGE, detail),
        (ESTIMATE_PAGE, estimate),
        (DETAIL2, detail & dice.chance("detail2", key, 0.18)),
        (
            LOANS_PAGE,
            stays
            & ((borrower & dice.chance("loans", key, 0.45)) | (customer & dice.chance("loans", key, 0.06))),
        ),
        (SECURITY, stays & customer & ~drawers[person] & dice.chance("security", key, 0.008)),
        (CONSENT, stays & dice.chance("consent", key, 0.015)),
        (SERVICE_PAGE, stays & dice.chance("service", key, 0.03)),
    )
    bits = np.full(len(key), bit(OPEN, CLOSE))
    for block, held in parts:
        bits |= np.where(held, bit(block), 0)
    return bits


def _product(dice: Dice, people: People, key: I64, person: Ints) -> I64:
    other = dice.pick("looks at", key, np.array([0.44, 0.22, 0.10, 0.12, 0.12]))
    return np.where(dice.chance("looks at own", key, 0.65), people.favourite[person], other)


def look_before(config: SimulationConfig, dice: Dice, book: VisitBook, apps: Applications) -> None:
    """Two in five look into the product some days before they apply, often on another device."""
    rows = np.arange(apps.historic, len(apps), dtype=np.int64)
    rows = rows[dice.chance("looks before", rows, 0.4) & ~apps.ring[rows]]
    gap = (dice.lognormal("before", rows, 1.6, 0.9) * DAY_MS).astype(np.int64)
    start = apps.start_ms[rows] - np.clip(gap, 45 * MINUTE_MS, 20 * DAY_MS)
    allowed = start >= config.start_ms
    allowed &= book.day_of(start) >= book.people.first_day[apps.person[rows]]
    rows, start = rows[allowed], start[allowed]
    bits = np.where(dice.chance("estimate before", rows, 0.5), bit(ESTIMATE_PAGE), 0)
    bits |= np.where(dice.chance("home before", rows, 0.6), bit(HOME_PAGE), 0)
    book.add(
        apps.person[rows],
        start,
        bits | bit(OPEN, CHANNEL_PAGE, DETAIL_PAGE, CLOSE),
        product=apps.product[rows],
        channel=apps.channel[rows],
    )


def to_apply(dice: Dice, starts: Starts) -> I64:
    """What people look at in the visit in which they apply; a ring looks at nothing."""
    key = np.arange(len(starts.person), dtype=np.int64)
    referred = np.isin(starts.channel, (code("channel", "manager_referral"), code("channel", "branch")))
    seen = (
        (HOME_PAGE, dice.chance("home first", key, 0.55)),
        (SCAN, referred & dice.chance("scan first", key, 0.8)),
        (CHANNEL_PAGE, dice.chance("channel first", key, 0.65)),
        (DETAIL_PAGE, dice.chance("detail first", key, 0.93)),
        (ESTIMATE_PAGE, dice.chance("estimate first", key, 0.78)),
    )
    bits = np.full(len(key), bit(OPEN, CLOSE))
    for block, held in seen:
        bits |= np.where(held & ~starts.ring, bit(block), 0)
    return bits
