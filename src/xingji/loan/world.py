"""Everything the simulation has decided before the first event is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.applications import (
    Applications,
    Starts,
    campaigns_of,
    choose_starts,
    devices_of_ring,
    numbers_of,
    referred_by,
)  # fmt: skip
from xingji.loan.approvals import StageLog, decide
from xingji.loan.arrays import I8, I32, I64, NONE, Mask
from xingji.loan.arrears import Instalments, list_instalments, make_loans
from xingji.loan.browsing import look_around, look_before, to_apply
from xingji.loan.config import SimulationConfig
from xingji.loan.devices import Devices, make_devices
from xingji.loan.dice import Dice
from xingji.loan.history import past_starts, settle_past
from xingji.loan.journeys import Journeys
from xingji.loan.lending import Draws, Lending, mark_first
from xingji.loan.loans import Calendar, Loans
from xingji.loan.people import NEWCOMER, People, known_since, make_people
from xingji.loan.reach import Reach, plan_reach
from xingji.loan.script import FAR_MS, Script
from xingji.loan.servicing import Postings, Repays, Servicing
from xingji.loan.takeover import TakenOver, take_over
from xingji.loan.visits import APPLY, ENTERS, Calling, VisitBook, Visits, bit, number_visits
from xingji.loan.vocabulary import code
from xingji.loan.workdays import DayTable, day_table

_CHUNK = 100_000


@dataclass(frozen=True)
class World:
    """The decided world. ``login_ms``: since when each visit is logged in; ``registered_ms``: per person;
    ``registers``: the visits in which people register; ``new_device``: logins from a device new to the
    person.
    """

    config: SimulationConfig
    dice: Dice
    people: People
    devices: Devices
    days: DayTable
    script: Script
    visits: Visits
    calling: Calling
    login_ms: I64
    source: I8
    campaign: I8
    registered_ms: I64
    registers: Mask
    new_device: Mask
    apps: Applications
    stages: StageLog
    draws: Draws
    loans: Loans
    dues: Instalments
    repays: Repays
    postings: Postings
    reach: Reach
    taken_over: TakenOver
    calendar: Calendar

    def user_of(self, visit: I64 | I32, time_ms: I64) -> I64:
        """Whose events they are after identity resolution: a person's number, or people + a device's number.

        Logged-in rows belong to the person; others to the first who ever logged in on the device, if
        anybody did.
        """
        device = self.visits.device[visit]
        first = self.calling.first_login[device]
        owner = np.where(first >= 0, self.visits.person[np.maximum(first, 0)], len(self.people) + device)
        return np.where(time_ms >= self.login_ms[visit], self.visits.person[visit], owner)

    def operator_of(self, visit: I64) -> I8:
        """The carrier of the device each visit is on."""
        return self.people.operator[self.devices.owner[self.visits.device[visit]]]

    @property
    def users(self) -> int:
        """An upper bound of user numbers."""
        return len(self.people) + len(self.devices)


def build_world(config: SimulationConfig) -> World:
    """Decide everything: people, devices, visits, applications, loans, repayments, reach."""
    dice = Dice(config.seed)
    people = make_people(config, dice)
    devices = make_devices(config, dice, people)
    days = day_table(config.first_day, config.days + 1, _share_of_today(config))
    book = VisitBook(config, dice, people, devices)
    script = Script(config, dice, people, devices)
    apps = _apply(config, dice, people, devices, days, book, script)
    stages = decide(config, dice, people, apps)
    lending = Lending(config, dice, days, book, script, apps)
    lending.run()
    taken = take_over(config, dice, people, devices, book, apps, lending)
    draws = lending.all_draws()
    draws.number[:] = numbers_of(draws.submit_ms, 8)
    mark_first(apps, draws)
    loans = make_loans(config, dice, people, apps, draws)
    dues = list_instalments(config, dice, loans)
    repays, postings = Servicing(config, dice, book, script, loans, dues).run()
    reach = plan_reach(config, dice, people, days, book)
    look_before(config, dice, book, apps)
    drawers = np.zeros(len(people), np.bool_)
    drawers[apps.person[draws.app]] = True
    look_around(config, dice, people, days, book, book.rows(), _families(devices, people), drawers)
    visits = book.rows()
    for keys, numbers in lending.links:
        visits.draw[keys] = numbers
    login_ms = _logins(script, visits, apps)
    registered, registers = _registrations(config, dice, people, visits, login_ms)
    source, campaign = campaigns_of(
        visits.channel, people.burst[visits.person] & (visits.channel == code("channel", "feed_ads"))
    )
    return World(
        config, dice, people, devices, days, script, visits,
        number_visits(config, visits, people, login_ms, len(devices)), login_ms, source, campaign, registered,
        registers, _new_devices(people, devices, visits, login_ms), apps, stages, draws, loans, dues, repays,
        postings, reach, taken, Calendar(config.first_day.toordinal() - 719_163),
    )  # fmt: skip


def _share_of_today(config: SimulationConfig) -> float:
    return max(config.hour_of_today / 24.0 * 0.8, 1e-6)


def _apply(
    config: SimulationConfig,
    dice: Dice,
    people: People,
    devices: Devices,
    days: DayTable,
    book: VisitBook,
    script: Script,
) -> Applications:
    """The table of applications, past and present, with the journeys of the present ones played."""
    past, now = past_starts(config, dice, people), choose_starts(config, dice, people, days)
    live = now.at_ms < config.as_of_ms
    now = Starts(now.person[live], now.at_ms[live], now.product[live], now.channel[live], now.ring[live])
    historic = len(past.person)
    both = {
        name: np.concatenate([getattr(past, name), getattr(now, name)])
        for name in ("person", "at_ms", "product", "channel", "ring")
    }
    apps = Applications(
        person=both["person"], product=both["product"], channel=both["channel"],
        manager=referred_by(people, both["person"], both["channel"]), start_ms=both["at_ms"],
        start_visit=np.full(len(both["person"]), NONE, np.int64), historic=historic, ring=both["ring"],
        burst=people.burst[both["person"]] & (both["channel"] == code("channel", "feed_ads")),
    )  # fmt: skip
    settle_past(dice, people, apps)
    rows = np.arange(historic, len(apps))
    key = np.arange(len(rows), dtype=np.int64)
    device = devices.choose(dice, "apply device", key, now.person, book.day_of(now.at_ms))
    device[now.ring] = devices_of_ring(devices, now.person[now.ring])
    visits = book.add(
        now.person, now.at_ms, to_apply(dice, now) | bit(APPLY), device=device, app=rows, product=now.product,
        channel=now.channel,
    )  # fmt: skip
    apps.start_visit[rows] = visits.key
    apps.start_ms[rows] = script.offsets(visits).begin[:, APPLY] + 500
    apps.name_all()
    Journeys(config, dice, people, devices, book, script, apps, device.astype(np.int64)).play()
    return apps


def _families(devices: Devices, people: People) -> I32:
    """The group of people who share a device with each person: the owner of a shared tablet, or the
    person."""
    family = np.arange(len(people), dtype=np.int32)
    person = np.repeat(family, np.diff(devices.link_offset))
    shared = devices.shared[devices.link_device]
    family[person[shared]] = devices.owner[devices.link_device[shared]]
    return family


def apply_span(apps: Applications, part: Visits) -> I64:
    """How long the ``apply`` block of visits takes, ms."""
    app = part.app.astype(np.int64)
    first = apps.start_visit[app] == part.key
    return np.where(first, apps.span_ms[app], apps.resume_span_ms[app])


def _logins(script: Script, visits: Visits, apps: Applications) -> I64:
    out = np.full(len(visits), FAR_MS, np.int64)
    for begin in range(0, len(visits), _CHUNK):
        rows = np.arange(begin, min(begin + _CHUNK, len(visits)))
        part = visits.take(rows)
        out[rows] = script.offsets(part, lambda _, some: apply_span(apps, some)).login_ms
    kept = out == 0
    out[kept] = visits.start_ms[kept]
    return out


def _registrations(config: SimulationConfig, dice: Dice, people: People, visits: Visits,
                   login_ms: I64) -> tuple[I64, Mask]:  # fmt: skip
    """Newcomers register when they first log in."""
    registered = known_since(config, dice, people)
    registers = np.zeros(len(visits), np.bool_)
    entering = np.flatnonzero((people.kind[visits.person] == NEWCOMER) & (visits.mode == ENTERS))
    order = entering[np.lexsort((login_ms[entering], visits.person[entering]))]
    if len(order):
        first = order[np.r_[True, visits.person[order][1:] != visits.person[order][:-1]]]
        first = first[login_ms[first] < config.as_of_ms]
        registers[first] = True
        registered[visits.person[first]] = login_ms[first]
    return registered, registers


def _new_devices(people: People, devices: Devices, visits: Visits, login_ms: I64) -> Mask:
    """A login is from a new device if the person never used it before: a new phone, or a newcomer's any."""
    entering = np.flatnonzero(visits.mode == ENTERS)
    pair = visits.person[entering].astype(np.int64) * len(devices) + visits.device[entering]
    order = entering[np.lexsort((login_ms[entering], pair))]
    sorted_pair = np.sort(pair)
    first = np.r_[True, sorted_pair[1:] != sorted_pair[:-1]] if len(order) else np.zeros(0, np.bool_)
    fresh = (devices.from_day[visits.device[order]] > 0) | (people.kind[visits.person[order]] < 2)
    out = np.zeros(len(visits), np.bool_)
    out[order[first & fresh]] = True
    return out
