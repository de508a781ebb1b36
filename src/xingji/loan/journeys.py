"""What happens inside the visits of an application: each stage is played where the person then is."""

from __future__ import annotations

import numpy as np

from xingji.loan.applications import (
    FORM,
    FORM_PAGES,
    REALNAME,
    STAGES,
    TRIES,
    Applications,
)  # fmt: skip
from xingji.loan.arrays import DAY_MS, F64, HOUR_MS, I64, NONE, Mask
from xingji.loan.config import SHANGHAI_OFFSET_MS, SimulationConfig
from xingji.loan.devices import Devices, app_versions
from xingji.loan.dice import Dice, field
from xingji.loan.geography import places
from xingji.loan.incidents import OCR as OUTAGE
from xingji.loan.incidents import PAGE
from xingji.loan.people import People
from xingji.loan.script import Script
from xingji.loan.visits import APPLY, CLOSE, HOME_PAGE, OPEN, VisitBook, bit
from xingji.loan.vocabulary import HOUSE, HOUSE_FAST, TAX, code, codes

LEAD_MS = 2_500  # from opening the stage's page to its first act
_FILL_MS = 1_200
_SHOOT_MS = 5_000
_REALNAME_MS = 1_600
_SUBMIT_MS = 2_400

# Probability of leaving before a stage, per product
_LEAVE = np.array(
    [
        [0.00, 0.05, 0.005, 0.035, 0.045, 0.00, 0.03],
        [0.00, 0.045, 0.005, 0.03, 0.04, 0.00, 0.03],
        [0.00, 0.07, 0.005, 0.05, 0.06, 0.14, 0.05],
        [0.00, 0.06, 0.005, 0.04, 0.05, 0.08, 0.04],
        [0.00, 0.055, 0.005, 0.04, 0.05, 0.10, 0.04],
    ]
)
_FORM_LEAVE = np.array([0.055, 0.05, 0.085, 0.08, 0.07])  # per page
_PAUSE = 0.05
_RESUMED = 0.62
PAGES_OF_FORM = np.array(
    [
        codes("form_page", "basic", "job", "contact", "bank_card"),
        codes("form_page", "basic", "job", "contact", "bank_card"),
        (*codes("form_page", "basic", "property", "bank_card"), NONE),
        (*codes("form_page", "basic", "company", "bank_card"), NONE),
        (*codes("form_page", "basic", "property", "contact"), NONE),
    ],
    np.int8,
)
_OCR_ERRORS = codes("error_code", "OCR_BLUR", "OCR_GLARE", "OCR_TIMEOUT", "OCR_EXPIRED_ID")
_TIMEOUT = code("error_code", "OCR_TIMEOUT")
_REALNAME_FAILS = codes("fail_reason", "mismatch", "expired_id", "minor", "service_down")
_FACE_FAILS = codes("fail_reason", "liveness", "low_quality", "mismatch", "timeout", "user_cancel")
SIGNED, REFUSED, FAILED = codes("result", "signed", "refused", "failed")
_ANDROID, _H5 = code("platform", OUTAGE.platform), code("platform", PAGE.platform)
_BAD_VERSION, _BAD_BROWSER = code("$app_version", OUTAGE.app_version), code("$browser", PAGE.browser)


class Journeys:
    """Plays all applications of the window, stage by stage, writing what happened into their table."""

    def __init__(
        self,
        config: SimulationConfig,
        dice: Dice,
        people: People,
        devices: Devices,
        book: VisitBook,
        script: Script,
        apps: Applications,
        device: I64,
    ) -> None:
        self.config, self.dice, self.people, self.devices = config, dice, people, devices
        self.book, self.script, self.apps = book, script, apps
        self.rows = np.arange(apps.historic, len(apps))
        self.id = self.rows.astype(np.int64)
        self.alive = np.ones(len(self.rows), np.bool_)
        self.time = apps.start_ms[self.rows] + 600
        self.visit = apps.start_visit[self.rows].copy()
        self.device = device.copy()
        self.resumed = np.zeros(len(self.rows), np.bool_)
        self.product = apps.product[self.rows]
        self.friction = self._friction()

    def play(self) -> None:
        """All stages; afterwards the spans of the visits follow from where people stopped."""
        stages = (self._form, self._ocr, self._realname, self._face, self._credit, self._extra, self._submit)
        for stage, act in enumerate(stages):
            if stage > FORM and stage != REALNAME:
                self._pause(stage)
            if stage != FORM:
                self._stop(stage, self.alive & self._chance("leave", stage, self._leave(stage)), failed=False)
            live = np.flatnonzero(self.alive)
            self.apps.begin[self.rows[live], stage] = self.time[live]
            self.apps.visit[self.rows[live], stage] = self.visit[live]
            spent, failed = act(live)
            self.time[live] += spent
            self.apps.end[self.rows[live], stage] = self.time[live]
            lost = np.zeros(len(self.rows), np.bool_)
            lost[live] = failed
            self._stop(stage, lost, failed=True)
        self.apps.end_stage[self.rows[self.alive]] = STAGES
        self._spans()

    def _friction(self) -> F64:
        """How much readier people are to give up: by channel, city, hour and the age of their version."""
        apps, rows = self.apps, self.rows
        channel = apps.channel[rows]
        hour = (apps.start_ms[rows] + SHANGHAI_OFFSET_MS) % DAY_MS // HOUR_MS
        version = app_versions(self.config, self.devices, self.device, self.book.day_of(apps.start_ms[rows]))
        factor = np.ones(len(rows))
        factor[channel == code("channel", "feed_ads")] *= 1.5
        factor[channel == code("channel", "partner")] *= 1.25
        factor[apps.manager[rows] != NONE] *= 0.7
        factor[self.people.place[apps.person[rows]] >= places().local] *= 1.15
        factor[(hour >= 23) | (hour < 6)] *= 1.3
        factor[version == code("$app_version", "8.1.0")] *= 1.35
        factor[apps.ring[rows]] = 0.1
        return factor

    def _chance(self, name: str, stage: int, probability: F64 | float) -> Mask:
        return self.dice.chance(f"{name} {stage}", self.id, probability)

    def _leave(self, stage: int) -> F64:
        chance = _LEAVE[self.product, stage] * self.friction
        return np.asarray(np.minimum(chance, 0.6), np.float64)

    def _stop(self, stage: int, who: Mask, *, failed: bool) -> None:
        gone = self.rows[who]
        self.apps.end_stage[gone] = stage
        self.apps.end_failed[gone] = failed
        self.alive &= ~who

    def _pause(self, stage: int) -> None:
        """Some put the phone away here; most of them come back within days, perhaps elsewhere, and go on."""
        away = self.alive & ~self.resumed & self._chance("pause", stage, _PAUSE) & ~self.apps.ring[self.rows]
        back = away & self._chance("come back", stage, _RESUMED)
        gap_ms = (self.dice.lognormal("gap", self.id, 9.0, 1.2) * HOUR_MS).astype(np.int64)
        start = awake(self.time + np.clip(gap_ms, 40 * 60_000, 25 * DAY_MS))
        back &= start < self.config.as_of_ms
        self._stop(stage, away & ~back, failed=False)
        who = np.flatnonzero(back)
        if not len(who):
            return
        rows, apps = self.rows[who], self.apps
        bits = np.where(self.dice.chance("home again", who, 0.5), bit(HOME_PAGE), 0) | bit(OPEN, APPLY, CLOSE)
        visits = self.book.add(
            apps.person[rows],
            start[who],
            bits,
            app=rows,
            product=apps.product[rows],
            channel=apps.channel[rows],
        )
        self.visit[who], self.device[who], self.resumed[who] = visits.key, visits.device, True
        apps.resume_visit[rows], apps.resume_stage[rows] = visits.key, stage
        apps.resume_ms[rows] = self.script.offsets(visits).begin[:, APPLY] + 500
        self.time[who] = apps.resume_ms[rows] + 1_200

    def _form(self, live: I64) -> tuple[I64, Mask]:
        """Pages of the form, each filled in some seconds; leaving after a page ends the journey."""
        rows, ring = self.rows[live], self.apps.ring[self.rows[live]]
        spent, filling = np.full(len(live), LEAD_MS), np.ones(len(live), np.bool_)
        for page in range(FORM_PAGES):
            filling &= PAGES_OF_FORM[self.product[live], page] != NONE
            seconds = np.clip(np.rint(self.dice.lognormal(f"fill {page}", live, 26.0, 0.5)), 8, 600).astype(
                np.int64
            )
            seconds = np.where(ring, self.dice.between(f"fast {page}", live, 2, 8), seconds)
            stays = ~self.dice.chance(
                f"form {page}", live, _FORM_LEAVE[self.product[live]] * self.friction[live]
            )
            filling &= stays | ring
            self.apps.fill_seconds[rows[filling], page] = seconds[filling]
            self.apps.form_done[rows] += filling
            spent = spent + np.where(filling, seconds * 1_000 + _FILL_MS, 0)
        needed = (PAGES_OF_FORM[self.product[live]] != NONE).sum(axis=1)
        return spent, self.apps.form_done[rows] < needed

    def _ocr(self, live: I64) -> tuple[I64, Mask]:
        """Up to three shots of the identity card; on one version they time out for a day (I1)."""
        rows, time = self.rows[live], self.time[live] + LEAD_MS
        version = app_versions(self.config, self.devices, self.device[live], self.book.day_of(time))
        exposed = (self.devices.platform[self.device[live]] == _ANDROID) & (version == _BAD_VERSION)
        trying, passed = np.ones(len(live), np.bool_), np.zeros(len(live), np.bool_)
        for k in range(TRIES):
            struck = exposed & OUTAGE.spell.covers(self.config, time)
            rate = np.where(struck, OUTAGE.fail_rate, OUTAGE.usual_fail_rate)
            failed = self.dice.chance(f"ocr {k}", live, rate)
            error = np.array(_OCR_ERRORS)[
                self.dice.pick(f"ocr error {k}", live, np.array([0.5, 0.3, 0.1, 0.1]))
            ]
            error = np.where(failed, np.where(struck, _TIMEOUT, error), NONE)
            took = np.where(
                error == _TIMEOUT, 15_000, 900 + 100 * self.dice.between(f"ocr ms {k}", live, 0, 16)
            )
            at = rows[trying]
            self.apps.ocr_tries[at] += 1
            self.apps.ocr_error[at, k], self.apps.ocr_ms[at, k] = error[trying], took[trying]
            time = time + np.where(trying, _SHOOT_MS + took, 0)
            passed |= trying & ~failed
            trying &= failed & ~self.dice.chance(f"ocr give up {k}", live, np.where(struck, 0.60, 0.12))
        return time - self.time[live] + 800, ~passed

    def _realname(self, live: I64) -> tuple[I64, Mask]:
        """The check against the register, right after the card was read."""
        failed = self.dice.chance("realname", live, 0.025) & ~self.apps.ring[self.rows[live]]
        reason = np.array(_REALNAME_FAILS)[
            self.dice.pick("realname why", live, np.array([0.6, 0.2, 0.05, 0.15]))
        ]
        self.apps.realname_fail[self.rows[live]] = np.where(failed, reason, NONE)
        return np.full(len(live), _REALNAME_MS), failed

    def _face(self, live: I64) -> tuple[I64, Mask]:
        """Up to three tries before the camera; older versions and some makes do worse."""
        rows, time = self.rows[live], self.time[live] + LEAD_MS
        model = self.devices.make[self.device[live]]
        rate = 0.085 + 0.07 * (model % 7 == 3) + 0.02 * (self.friction[live] > 1.3)
        trying, passed = np.ones(len(live), np.bool_), np.zeros(len(live), np.bool_)
        for k in range(TRIES):
            failed = self.dice.chance(f"face {k}", live, rate)
            why = self.dice.pick(f"face why {k}", live, np.array([0.45, 0.25, 0.12, 0.10, 0.08]))
            took = 1_200 + 100 * self.dice.between(f"face ms {k}", live, 0, 24)
            at = rows[trying]
            self.apps.face_tries[at] += 1
            self.apps.face_fail[at, k] = np.where(failed, np.array(_FACE_FAILS)[why], NONE)[trying]
            self.apps.face_ms[at, k] = took[trying]
            time = time + np.where(trying, _SHOOT_MS + took, 0)
            passed |= trying & ~failed
            trying &= failed & ~self.dice.chance(f"face give up {k}", live, 0.2)
        return time - self.time[live] + 800, ~passed

    def _credit(self, live: I64) -> tuple[I64, Mask]:
        """Reading and signing; in one browser the button is dead for four days (I3), whoever taps it."""
        rows = self.rows[live]
        read = np.clip(np.rint(self.dice.lognormal("read", live, 12.0, 0.6)), 2, 300).astype(np.int64)
        self.apps.credit_read[rows] = read
        time = self.time[live] + LEAD_MS + read * 1_000
        dead = (self.devices.platform[self.device[live]] == _H5) & (
            self.devices.browser[self.device[live]] == _BAD_BROWSER
        )
        struck = (
            dead
            & PAGE.spell.covers(self.config, time)
            & self.dice.chance("dead button", live, PAGE.fail_rate)
        )
        u = self.dice.uniform("sign", live)
        refused = (u < 0.05 * self.friction[live]) & ~self.apps.ring[rows]
        failed = ~refused & (struck | ((u > 0.988) & ~self.apps.ring[rows]))
        self.apps.credit_result[rows] = np.where(refused, REFUSED, np.where(failed, FAILED, SIGNED))
        tries = np.where(failed & struck, 2 + self.dice.between("taps", live, 0, 2), 1)
        self.apps.credit_tries[rows] = tries
        return LEAD_MS + read * 1_000 + 1_500 + (tries - 1) * 4_000, refused | failed

    def _extra(self, live: I64) -> tuple[I64, Mask]:
        """The tax authority's consent, or the house that is pledged."""
        rows, product = self.rows[live], self.product[live]
        taxed, housed = product == TAX, np.isin(product, (HOUSE, HOUSE_FAST))
        u = self.dice.uniform("extra", live)
        result = np.where(u < 0.04, REFUSED, np.where(u < 0.12, FAILED, SIGNED))
        self.apps.extra_result[rows] = np.where(taxed, result, NONE)
        stay = self.script.stay("extra", live, (14_000, 45_000))
        return np.where(taxed | housed, stay, 0), taxed & (result != SIGNED)

    def _submit(self, live: I64) -> tuple[I64, Mask]:
        """The last page: how much, for how long, for what."""
        return _SUBMIT_MS + field(self.dice.bits("submit", live), 0, 9_000), np.zeros(len(live), np.bool_)

    def _spans(self) -> None:
        """How long the application keeps its first visit, and the one in which it was resumed."""
        apps, rows = self.apps, self.rows
        resumed = apps.resume_stage[rows]
        last_first = np.where(resumed == NONE, STAGES, resumed)
        ends = apps.end[rows]
        stage = np.arange(STAGES)
        in_first = np.where(stage < last_first[:, None], ends, NONE).max(axis=1)
        apps.span_ms[rows] = np.maximum(in_first - apps.start_ms[rows], 0) + 6_000
        later = np.where(resumed == NONE, 0, np.maximum(ends.max(axis=1), apps.resume_ms[rows] + 4_000))
        apps.resume_span_ms[rows] = np.where(resumed == NONE, 0, later - apps.resume_ms[rows] + 6_000)


def awake(time_ms: I64) -> I64:
    """Move what would fall between midnight and seven to the morning."""
    of_day = (time_ms + SHANGHAI_OFFSET_MS) % DAY_MS
    return np.where(of_day < 7 * HOUR_MS, time_ms + 7 * HOUR_MS, time_ms)
