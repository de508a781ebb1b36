"""Signing, drawing, looking at one's loans and paying them back."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.loan.acts_login import DRAW_SCENE, SIGN_SCENE, play_codes
from xingji.loan.arrays import I64, NONE
from xingji.loan.lending import SIGN_ANSWER_MS, SUBMIT_AFTER_CODE_MS
from xingji.loan.organisations import organisations
from xingji.loan.scene import Scene
from xingji.loan.visits import DRAW_PAGE, LOANS_PAGE, REPAY_PAGE, SIGN_PAGE
from xingji.loan.vocabulary import DRAW, MY_LOANS, REPAY, SIGN, codes

_SUCCESS, _FAIL = codes("result", "success", "fail")
_GRANT = codes("change_type", "grant")[0]


def money(scene: Scene) -> None:
    """All blocks in which contracts are made and money moves."""
    _sign(scene)
    _draw(scene)
    _look(scene)
    _repay(scene)


def _sign(scene: Scene) -> None:
    rows = scene.rows(SIGN_PAGE)
    if not len(rows):
        return
    apps, app, checks = (
        scene.world.apps,
        scene.visits.app[rows].astype(np.int64),
        scene.offsets.codes[SIGN_PAGE],
    )
    everyone = np.ones(len(rows), np.bool_)
    scene.tap(rows, "sign_agree", checks.requested_ms[:, 0] - 600)
    play_codes(scene, rows, checks, np.full(len(rows), SIGN_SCENE, np.int8), everyone)
    why = apps.sign_fail[app]
    ok = why == NONE
    time = checks.end_ms + SIGN_ANSWER_MS
    scene.tell("contract_sign", rows, time, server=True, product=apps.product[app], application_id=app,
               result=np.where(ok, _SUCCESS, _FAIL), credit_line_id=np.where(ok, app, NONE),
               sign_amount=apps.approved_fen[app], fail_reason=why)  # fmt: skip
    scene.tell("credit_line_change", rows, time + 400, where=ok, server=True, product=apps.product[app],
               credit_line_id=app, change_type=np.full(len(rows), _GRANT, np.int8),
               limit_before=np.zeros(len(rows), np.int64), limit_after=apps.approved_fen[app])  # fmt: skip
    scene.show(rows, SIGN, scene.begin(SIGN_PAGE, rows), scene.end(SIGN_PAGE, rows))


def _draw(scene: Scene) -> None:
    rows = scene.rows(DRAW_PAGE)
    if not len(rows):
        return
    checks = scene.offsets.codes[DRAW_PAGE]
    play_codes(scene, rows, checks, np.full(len(rows), DRAW_SCENE, np.int8), np.ones(len(rows), np.bool_))
    asked = np.flatnonzero(scene.visits.draw[rows] != NONE)
    _request(scene, rows[asked])
    scene.show(rows, DRAW, scene.begin(DRAW_PAGE, rows), scene.end(DRAW_PAGE, rows))


def _request(scene: Scene, rows: I64) -> None:
    world, draws = scene.world, scene.world.draws
    draw = scene.visits.draw[rows].astype(np.int64)
    app = draws.app[draw].astype(np.int64)
    outlet = world.people.outlet[scene.visits.person[rows]].astype(np.int64)
    shared: dict[str, Any] = {
        "product": world.apps.product[app],
        "application_id": app,
        "credit_line_id": app,
        "loan_id": draws.number[draw],
        "amount": draws.amount_fen[draw],
        "term_months": draws.term_months[draw],
    }
    scene.tap(rows, "draw_go", draws.submit_ms[draw] - SUBMIT_AFTER_CODE_MS + 500)
    scene.tell("drawdown_submit", rows, draws.submit_ms[draw], DRAW, repay_method=draws.method[draw],
               purpose=draws.purpose[draw], **shared)  # fmt: skip
    scene.tell(
        "drawdown_result", rows, draws.result_ms[draw], server=True,
        result=np.where(draws.ok[draw], _SUCCESS, _FAIL), rate_pct=world.apps.rate_bp[app],
        is_first_drawdown=draws.first[draw], fail_reason=draws.fail[draw],
        booking_org_l1=organisations().first_level[outlet], booking_org_l2=organisations().branch[outlet],
        manager_no=world.apps.manager[app], **shared,
    )  # fmt: skip


def _look(scene: Scene) -> None:
    rows = scene.rows(LOANS_PAGE)
    begin, end = scene.begin(LOANS_PAGE, rows), scene.end(LOANS_PAGE, rows)
    scene.tap(rows, "loan_card", begin + 3_500, scene.chance("loan card", rows, 0.5))
    scene.show(rows, MY_LOANS, begin, end)


def _repay(scene: Scene) -> None:
    rows = scene.rows(REPAY_PAGE)
    repay = scene.visits.repay[rows].astype(np.int64)
    repays, loans = scene.world.repays, scene.world.loans
    loan = repays.loan[repay]
    scene.tap(rows, "repay_go", repays.submit_ms[repay] - 400)
    scene.tell(
        "repayment_submit",
        rows,
        repays.submit_ms[repay],
        REPAY,
        product=loans.product[loan],
        loan_id=loans.number[loan],
        repay_type=repays.kind[repay],
        amount=repays.amount_fen[repay],
    )
    scene.show(rows, REPAY, scene.begin(REPAY_PAGE, rows), scene.end(REPAY_PAGE, rows))
