"""What the bank's systems write about applications, in the context of the visit that asked for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.loan.acts_apply import AT_SIGN, says_so, step_of
from xingji.loan.agenda import Agenda
from xingji.loan.applications import STAGES, SUBMIT
from xingji.loan.arrays import DAY_MS, I64, NONE
from xingji.loan.organisations import MANAGERS_PER_OUTLET
from xingji.loan.sink import BATCH, SERVER, Sink
from xingji.loan.vocabulary import code, codes
from xingji.loan.world import World

_APPROVED, _REJECTED = codes("result", "approved", "rejected")
_AUTO, _MANUAL = codes("approval_mode", "auto", "manual")
_EXPIRY_MS = 30 * DAY_MS


class BackOffice:
    """Approval stages, valuations, decisions, closings, postings: each on the day it happens."""

    def __init__(self, world: World, sink: Sink) -> None:
        self.world, self.sink, self.apps = world, sink, world.apps
        config = world.config
        self._stages = Agenda(config, world.stages.time_ms)
        self._valued = Agenda(config, self.apps.valued_ms)
        self._decided = Agenda(config, self.apps.decided_ms)
        self._postings = Agenda(config, world.postings.time_ms)
        self.expiry_ms, self.expiry_step = expiries(world)
        self._expired = Agenda(config, self.expiry_ms)

    def work(self, day: int) -> None:
        """All of a day."""
        self._stage(self._stages.on(day))
        self._value(self._valued.on(day))
        self._decide(self._decided.on(day))
        self._expire(self._expired.on(day))
        self._post(self._postings.on(day))

    def _visit_of(self, app: I64) -> I64:
        return np.asarray(self.apps.visit[app, SUBMIT], np.int64)

    def _stage(self, rows: I64) -> None:
        log = self.world.stages
        app = log.app[rows].astype(np.int64)
        self.sink.add("approval_stage", log.time_ms[rows], visit=self._visit_of(app), origin=SERVER,
                      product=self.apps.product[app], application_id=app, stage=log.stage[rows],
                      stage_result=log.result[rows], handler_type=log.handler[rows],
                      stage_seconds=log.seconds[rows].astype(np.float64))  # fmt: skip

    def _value(self, app: I64) -> None:
        worth, ltv = valuation(self.world, app)
        self.sink.add(
            "collateral_valuation",
            self.apps.valued_ms[app],
            visit=self._visit_of(app),
            origin=SERVER,
            product=self.apps.product[app],
            application_id=app,
            valuation_amount=worth,
            ltv_pct=ltv,
            valuation_mode=self.apps.valuation_manual[app].astype(np.int8),
        )

    def _decide(self, app: I64) -> None:
        app = app[app >= self.apps.historic]
        apps, good = self.apps, self.apps.approved[app]
        self.sink.add(
            "approval_result",
            apps.decided_ms[app],
            visit=self._visit_of(app),
            origin=SERVER,
            product=apps.product[app],
            application_id=app,
            result=np.where(good, _APPROVED, _REJECTED),
            approved_amount=np.where(good, apps.approved_fen[app], 0),
            rate_pct=apps.rate_bp[app],
            approval_mode=np.where(apps.manual[app], _MANUAL, _AUTO),
            reject_reason_group=apps.reject_group[app],
            score_band=apps.score_band[app],
        )

    def _expire(self, app: I64) -> None:
        """Thirty days without a step: the system closes the application."""
        manager = self.apps.manager[app].astype(np.int64)
        self.sink.add(
            "apply_cancel",
            self.expiry_ms[app],
            person=self.apps.person[app],
            origin=BATCH,
            product=self.apps.product[app],
            application_id=app,
            at_step=self.expiry_step[app],
            cancel_reason=np.full(len(app), code("cancel_reason", "timeout"), np.int8),
            channel=self.apps.channel[app],
            referral_org_path=np.where(manager == NONE, NONE, manager // MANAGERS_PER_OUTLET),
        )

    def _post(self, rows: I64) -> None:
        posts, loans = self.world.postings, self.world.loans
        for batch in (True, False):
            part = rows[(posts.visit[rows] == NONE) == batch]
            loan = posts.loan[part]
            app = loans.app[loan].astype(np.int64)
            columns = {
                "product": loans.product[loan],
                "application_id": app,
                "loan_id": loans.number[loan],
                "repayment_id": loans.number[loan] * 1_000 + posts.period[part],
                "period_no": posts.period[part],
                "result": posts.result[part],
                "repay_type": posts.kind[part],
                "pay_mode": posts.mode[part],
                "amount": posts.amount_fen[part],
                "interest_amount": posts.interest_fen[part],
                "fail_reason": posts.fail[part],
            }
            if batch:
                self.sink.add(
                    "repayment_posted",
                    posts.time_ms[part],
                    person=loans.person[loan],
                    origin=BATCH,
                    **columns,
                    **inherited(self.world, app),
                )
            else:
                self.sink.add(
                    "repayment_posted", posts.time_ms[part], visit=posts.visit[part], origin=SERVER, **columns
                )


def inherited(world: World, app: I64) -> dict[str, Any]:
    """What batch rows keep of their application: its channel and who referred it."""
    manager = world.apps.manager[app].astype(np.int64)
    return {
        "channel": world.apps.channel[app],
        "referral_org_path": np.where(manager == NONE, NONE, manager // MANAGERS_PER_OUTLET),
    }


def valuation(world: World, app: I64) -> tuple[I64, I64]:
    """What the house is worth (fen, whole ten thousands of yuan) and the request as a share of it
    (hundredths of %)."""
    asked = world.apps.amount_fen[app]
    factor = 130 + 10 * world.dice.between("worth", app, 0, 13)
    worth = np.maximum(asked * factor // 100_000_000, 1) * 1_000_000
    return worth, np.minimum(np.rint(asked * 10_000.0 / worth).astype(np.int64), 10_000)


def expiries(world: World) -> tuple[I64, np.ndarray]:
    """When the system closes each application left open (``NONE``: never), and at which step it stood."""
    apps = world.apps
    rows = np.arange(len(apps), dtype=np.int64)
    window = rows >= apps.historic
    left = window & (apps.end_stage < STAGES) & ~says_so(world, rows)
    unsigned = window & apps.approved & (apps.signed_ms == NONE)
    last = np.where(left, np.maximum(apps.start_ms, apps.resume_ms), apps.decided_ms)
    midnight = (
        (last + _EXPIRY_MS - world.config.start_ms) // DAY_MS * DAY_MS + world.config.start_ms + 30 * 60_000
    )
    time = np.where(left | unsigned, midnight + rows % 1_000 * 200, NONE)
    step = np.where(unsigned, AT_SIGN, step_of(apps.end_stage, apps.product))
    return time, np.asarray(step, np.int8)
