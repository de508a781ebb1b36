"""I6: three customers with a line, each logged in from a stranger's phone far away at night, rebound
and drained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.applications import Applications
from xingji.loan.arrays import HOUR_MS, I32, I64, MINUTE_MS
from xingji.loan.config import SimulationConfig
from xingji.loan.devices import Devices
from xingji.loan.dice import Dice
from xingji.loan.geography import places
from xingji.loan.incidents import TAKEOVER
from xingji.loan.lending import Lending
from xingji.loan.people import People
from xingji.loan.visits import CLOSE, DRAW_PAGE, LOGIN, OPEN, SECURITY, VisitBook, bit
from xingji.loan.vocabulary import code


@dataclass(frozen=True)
class TakenOver:
    """The victims, the visits in which it happened, and who complained when."""

    person: I32
    visit: I64
    complaint_ms: I64
    complains: I32


def take_over(config: SimulationConfig, dice: Dice, people: People, devices: Devices, book: VisitBook,
              apps: Applications, lending: Lending) -> TakenOver:  # fmt: skip
    """Plan the night. The strangers' phones are the last devices of the table, made for this."""
    nobody = np.zeros(0, np.int32)
    if not TAKEOVER.spell.happens(config):
        return TakenOver(nobody, np.zeros(0, np.int64), np.zeros(0, np.int64), nobody)
    strangers = np.flatnonzero(devices.stranger).astype(np.int32)
    apps_of = _lines(people, apps, lending, len(strangers))
    person = apps.person[apps_of]
    key = apps_of.astype(np.int64)
    room = TAKEOVER.spell.end_ms(config) - TAKEOVER.spell.begin_ms(config) - 8 * MINUTE_MS
    start = TAKEOVER.spell.begin_ms(config) + dice.between("takeover", key, 0, room)
    visits = book.add(
        person, start, bit(OPEN, LOGIN, SECURITY, DRAW_PAGE, CLOSE), device=strangers, app=apps_of,
        product=apps.product[apps_of], channel=np.full(len(person), code("channel", "mobile_bank")),
    )  # fmt: skip
    lending.hand_over(visits, "takeover")
    complaint = config.midnight_ms(config.day_before(TAKEOVER.complaint_day)) + 9 * HOUR_MS + 17 * MINUTE_MS
    return TakenOver(person, visits.key, np.array([complaint]), person[:1])


def _lines(people: People, apps: Applications, lending: Lending, count: int) -> I64:
    """Old lines with money left, of local people, one per person."""
    rows = np.arange(apps.historic)
    local = people.place[apps.person[rows]] < places().local
    roomy = lending.left_fen[rows] >= np.maximum(apps.approved_fen[rows] // 10, 300_000)
    good = rows[local & roomy & (people.is_employee[apps.person[rows]] == 0)]
    _, first = np.unique(apps.person[good], return_index=True)
    return np.asarray(good[np.sort(first)][:count], np.int64)
