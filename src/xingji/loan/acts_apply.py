"""Applying: the pages from the form to the submission, as the journeys decided them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.loan.applications import (
    CREDIT,
    CREDIT_LEFT_MS,
    EXTRA,
    FACE,
    FORM,
    FORM_PAGES,
    OCR,
    REALNAME,
    STAGES,
    SUBMIT,
    TRIES,
)  # fmt: skip
from xingji.loan.arrays import I64, NONE, Mask
from xingji.loan.geography import places
from xingji.loan.journeys import FAILED, LEAD_MS, PAGES_OF_FORM
from xingji.loan.organisations import MANAGERS_PER_OUTLET
from xingji.loan.scene import Scene
from xingji.loan.visits import APPLY, DETAIL_PAGE, ESTIMATE_PAGE, has
from xingji.loan.vocabulary import (
    COLLATERAL,
    HOUSE,
    HOUSE_FAST,
    ID_CARD,
    PROGRESS,
    TAX,
    TAX_PAGE,
    code,
    codes,
)  # fmt: skip
from xingji.loan.vocabulary import (
    CREDIT as CREDIT_PAGE,
)
from xingji.loan.vocabulary import (
    FACE as FACE_PAGE,
)
from xingji.loan.vocabulary import (
    FORM as FORM_PAGE,
)
from xingji.loan.world import World

_PASS, _FAIL = codes("result", "pass", "fail")
_FROM_ESTIMATE, _FROM_DETAIL, _WHITELIST, _RESUME, _MANAGER = codes(
    "entry", "estimate", "detail", "whitelist", "resume", "manager"
)
_TAX_FAILS = np.array(codes("fail_reason", "no_tax_record", "not_legal_person", "service_down", "timeout"))
_PAGE_OF_STAGE = {FORM: FORM_PAGE, OCR: ID_CARD, FACE: FACE_PAGE, CREDIT: CREDIT_PAGE, SUBMIT: PROGRESS}
_STEP_NAMES = codes(
    "at_step",
    "form",
    "ocr",
    "realname",
    "face",
    "credit_authorize",
    "tax_authorize",
    "collateral",
    "approval",
    "sign",
)
AT_FORM, AT_OCR, AT_REALNAME, AT_FACE, AT_CREDIT, AT_TAX, AT_COLLATERAL, AT_APPROVAL, AT_SIGN = _STEP_NAMES
_GIVE_UP_MS = 3_500
_TIMEOUT, _JS_ERROR = codes("error_type", "timeout", "js_error")
_AUTHORIZE_VERSION = codes("authorize_version", "V3.1", "V3.2")


def apply(scene: Scene) -> None:
    """The application block of a day's visits, stage by stage."""
    rows = scene.rows(APPLY)
    if len(rows):
        _Application(scene, rows).play()


class _Application:
    """``rows`` are the scene's visits with an application, ``app`` its row; one visit holds some of its
    stages."""

    def __init__(self, scene: Scene, rows: I64) -> None:
        self.scene, self.rows, self.apps = scene, rows, scene.world.apps
        self.app = scene.visits.app[rows].astype(np.int64)
        self.key = scene.keys(rows)
        self.first = self.apps.start_visit[self.app] == self.key
        self.product = self.apps.product[self.app]
        self.device = scene.visits.device[rows]

    def play(self) -> None:
        """Start or resume, then the stages of this visit."""
        self._start()
        for stage, act in (
            (FORM, self._form), (OCR, self._ocr), (REALNAME, self._realname), (FACE, self._face),
            (CREDIT, self._credit), (EXTRA, self._extra), (SUBMIT, self._submit),
        ):  # fmt: skip
            here = np.flatnonzero(self.apps.visit[self.app, stage] == self.key)
            if len(here):
                act(here)
            self._turn_away(stage)
        self._cancel()

    def _mark(self, here: I64) -> dict[str, Any]:
        return {"product": self.product[here], "application_id": self.app[here]}

    def _referral(self, here: I64) -> dict[str, Any]:
        manager = self.apps.manager[self.app[here]].astype(np.int64)
        return {
            "manager_no": manager,
            "referral_org_path": np.where(manager == NONE, NONE, manager // MANAGERS_PER_OUTLET),
        }

    def _start(self) -> None:
        scene, apps = self.scene, self.apps
        everyone = np.arange(len(self.rows))
        time = np.where(self.first, apps.start_ms[self.app], apps.resume_ms[self.app])
        entry = np.where(has(scene.visits, ESTIMATE_PAGE)[self.rows], _FROM_ESTIMATE, _FROM_DETAIL)
        entry = np.where(~has(scene.visits, DETAIL_PAGE)[self.rows], _WHITELIST, entry)
        entry = np.where(apps.manager[self.app] != NONE, _MANAGER, entry)
        entry = np.where(self.first, entry, _RESUME)
        scene.tell(
            "apply_start",
            self.rows,
            time,
            FORM_PAGE,
            entry=entry,
            is_first_apply=apps.first_apply[self.app],
            **self._mark(everyone),
            **self._referral(everyone),
        )

    def _span(self, stage: int, here: I64) -> tuple[I64, I64]:
        app = self.app[here]
        return self.apps.begin[app, stage], self.apps.end[app, stage]

    def _form(self, here: I64) -> None:
        scene, (begin, end) = self.scene, self._span(FORM, here)
        time = begin + LEAD_MS
        for page in range(FORM_PAGES):
            seconds = self.apps.fill_seconds[self.app[here], page].astype(np.int64)
            done = seconds != NONE
            time = time + np.where(done, seconds * 1_000 + 1_200, 0)
            errors = scene.world.dice.pick(f"errors {page}", self.key[here], np.array([0.8, 0.15, 0.05]))
            scene.tell(
                "form_step_complete",
                self.rows[here],
                time - 300,
                FORM_PAGE,
                done,
                form_page=PAGES_OF_FORM[self.product[here], page],
                fill_seconds=seconds.astype(np.float64),
                error_count=errors,
                **self._mark(here),
            )
            scene.tap(self.rows[here], "form_next", time - 700, done)
        scene.show(self.rows[here], FORM_PAGE, begin - 1_000, np.maximum(end, begin + 1_500) + 200)

    def _ocr(self, here: I64) -> None:
        scene, apps, (begin, end) = self.scene, self.apps, self._span(OCR, here)
        app, rows, time = self.app[here], self.rows[here], begin + LEAD_MS
        for k in range(TRIES):
            took = apps.ocr_ms[app, k].astype(np.int64)
            made = took != NONE
            time = time + np.where(made, 5_000 + took, 0)
            error = apps.ocr_error[app, k]
            scene.tap(rows, "idcard_shoot", time - took - 300, made)
            scene.tell(
                "ocr_id",
                rows,
                time - 200,
                ID_CARD,
                made,
                result=np.where(error == NONE, _PASS, _FAIL),
                error_code=error,
                duration_ms=took,
                attempt_no=np.full(len(here), k + 1, np.int8),
                **self._mark(here),
            )
            late = made & (error == code("error_code", "OCR_TIMEOUT"))
            scene.tell(
                "$error",
                rows,
                time - 150,
                ID_CARD,
                late,
                error_type=np.full(len(here), _TIMEOUT, np.int8),
                error_code=np.full(len(here), code("error_code", "NET_TIMEOUT"), np.int8),
                page_name=np.full(len(here), ID_CARD, np.int8),
                api_name=np.full(len(here), code("api_name", "/api/apply/ocr"), np.int8),
                duration_ms=took,
            )
        scene.show(rows, ID_CARD, begin, end - 100)

    def _realname(self, here: I64) -> None:
        apps = self.apps
        why = apps.realname_fail[self.app[here]]
        took = 300 + 100 * self.scene.world.dice.between("realname ms", self.key[here], 0, 9)
        self.scene.tell("realname_verify", self.rows[here], apps.realname_ms[self.app[here]], server=True,
                        result=np.where(why == NONE, _PASS, _FAIL), fail_reason=why, duration_ms=took,
                        **self._mark(here))  # fmt: skip

    def _face(self, here: I64) -> None:
        scene, apps, (begin, end) = self.scene, self.apps, self._span(FACE, here)
        app, rows, time = self.app[here], self.rows[here], begin + LEAD_MS
        scene.tap(rows, "face_begin", begin + 1_500)
        for k in range(TRIES):
            took = apps.face_ms[app, k].astype(np.int64)
            made = took != NONE
            time = time + np.where(made, 5_000 + took, 0)
            why = apps.face_fail[app, k]
            scene.tell(
                "face_verify",
                rows,
                time - 200,
                where=made,
                server=True,
                fail_reason=why,
                result=np.where(why == NONE, _PASS, _FAIL),
                attempt_no=np.full(len(here), k + 1, np.int8),
                duration_ms=took,
                **self._mark(here),
            )
        scene.show(rows, FACE_PAGE, begin, end - 100)

    def _credit(self, here: I64) -> None:
        """A dead button: taps without reaction, an exception each, and the last one gives up as failed."""
        scene, apps, (begin, end) = self.scene, self.apps, self._span(CREDIT, here)
        app, rows = self.app[here], self.rows[here]
        read, tries = apps.credit_read[app].astype(np.int64), apps.credit_tries[app]
        dead = (apps.credit_result[app] == FAILED) & (tries > 1)
        first = begin + LEAD_MS + read * 1_000
        for k in range(3):
            made = tries > k
            scene.tap(rows, "credit_agree", first + 4_000 * k - 100, made, (~dead).astype(np.int8))
            scene.tell("$error", rows, first + 4_000 * k, CREDIT_PAGE, made & dead,
                       error_type=np.full(len(here), _JS_ERROR, np.int8),
                       error_code=np.full(len(here), code("error_code", "JS_TYPE_ERROR"), np.int8),
                       page_name=np.full(len(here), CREDIT_PAGE, np.int8))  # fmt: skip
        version = np.array(_AUTHORIZE_VERSION)[
            (begin >= scene.world.config.midnight_ms(scene.world.config.days // 2)).astype(np.int64)
        ]
        scene.tell(
            "credit_authorize",
            rows,
            end - CREDIT_LEFT_MS,
            CREDIT_PAGE,
            result=apps.credit_result[app],
            read_seconds=read.astype(np.float64),
            authorize_version=version,
            **self._mark(here),
        )
        scene.show(rows, CREDIT_PAGE, begin, end - 100)

    def _extra(self, here: I64) -> None:
        scene, apps = self.scene, self.apps
        taxed = here[self.product[here] == TAX]
        begin, end = self._span(EXTRA, taxed)
        result, dice = apps.extra_result[self.app[taxed]], scene.world.dice
        why = _TAX_FAILS[dice.pick("tax why", self.key[taxed], np.array([0.45, 0.25, 0.15, 0.15]))]
        place = scene.world.people.place[scene.visits.person[self.rows[taxed]]]
        took = 900 + 300 * dice.between("tax ms", self.key[taxed], 0, 20)
        scene.tap(self.rows[taxed], "tax_agree", begin + 6_000)
        scene.tell("tax_authorize", self.rows[taxed], end - 1_200, server=True, result=result,
                   fail_reason=np.where(result == FAILED, why, NONE), duration_ms=took,
                   tax_province=places().province[place], **self._mark(taxed))  # fmt: skip
        scene.show(self.rows[taxed], TAX_PAGE, begin, end - 100)
        housed = here[np.isin(self.product[here], (HOUSE, HOUSE_FAST))]
        begin, end = self._span(EXTRA, housed)
        kind = dice.pick("collateral", self.app[housed], np.array([0.82, 0.10, 0.05, 0.03]))
        scene.tap(self.rows[housed], "collateral_next", end - 1_900)
        scene.tell("collateral_submit", self.rows[housed], end - 1_200, COLLATERAL, collateral_type=kind,
                   collateral_district=places().district[scene.world.people.place[scene.visits.person[self.rows[housed]]]],
                   **self._mark(housed))  # fmt: skip
        scene.show(self.rows[housed], COLLATERAL, begin, end - 100)

    def _submit(self, here: I64) -> None:
        scene, apps, (_, end) = self.scene, self.apps, self._span(SUBMIT, here)
        app = self.app[here]
        scene.tell(
            "apply_submit",
            self.rows[here],
            end,
            server=True,
            amount=apps.amount_fen[app],
            term_months=apps.term_months[app],
            purpose=apps.purpose[app],
            is_first_apply=apps.first_apply[app],
            **self._mark(here),
            **self._referral(here),
        )
        scene.show(self.rows[here], PROGRESS, end + 300, end + 5_500)

    def _last_visit(self) -> Mask:
        """Whether this visit is the last one of its application."""
        resumed = self.apps.resume_visit[self.app]
        return np.asarray(np.where(resumed == NONE, self.first, ~self.first), np.bool_)

    def _left_at(self, stage: int) -> I64:
        """Rows whose people saw the page of a stage in this visit and left it untouched (or put it off)."""
        apps, app = self.apps, self.app
        gone = self._last_visit() & (apps.end_stage[app] == stage) & ~apps.end_failed[app]
        paused = self.first & (apps.resume_stage[app] == stage)
        return np.flatnonzero((gone | paused) & (apps.visit[app, stage] != self.key))

    def _turn_away(self, stage: int) -> None:
        page = _PAGE_OF_STAGE.get(stage)
        if page is None or stage == SUBMIT:
            return
        here = self._left_at(stage)
        begin = self._stopped_ms(here)
        self.scene.show(self.rows[here], page, begin + 200, begin + 200 + _GIVE_UP_MS)

    def _stopped_ms(self, here: I64) -> I64:
        """When the last stage of this visit ended."""
        apps, app = self.apps, self.app[here]
        held = np.where(apps.visit[app] == self.key[here][:, None], apps.end[app], NONE).max(axis=1)
        begun = np.where(self.first[here], apps.start_ms[app], apps.resume_ms[app])
        return np.asarray(np.maximum(held, begun), np.int64)

    def _cancel(self) -> None:
        """A quarter of those who give up say so; the others are closed by the system after thirty days."""
        apps = self.apps
        here = np.flatnonzero(
            self._last_visit() & (apps.end_stage[self.app] < STAGES) & says_so(self.scene.world, self.app)
        )
        time = self._stopped_ms(here) + 4_500
        app = self.app[here]
        why = self.scene.world.dice.pick("cancel why", app, np.array([0.2, 0.1, 0.3, 0.15, 0.15, 0.0, 0.1]))
        self.scene.tell(
            "apply_cancel",
            self.rows[here],
            time,
            FORM_PAGE,
            at_step=step_of(apps.end_stage[app], self.product[here]),
            cancel_reason=why,
            **self._mark(here),
        )


def says_so(world: World, app: I64) -> Mask:
    """Which applicants who give up cancel themselves."""
    return world.dice.chance("cancels", app, 0.25)


def step_of(stage: np.ndarray, product: np.ndarray) -> np.ndarray:
    """The plan's name of the step at which an application stopped."""
    table = np.array([AT_FORM, AT_OCR, AT_REALNAME, AT_FACE, AT_CREDIT, AT_CREDIT, AT_CREDIT])
    step = table[np.minimum(stage, SUBMIT)]
    extra = np.where(
        product == TAX, AT_TAX, np.where(np.isin(product, (HOUSE, HOUSE_FAST)), AT_COLLATERAL, AT_CREDIT)
    )
    return np.where(stage >= EXTRA, extra, step).astype(np.int8)
