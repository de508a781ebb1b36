"""What happens beside the applications: reach, calls, complaints, changes of lines, risk signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xingji.loan.agenda import Agenda
from xingji.loan.applications import CREDIT, OCR, SUBMIT
from xingji.loan.arrays import DAY_MS, HOUR_MS, I8, I32, I64, MINUTE_MS, NONE
from xingji.loan.backoffice import inherited
from xingji.loan.incidents import OCR as OUTAGE
from xingji.loan.incidents import PAGE
from xingji.loan.loans import NEVER
from xingji.loan.people import CUSTOMER
from xingji.loan.sink import BATCH, CLIENT, SERVER, Sink
from xingji.loan.vocabulary import DETAIL, code, codes
from xingji.loan.world import World

_GRANT, _INCREASE, _DECREASE, _FREEZE, _UNFREEZE, _EXPIRE, _CLOSE = codes(
    "change_type", "grant", "increase", "decrease", "freeze", "unfreeze", "expire", "close"
)
_SHARED, _NIGHT, _FAST, _FAR, _MULTI = codes(
    "signal_code", "SHARED_DEVICE", "NIGHT_BURST", "FAST_FORM", "NEW_DEVICE_FAR", "MULTI_APPLY"
)
_TOPICS = codes("topic", "额度利率", "审批进度", "提款", "还款", "提前还款", "逾期", "其他")
_COMPLAINTS = codes("topic", "利率费用", "催收", "营销打扰", "系统故障", "隐私", "其他")


@dataclass(frozen=True)
class Signals:
    """Risk signals: code, when, in which visit, how grave and what was done."""

    code: I8
    time_ms: I64
    visit: I64
    level: I8
    action: I8
    accounts: I64


@dataclass(frozen=True)
class Letters:
    """Calls and complaints: who, when, about what product and topic."""

    person: I32
    time_ms: I64
    product: I8
    topic: I8


class Desk:
    """Writes each day's rows of these tables."""

    def __init__(self, world: World, sink: Sink) -> None:
        self.world, self.sink, config = world, sink, world.config
        reach = world.reach
        self._submitted = Agenda(config, reach.submit_ms)
        self._received = Agenda(config, reach.receipt_ms)
        self._clicked = Agenda(config, reach.click_ms)
        self._unsubscribed = Agenda(config, reach.unsubscribe_ms)
        self.calls, self.complaints = _calls(world), _complaints(world)
        self._calls, self._complaints = (
            Agenda(config, self.calls.time_ms),
            Agenda(config, self.complaints.time_ms),
        )
        self.signals = _signals(world)
        self._signals = Agenda(config, self.signals.time_ms)
        self.changes = _line_changes(world)
        self._changes = Agenda(config, self.changes[1])

    def work(self, day: int) -> None:
        """All of a day."""
        self._reach(day)
        self._letters(day)
        self._signal(self._signals.on(day))
        self._change(self._changes.on(day))

    def _reach(self, day: int) -> None:
        reach = self.world.reach
        rows = self._submitted.on(day)
        common: dict[str, Any] = {"person": reach.person, "channel": reach.channel}

        def of(part: I64, *names: str) -> dict[str, Any]:
            return {"campaign_batch_id": reach.batch[part], "reach_channel": reach.way[part],
                    **{name: common[name][part] for name in names}}  # fmt: skip

        self.sink.add(
            "reach_submit",
            reach.submit_ms[rows],
            origin=SERVER,
            arm=reach.arm[rows],
            goal=reach.goal[rows],
            product=reach.product[rows],
            **of(rows, "person", "channel"),
        )
        rows = self._received.on(day)
        phone = np.isin(reach.way[rows], codes("reach_channel", "sms", "call"))
        carrier = self.world.people.operator[reach.person[rows]]
        self.sink.add(
            "reach_receipt",
            reach.receipt_ms[rows],
            origin=SERVER,
            status=reach.status[rows],
            delay_seconds=reach.delay_seconds[rows],
            carrier=np.where(phone, carrier, NONE),
            fail_reason=reach.fail[rows],
            call_connected=reach.connected[rows],
            call_seconds=reach.call_seconds[rows],
            call_intent=reach.intent[rows],
            **of(rows, "person", "channel"),
        )
        rows = self._clicked.on(day)
        self.sink.add("reach_click", reach.click_ms[rows], visit=reach.click_visit[rows], origin=CLIENT,
                      landing_page=np.full(len(rows), DETAIL, np.int8), **of(rows))  # fmt: skip
        rows = self._unsubscribed.on(day)
        self.sink.add(
            "reach_unsubscribe",
            reach.unsubscribe_ms[rows],
            person=reach.person[rows],
            origin=SERVER,
            reach_channel=reach.way[rows],
            unsubscribe_mode=reach.unsubscribe_mode[rows],
            channel=reach.channel[rows],
        )

    def _letters(self, day: int) -> None:
        dice, people = self.world.dice, self.world.people
        rows, table = self._calls.on(day), self.calls
        key = table.time_ms[rows]
        self.sink.add(
            "service_contact",
            key,
            person=table.person[rows],
            origin=SERVER,
            topic=table.topic[rows],
            product=table.product[rows],
            channel=people.channel[table.person[rows]],
            contact_channel=np.where(
                dice.chance("at a counter", key, 0.2),
                code("contact_channel", "branch"),
                code("contact_channel", "phone"),
            ),
            is_resolved=dice.chance("call resolved", key, 0.7).astype(np.int8),
            handle_seconds=30.0 * dice.between("call length", key, 2, 20),
            rating=np.where(
                dice.chance("call rated", key, 0.3), 1 + dice.between("call rating", key, 0, 5), NONE
            ),
        )
        rows, table = self._complaints.on(day), self.complaints
        key = table.time_ms[rows]
        theft = table.topic[rows] == code("topic", "非本人借款")
        self.sink.add(
            "complaint_submit",
            key,
            person=table.person[rows],
            origin=SERVER,
            topic=table.topic[rows],
            product=table.product[rows],
            channel=people.channel[table.person[rows]],
            complaint_source=np.where(
                theft, code("complaint_source", "phone"), dice.between("source", key, 0, 4)
            ),
            severity=np.where(
                theft, code("severity", "重大"), dice.pick("severity", key, np.array([0.8, 0.18, 0.02]))
            ),
        )

    def _signal(self, rows: I64) -> None:
        table = self.signals
        self.sink.add("risk_signal", table.time_ms[rows], visit=table.visit[rows], origin=SERVER,
                      signal_code=table.code[rows], risk_level=table.level[rows], action=table.action[rows],
                      device_account_count=table.accounts[rows])  # fmt: skip

    def _change(self, rows: I64) -> None:
        app, time, kind, before, after = (part[rows] for part in self.changes)
        self.sink.add(
            "credit_line_change",
            time,
            person=self.world.apps.person[app],
            origin=BATCH,
            product=self.world.apps.product[app],
            credit_line_id=app,
            change_type=kind,
            limit_before=before,
            limit_after=after,
            **inherited(self.world, app),
        )


def _calls(world: World) -> Letters:
    """Everyday calls, and those of people whom an incident stopped."""
    config, dice, apps = world.config, world.dice, world.apps
    known = np.flatnonzero(world.people.kind >= CUSTOMER).astype(np.int64)
    callers = known[dice.chance("calls", known, 0.02 * config.days / 90)]
    day = dice.between("call day", callers, 0, config.days + 1)
    time = config.start_ms + day * DAY_MS + dice.between("call at", callers, 8 * HOUR_MS, 20 * HOUR_MS)
    topic = np.array(_TOPICS)[
        dice.pick("call topic", callers, np.array([0.25, 0.2, 0.12, 0.15, 0.1, 0.08, 0.1]))
    ]
    parts = [(callers.astype(np.int32), time, world.people.favourite[callers], topic)]
    for stage, spell, subject in ((OCR, OUTAGE.spell, "其他"), (CREDIT, PAGE.spell, "隐私授权")):
        end = apps.end[:, stage]
        stuck = np.flatnonzero(
            (apps.end_stage == stage) & apps.end_failed & spell.covers(config, end)
        ).astype(np.int64)
        stuck = stuck[dice.chance("calls about it", stuck, 0.3)]
        parts.append((apps.person[stuck], end[stuck] + 25 * MINUTE_MS, apps.product[stuck],
                      np.full(len(stuck), code("topic", subject))))  # fmt: skip
    person, time, product, topic = (np.concatenate([part[i] for part in parts]) for i in range(4))
    return Letters(person, time, product, topic.astype(np.int8))


def _complaints(world: World) -> Letters:
    config, dice = world.config, world.dice
    known = np.flatnonzero(world.people.kind >= CUSTOMER).astype(np.int64)
    upset = known[dice.chance("complains", known, 0.0015 * config.days / 90)]
    day = dice.between("complaint day", upset, 0, config.days + 1)
    time = config.start_ms + day * DAY_MS + dice.between("complaint at", upset, 9 * HOUR_MS, 19 * HOUR_MS)
    topic = np.array(_COMPLAINTS)[
        dice.pick("complaint about", upset, np.array([0.3, 0.2, 0.2, 0.15, 0.05, 0.1]))
    ]
    taken = world.taken_over
    victim_app = world.visits.app[taken.visit[: len(taken.complains)]].astype(np.int64)
    return Letters(
        np.concatenate([upset, taken.complains]).astype(np.int32),
        np.concatenate([time, taken.complaint_ms]),
        np.concatenate([world.people.favourite[upset], world.apps.product[victim_app]]).astype(np.int8),
        np.concatenate([topic, np.full(len(taken.complains), code("topic", "非本人借款"))]).astype(np.int8),
    )


def _signals(world: World) -> Signals:
    """The ring's three marks, a far new device, and now and then somebody who applies too often."""
    apps, dice = world.apps, world.dice
    sent = np.flatnonzero(apps.submitted_ms != NONE).astype(np.int64)
    ring = sent[apps.ring[sent]]
    usual = sent[~apps.ring[sent] & dice.chance("signal", sent, 0.02)]
    review, block, passes = codes("action", "review", "block", "pass")
    high, middle, low = codes("risk_level", "高", "中", "低")
    on_device = np.bincount(world.visits.device[apps.visit[ring, SUBMIT]], minlength=len(world.devices))
    parts: list[tuple[Any, ...]] = [
        (
            which,
            apps.submitted_ms[ring] + 600 + 150 * n,
            apps.visit[ring, SUBMIT],
            high,
            np.where(dice.chance("blocked", ring, 0.3), block, review),
            on_device[world.visits.device[apps.visit[ring, SUBMIT]]],
        )
        for n, which in enumerate((_SHARED, _NIGHT, _FAST))
    ]
    parts.append((_MULTI, apps.submitted_ms[usual] + 600, apps.visit[usual, SUBMIT], low, passes, 1))
    taken = world.taken_over.visit
    draw = world.visits.draw[taken]
    taken, draw = taken[draw != NONE], draw[draw != NONE]
    parts.append((_FAR, world.draws.submit_ms[draw] + 300, taken, middle, passes, 1))
    return Signals(*(np.concatenate([np.broadcast_to(p[i], p[1].shape) for p in parts]) for i in range(6)))


def _line_changes(world: World) -> tuple[I64, I64, np.ndarray, I64, I64]:
    """Lines frozen by arrears and freed again, and the few that grow, shrink, end or are given back."""
    config, apps, loans, dice = world.config, world.apps, world.loans, world.dice
    bad = np.flatnonzero(loans.bad_period > 0).astype(np.int64)
    due = world.calendar.due_day(loans, bad, loans.bad_period[bad])
    long = loans.cure_day[bad] > due + 31
    bad, due = bad[long], due[long]
    app = loans.app[bad].astype(np.int64)
    limit = apps.approved_fen[app]
    morning = config.start_ms + 6 * HOUR_MS
    parts = [(app, morning + (due + 31) * DAY_MS, np.full(len(app), _FREEZE), limit, np.zeros_like(limit))]
    freed = loans.cure_day[bad] != NEVER
    parts.append(
        (
            app[freed],
            morning + (loans.cure_day[bad][freed].astype(np.int64) + 1) * DAY_MS,
            np.full(int(freed.sum()), _UNFREEZE),
            np.zeros_like(limit[freed]),
            limit[freed],
        )
    )
    lines = np.arange(apps.historic, dtype=np.int64)
    lines = lines[~np.isin(lines, app)]
    kind = dice.pick("line change", lines, np.array([0.9, 0.05, 0.025, 0.01, 0.015]))
    lines, kind = lines[kind > 0], kind[kind > 0]
    old = apps.approved_fen[lines]
    table = np.array([_GRANT, _INCREASE, _DECREASE, _EXPIRE, _CLOSE])
    factor = np.array([10, 12, 8, 0, 0])
    day = dice.between("line change day", lines, 0, config.days + 1)
    parts.append(
        (lines, morning + day * DAY_MS + lines % 3_600 * 1_000, table[kind], old, old * factor[kind] // 10)
    )
    joined = [np.concatenate([part[i] for part in parts]) for i in range(5)]
    return joined[0], joined[1], joined[2].astype(np.int8), joined[3], joined[4]
