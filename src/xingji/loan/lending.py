"""Signing and drawing: from an approval to a signed line, and from a line to money, again and again."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from xingji.loan.applications import Applications
from xingji.loan.arrays import DAY_MS, F64, HOUR_MS, I8, I16, I32, I64, MINUTE_MS, NONE, Ints, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.history import past_draws
from xingji.loan.journeys import awake
from xingji.loan.loans import ANNUITY, BULLET, INTEREST_FIRST, REVOLVING
from xingji.loan.script import Script
from xingji.loan.visits import (
    CLOSE,
    DRAW_PAGE,
    HOME_PAGE,
    LOANS_PAGE,
    OPEN,
    SIGN_PAGE,
    VisitBook,
    Visits,
    bit,
)
from xingji.loan.vocabulary import HOUSE, TAX, codes
from xingji.loan.workdays import DayTable, hour_weights

SIGN_ANSWER_MS = 900
SUBMIT_AFTER_CODE_MS = 1_100
_SIGN_FAILS = codes("fail_reason", "cert_error", "user_cancel", "service_down")
_SMS_EXPIRED = codes("fail_reason", "sms_expired")[0]
_DRAW_FAILS = codes("fail_reason", "card_abnormal", "over_limit", "risk_block", "system", "cutoff_time")
_METHODS = np.array([ANNUITY, INTEREST_FIRST, REVOLVING, BULLET])
_METHOD_WEIGHTS = np.array([[0.68, 0.12, 0.20, 0.0], [0.60, 0.15, 0.25, 0.0], [0.34, 0.44, 0.0, 0.22],
                            [0.30, 0.46, 0.24, 0.0], [0.52, 0.30, 0.18, 0.0]])  # fmt: skip
_REPEAT_WINDOW_DAYS = 56


@dataclass(frozen=True)
class Draws:
    """One row per drawdown request. ``ok``: paid out; ``fail``: why not; ``first``: none was paid out
    before."""

    app: I32
    visit: I64
    submit_ms: I64
    result_ms: I64
    amount_fen: I64
    term_months: I16
    method: I8
    purpose: I8
    ok: Mask
    fail: I8
    first: I8
    number: I64

    def __len__(self) -> int:
        return len(self.app)


class Lending:
    """Plans signing visits and drawdown visits, round by round, never lending beyond the line."""

    def __init__(self, config: SimulationConfig, dice: Dice, days: DayTable, book: VisitBook, script: Script,
                 apps: Applications) -> None:  # fmt: skip
        self.config, self.dice, self.days, self.book, self.script, self.apps = (
            config,
            dice,
            days,
            book,
            script,
            apps,
        )
        self.left_fen = np.where(apps.signed_ms != NONE, apps.approved_fen, 0)
        past, _, lent_fen = past_draws(config, dice, apps)
        self.left_fen[past] -= lent_fen
        self.links: list[tuple[I64, I32]] = []  # (visit keys, drawdown numbers)
        self._rounds: list[Draws] = []
        self._next = 0

    def run(self) -> Draws:
        """Sign, draw at once or later, retry, and draw again."""
        signing = self._sign()
        first = self._request(signing, "at once")
        waiting = np.flatnonzero(
            (self.apps.signed_ms != NONE) & (np.arange(len(self.apps)) >= self.apps.historic)
        )
        waiting = waiting[~np.isin(waiting, first.app)]
        later = self._visit(waiting, self.apps.signed_ms[waiting], "later", 0.78, (0.1, 9.0))
        second = self._request(later, "later")
        for name, done in (("first retry", first), ("second retry", second)):
            failed = np.flatnonzero(~done.ok)
            again = self._visit(done.app[failed], done.result_ms[failed], name, 0.8, (0.04, 2.0))
            self._request(again, name)
        self._repeat("repeat", 0.34)
        self._repeat("repeat again", 0.30)
        return self.all_draws()

    def hand_over(self, visits: Visits, amounts: str) -> Draws:
        """Drawdowns in visits planned by others (an account taken over)."""
        return self._request(visits, amounts)

    def _sign(self) -> Visits:
        """Most of the approved come to sign within days; more than half of them draw in the same visit."""
        apps, dice = self.apps, self.dice
        rows = np.flatnonzero(apps.approved & (apps.decided_ms < self.config.as_of_ms)).astype(np.int64)
        rows = rows[rows >= apps.historic]
        rows = rows[dice.chance("comes to sign", rows, 0.88)]
        house = np.isin(apps.product[rows], (HOUSE, TAX))
        gap = dice.lognormal("sign gap", rows, np.where(house, 20.0, 2.5), 1.1) * HOUR_MS
        start = awake(apps.decided_ms[rows] + np.clip(gap, 35 * MINUTE_MS, 12 * DAY_MS).astype(np.int64))
        rows, start = rows[start < self.config.as_of_ms], start[start < self.config.as_of_ms]
        bits = np.where(dice.chance("draws at once", rows, 0.55), bit(DRAW_PAGE), 0) | bit(
            OPEN, SIGN_PAGE, CLOSE
        )
        visits = self.book.add(
            apps.person[rows], start, bits, app=rows, product=apps.product[rows], channel=apps.channel[rows],
        )  # fmt: skip
        codes_ = self.script.offsets(visits).codes.get(SIGN_PAGE)
        if codes_ is None:
            return visits
        answered = codes_.end_ms + SIGN_ANSWER_MS
        broken = dice.chance("sign fails", rows, 0.03)
        why = np.array(_SIGN_FAILS)[dice.pick("sign why", rows, np.array([0.4, 0.4, 0.2]))]
        apps.sign_fail[rows] = np.where(~codes_.passed, _SMS_EXPIRED, np.where(broken, why, NONE))
        ok = codes_.passed & ~broken & (answered < self.config.as_of_ms)
        apps.sign_visit[rows] = visits.key
        apps.signed_ms[rows[ok]] = answered[ok]
        self.left_fen[rows[ok]] = apps.approved_fen[rows[ok]]
        visits.bits[~ok] &= ~bit(DRAW_PAGE)
        return visits.take(np.flatnonzero((visits.bits & bit(DRAW_PAGE)) != 0))

    def _visit(
        self, rows: Ints, after_ms: I64, name: str, share: float, delay_days: tuple[float, float]
    ) -> Visits:
        """Visits to draw, some days after an instant, on days and at hours people draw."""
        key = rows.astype(np.int64) * 8 + self._next
        come = self.dice.chance(f"{name} comes", key, share)
        rows, after_ms, key = rows[come], after_ms[come], key[come]
        low, high = delay_days
        count = max(int(np.ceil(high - low)) + 1, 2)
        first = self.book.day_of(after_ms) + int(np.ceil(low))
        day = first + self._weighted_day(name, key, first, count, np.exp(-np.arange(count) / 4.0))
        start = self.config.midnight_ms(0) + day * DAY_MS + self._moment(name, key)
        start = np.maximum(start, after_ms + 35 * MINUTE_MS)
        return self._add(rows, start, key, name)

    def _repeat(self, name: str, share: float) -> None:
        """Customers who borrowed come back, about five weeks later, as long as their line allows."""
        draws = self.all_draws()
        paid = np.flatnonzero(draws.ok)
        last = np.full(len(self.apps), NONE, np.int64)
        last[: self.apps.historic] = self.config.start_ms - 15 * DAY_MS
        np.maximum.at(last, draws.app[paid], draws.result_ms[paid])
        last[self.left_fen < self.apps.approved_fen // 10] = NONE
        rows = np.flatnonzero(last != NONE)
        key = rows.astype(np.int64) * 8 + self._next
        rows, key = rows[self.dice.chance(name, key, share)], key[self.dice.chance(name, key, share)]
        first = np.maximum(self.book.day_of(last[rows]) + 2, 0)
        shape = np.exp(-0.5 * ((np.arange(_REPEAT_WINDOW_DAYS) - 29.0) / 11.0) ** 2)
        day = first + self._weighted_day(name, key, first, _REPEAT_WINDOW_DAYS, shape)
        start = self.config.midnight_ms(0) + day * DAY_MS + self._moment(name, key)
        self._request(self._add(rows, start, key, name), name)

    def _weighted_day(self, name: str, key: I64, first: I64, count: int, shape: F64) -> I64:
        """Days after ``first``, weighted by a shape and by how much people draw on each day of the
        calendar."""
        padded = np.r_[self.days.draw, np.full(count, self.days.draw[:-1].mean())]
        padded[len(self.days.draw) - 1] = padded[-1]
        weight = padded[np.minimum(first[:, None] + np.arange(count), len(padded) - 1)] * shape
        edges = np.cumsum(weight, axis=1)
        u = self.dice.uniform(f"{name} day", key)[:, None] * edges[:, -1:]
        return np.asarray(np.minimum((u > edges).sum(axis=1), count - 1), np.int64)

    def _moment(self, name: str, key: I64) -> I64:
        hour = self.dice.pick(f"{name} hour", key, hour_weights("draw"))
        return hour * HOUR_MS + self.dice.between(f"{name} moment", key, 0, HOUR_MS)

    def _add(self, rows: Ints, start: I64, key: I64, name: str) -> Visits:
        apps, live = self.apps, start < self.config.as_of_ms
        rows, start, key = rows[live], start[live], key[live]
        bits = np.where(self.dice.chance(f"{name} loans", key, 0.35), bit(LOANS_PAGE), 0)
        bits |= np.where(self.dice.chance(f"{name} home", key, 0.5), bit(HOME_PAGE), 0) | bit(
            OPEN, DRAW_PAGE, CLOSE
        )
        return self.book.add(apps.person[rows], start, bits, app=rows, product=apps.product[rows])

    def _request(self, visits: Visits, name: str) -> Draws:
        """The requests made in some visits, where the code was right, and the bank's answers."""
        codes_ = self.script.offsets(visits).codes.get(DRAW_PAGE)
        made = submit = np.zeros(0, np.int64)
        if codes_ is not None:
            submit = codes_.end_ms + SUBMIT_AFTER_CODE_MS
            made = np.flatnonzero(codes_.passed & (submit + 5_000 < self.config.as_of_ms))
        part = visits.take(made)
        rows, key = part.app.astype(np.int64), part.key
        answer_ms = 1_200 + self.dice.between("draw answer", key, 0, 3_000)
        ok = ~self.dice.chance("draw fails", key, 0.045)
        why = np.array(_DRAW_FAILS)[self.dice.pick("draw why", key, np.array([0.35, 0.15, 0.15, 0.25, 0.1]))]
        amount = self._amounts(rows, key, name)
        self.left_fen[rows[ok]] -= amount[ok]
        submitted = submit[made]
        draws = Draws(
            part.app, key, submitted, submitted + answer_ms, amount, self.apps.term_months[rows],
            self._methods(rows), self.apps.purpose[rows], ok, np.where(ok, NONE, why).astype(np.int8),
            np.zeros(len(rows), np.int8), np.zeros(len(rows), np.int64),
        )  # fmt: skip
        self.links.append((key, np.arange(self._next, self._next + len(rows), dtype=np.int32)))
        self._next += len(rows)
        self._rounds.append(draws)
        return draws

    def _amounts(self, rows: I64, key: I64, name: str) -> I64:
        share = np.array([1.0, 0.5, 0.4, 0.3])[
            self.dice.pick("part of line", key, np.array([0.28, 0.26, 0.26, 0.2]))
        ]
        if name.startswith("repeat"):
            share = share * 0.6
        step = np.where(self.apps.approved_fen[rows] >= 5_000_000, 500_000, 50_000)
        wished = np.floor(self.apps.approved_fen[rows] * share / step).astype(np.int64) * step
        return np.asarray(
            np.maximum(np.minimum(wished, self.left_fen[rows] // 10_000 * 10_000), 10_000), np.int64
        )

    def _methods(self, rows: I64) -> I8:
        edges = np.cumsum(_METHOD_WEIGHTS, axis=1)[self.apps.product[rows]]
        choice = (self.dice.uniform("method", rows)[:, None] > edges).sum(axis=1)
        return np.asarray(_METHODS[np.minimum(choice, 3)], np.int8)

    def all_draws(self) -> Draws:
        return Draws(
            *(np.concatenate([getattr(part, f.name) for part in self._rounds]) for f in fields(Draws))
        )


def mark_first(apps: Applications, draws: Draws) -> None:
    """Mark the requests of people to whom nothing was paid out before; a failed first one is followed
    by another."""
    person = apps.person[draws.app]
    had = np.zeros(int(apps.person.max()) + 1, np.bool_)
    had[apps.person[: apps.historic]] = True
    order = np.lexsort((draws.submit_ms, person))
    who, ok = person[order], draws.ok[order]
    start = np.flatnonzero(np.r_[True, who[1:] != who[:-1]]) if len(who) else np.zeros(0, np.int64)
    before: I64 = np.cumsum(ok) - ok
    base: I64 = np.repeat(before[start], np.diff(np.r_[start, len(who)]))
    draws.first[order] = (before == base) & ~had[who]
