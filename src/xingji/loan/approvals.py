"""What the bank decides: the way of each submitted application through the stages, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.applications import Applications
from xingji.loan.arrays import DAY_MS, F64, HOUR_MS, I8, I32, I64, NONE, Mask
from xingji.loan.config import SHANGHAI_OFFSET_MS, SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.incidents import BURST, RING
from xingji.loan.people import People
from xingji.loan.vocabulary import HOUSE, HOUSE_FAST, TAX, VALUES, code, codes
from xingji.loan.workdays import WORKDAY, day_table, kind_of_day

ADMISSION, ANTI_FRAUD, CREDIT_REPORT, SCORING, COLLATERAL_REVIEW, MANUAL, FINAL = range(7)
_PASS, _REJECT, _TO_MANUAL, _RETURN = codes("stage_result", "pass", "reject", "to_manual", "return")
_AUTO, _BY_HAND = codes("handler_type", "auto", "manual")

_APPROVE = np.array([0.50, 0.62, 0.52, 0.54, 0.52])
_MANUAL_SHARE = np.array([0.05, 0.04, 0.97, 0.40, 0.30])
_MANUAL_HOURS = np.array([1.5, 1.2, 46.0, 5.0, 3.0])
# reason group: the stage that finds it, and its weight
_REASONS: dict[str, tuple[int, float]] = {
    "准入不符": (ADMISSION, 0.16), "征信不良": (CREDIT_REPORT, 0.20), "多头负债": (CREDIT_REPORT, 0.15),
    "反欺诈": (ANTI_FRAUD, 0.07), "评分不足": (SCORING, 0.26), "押品不足": (COLLATERAL_REVIEW, 0.06),
    "纳税不足": (MANUAL, 0.04), "资料不符": (MANUAL, 0.04), "其他": (FINAL, 0.02),
}  # fmt: skip
# product: least and median request in yuan, and the steps amounts come in
_REQUEST = np.array([(1_000, 24_000, 1_000), (10_000, 60_000, 5_000), (100_000, 620_000, 50_000),
                     (50_000, 210_000, 10_000), (50_000, 160_000, 10_000)])  # fmt: skip
_CEILING = np.array([200_000, 200_000, 3_000_000, 1_000_000, 500_000])
BASE_RATE_BP = np.array([960, 560, 420, 520, 640])
_TERMS = np.array([3, 6, 12, 24, 36, 60, 120])
_TERM_WEIGHTS = np.array(
    [
        [0.08, 0.17, 0.42, 0.20, 0.13, 0.0, 0.0],
        [0.03, 0.10, 0.42, 0.25, 0.20, 0.0, 0.0],
        [0.0, 0.0, 0.18, 0.12, 0.40, 0.20, 0.10],
        [0.0, 0.08, 0.62, 0.20, 0.10, 0.0, 0.0],
        [0.0, 0.05, 0.30, 0.25, 0.30, 0.10, 0.0],
    ]
)


@dataclass(frozen=True)
class StageLog:
    """One row per finished stage, in any order. ``seconds`` is the time since the stage before it ended."""

    app: I32
    stage: I8
    time_ms: I64
    result: I8
    handler: I8
    seconds: I64


def ask(dice: Dice, apps: Applications, rows: I64) -> None:
    """What people ask for when they submit: amount, term, purpose."""
    product = apps.product[rows]
    least, median, step = (_REQUEST[product, part] for part in range(3))
    yuan = np.clip(dice.lognormal("request", rows, median.astype(np.float64), 0.75), least, _CEILING[product])
    apps.amount_fen[rows] = np.maximum(np.rint(yuan / step).astype(np.int64) * step, least) * 100
    u = dice.uniform("term", rows)
    term = np.minimum((u[:, None] > np.cumsum(_TERM_WEIGHTS, axis=1)[product]).sum(axis=1), len(_TERMS) - 1)
    apps.term_months[rows] = _TERMS[term]
    private = dice.pick("purpose", rows, np.array([0.24, 0.12, 0.12, 0.08, 0.08, 0.36]))
    trade = code("purpose", "经营周转") + dice.chance("stock", rows, 0.35)
    apps.purpose[rows] = np.where(np.isin(product, (HOUSE, TAX)), trade, private)


def grade(dice: Dice, people: People, apps: Applications, rows: I64) -> None:
    """The bank's score band and the rate and limit that follow from it."""
    risk = people.risk[apps.person[rows]] * 0.75 + dice.uniform("grade", rows) * 0.25
    band = np.searchsorted(np.array([0.18, 0.42, 0.68, 0.88]), risk)
    apps.score_band[rows] = band
    rate = BASE_RATE_BP[apps.product[rows]] + band * 90 + 5 * dice.between("rate", rows, 0, 12)
    apps.rate_bp[rows] = np.clip(rate, 300, 1_540)
    share = np.array([1.0, 0.9, 0.8, 0.6, 0.5])[
        dice.pick("share", rows, np.array([0.5, 0.15, 0.15, 0.1, 0.1]))
    ]
    thousands = np.maximum(np.floor(apps.amount_fen[rows] * share / 100_000), 1)
    apps.approved_fen[rows] = thousands.astype(np.int64) * 100_000


class Office:
    """Working hours: manual work ends between nine and eighteen on a workday."""

    def __init__(self, config: SimulationConfig) -> None:
        days = day_table(config.first_day, config.days + 80, 1.0).dates
        worked = np.array([kind_of_day(day) == WORKDAY for day in days])
        upcoming = np.where(worked, np.arange(len(days)), len(days))
        self._next = np.minimum.accumulate(upcoming[::-1])[::-1]
        self._config = config

    def close(self, time_ms: I64) -> I64:
        """The first instant in working hours at or after ``time_ms``."""
        local = time_ms + SHANGHAI_OFFSET_MS
        of_day = local % DAY_MS
        day = (time_ms - self._config.start_ms) // DAY_MS
        day = np.clip(day + (of_day >= 18 * HOUR_MS), 0, len(self._next) - 1)
        due = self._next[day]
        moved = (due != (time_ms - self._config.start_ms) // DAY_MS) | (of_day < 9 * HOUR_MS)
        opening = self._config.start_ms + due * DAY_MS + 9 * HOUR_MS + of_day % (8 * HOUR_MS)
        return np.where(moved, opening, time_ms)


def decide(config: SimulationConfig, dice: Dice, people: People, apps: Applications) -> StageLog:
    """Take every submitted application through the stages; those still under way at the end stay
    undecided later."""
    rows = np.flatnonzero(apps.submitted_ms != NONE).astype(np.int64)
    ask(dice, apps, rows)
    grade(dice, people, apps, rows)
    apps.approved[rows] = _verdicts(dice, people, apps, rows)
    held = _stages_of(dice, apps, rows)
    reject_at = _reasons(dice, apps, rows, held)
    return _Walk(config, dice, apps, rows, held, reject_at).run()


def _verdicts(dice: Dice, people: People, apps: Applications, rows: I64) -> Mask:
    chance = _APPROVE[apps.product[rows]] * (1.25 - 0.5 * people.risk[apps.person[rows]])
    chance[apps.channel[rows] == code("channel", "feed_ads")] *= 0.82
    chance[apps.channel[rows] == code("channel", "partner")] *= 0.88
    chance[apps.manager[rows] != NONE] *= 1.12
    chance[apps.burst[rows]] *= BURST.approval
    approved = dice.chance("approve", rows, chance)
    ring = np.flatnonzero(apps.ring[rows])
    approved[ring] = False
    lucky = ring[np.argsort(dice.uniform("ring luck", rows[ring]))[: RING.approved]]
    approved[lucky] = True
    return approved


def _stages_of(dice: Dice, apps: Applications, rows: I64) -> Mask:
    product = apps.product[rows]
    held = np.ones((len(rows), 7), np.bool_)
    held[:, COLLATERAL_REVIEW] = np.isin(product, (HOUSE, HOUSE_FAST))
    held[:, MANUAL] = dice.chance("manual", rows, _MANUAL_SHARE[product]) & ~apps.ring[rows]
    return held


def _reasons(dice: Dice, apps: Applications, rows: I64, held: Mask) -> I64:
    """The stage that rejects each rejected application (``NONE`` for approved ones), and the reason group."""
    stages = np.array([_REASONS[name][0] for name in VALUES["reject_reason_group"]])
    weights = np.array([_REASONS[name][1] for name in VALUES["reject_reason_group"]])
    group = dice.pick("reason", rows, weights)
    group[apps.ring[rows]] = code("reject_reason_group", "反欺诈")
    tax_only = (group == code("reject_reason_group", "纳税不足")) & (apps.product[rows] != TAX)
    unfit = ~held[np.arange(len(rows)), stages[group]] | tax_only
    group[unfit] = code("reject_reason_group", "评分不足")
    rejected = ~apps.approved[rows]
    apps.reject_group[rows] = np.where(rejected, group, NONE)
    return np.where(rejected, stages[group], NONE)


class _Walk:
    """One pass over the seven stages for all applications at once."""

    def __init__(self, config: SimulationConfig, dice: Dice, apps: Applications, rows: I64, held: Mask,
                 reject_at: I64) -> None:  # fmt: skip
        self.dice, self.apps, self.rows, self.held, self.reject_at = dice, apps, rows, held, reject_at
        self.office = Office(config)
        self.time = apps.submitted_ms[rows] + 800
        self.open = np.ones(len(rows), np.bool_)
        self.log: list[StageLog] = []
        product = apps.product[rows]
        by_hand = (product == HOUSE) & dice.chance("valuation", rows, 0.72)
        apps.valuation_manual[rows] = by_hand

    def run(self) -> StageLog:
        """All stages; the decision falls two seconds after the last one."""
        for stage in range(7):
            self._stage(stage)
        rows, apps = self.rows, self.apps
        apps.decided_ms[rows] = self.time + 2_000
        apps.manual[rows] = self.held[:, MANUAL] & ((self.reject_at == NONE) | (self.reject_at >= MANUAL))
        parts = ("app", "stage", "time_ms", "result", "handler", "seconds")
        return StageLog(*(np.concatenate([getattr(piece, part) for piece in self.log]) for part in parts))

    def _stage(self, stage: int) -> None:
        at = np.flatnonzero(self.open & self.held[:, stage])
        rows, begin = self.rows[at], self.time[at]
        by_hand = self._by_hand(stage, rows)
        spent_ms = (np.rint(self._seconds(stage, rows, by_hand)) * 1_000).astype(np.int64)
        end = np.where(by_hand, self.office.close(begin + spent_ms), begin + spent_ms)
        rejects = self.reject_at[at] == stage
        result = np.where(rejects, _REJECT, _PASS)
        if stage == SCORING:
            result = np.where(~rejects & self.held[at, MANUAL], _TO_MANUAL, result)
        if stage == COLLATERAL_REVIEW:
            self.apps.valued_ms[rows] = begin + (end - begin) * 7 // 10
        if stage in (COLLATERAL_REVIEW, MANUAL):
            self._send_back(stage, rows, begin, end, by_hand)
        self._write(stage, rows, end, result, by_hand, begin)
        self.time[at] = end
        self.open[at[rejects]] = False

    def _by_hand(self, stage: int, rows: I64) -> Mask:
        if stage == MANUAL:
            return np.ones(len(rows), np.bool_)
        house = self.apps.product[rows] == HOUSE
        return house if stage in (COLLATERAL_REVIEW, FINAL) else np.zeros(len(rows), np.bool_)

    def _seconds(self, stage: int, rows: I64, by_hand: Mask) -> F64:
        salt, product = f"stage {stage}", self.apps.product[rows]
        if stage == MANUAL:
            return self.dice.lognormal(salt, rows, _MANUAL_HOURS[product] * 3_600.0, 0.55)
        if stage == COLLATERAL_REVIEW:
            hours = np.where(self.apps.valuation_manual[rows], 62.0, np.where(product == HOUSE, 20.0, 0.9))
            return self.dice.lognormal(salt, rows, hours * 3_600.0, 0.45)
        quick = np.array([2.0, 5.0, 22.0, 5.0, 0.0, 0.0, 14.0])[stage]
        return self.dice.lognormal(salt, rows, np.where(by_hand, 9.0 * 3_600.0, quick), 0.4) + 1.0

    def _send_back(self, stage: int, rows: I64, begin: I64, end: I64, by_hand: Mask) -> None:
        back = self.dice.chance(f"return {stage}", rows, 0.10) & by_hand
        middle = begin + (end - begin) // 2
        self._write(
            stage, rows[back], middle[back], np.full(int(back.sum()), _RETURN), by_hand[back], begin[back]
        )

    def _write(self, stage: int, rows: I64, end: I64, result: I64, by_hand: Mask, begin: I64) -> None:
        handler = np.where(by_hand, _BY_HAND, _AUTO).astype(np.int8)
        self.log.append(
            StageLog(
                rows.astype(np.int32),
                np.full(len(rows), stage, np.int8),
                end,
                result.astype(np.int8),
                handler,
                (end - begin) // 1_000,
            )
        )
