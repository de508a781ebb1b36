"""True funnels: people from impression to money per product, applications from start to money, and who
crosses devices."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.loan.applications import SUBMIT
from xingji.loan.approvals import StageLog
from xingji.loan.arrays import DAY_MS, I64, NONE
from xingji.loan.columns import CUSTOMER_KEY, DEVICE_KEY
from xingji.loan.journeys import SIGNED
from xingji.loan.ledger import Ledger
from xingji.loan.truth_order import Milestones, chain
from xingji.loan.vocabulary import PRODUCTS, VALUES
from xingji.loan.world import World

PERSON_STEPS = (
    "product_impression",
    "view_product",
    "quota_estimate",
    "apply_start",
    "realname_verify",
    "face_verify",
    "credit_authorize",
    "apply_submit",
    "approval_result",
    "contract_sign",
    "drawdown_result",
)
APPLICATION_STEPS = ("apply_start", *PERSON_STEPS[4:])
CROSS_WINDOW_MS = 14 * DAY_MS
_SAMPLE = 50


def application_times(world: World) -> dict[str, I64]:
    """When each application passed each step of the main funnel (``NONE``: it did not)."""
    apps, draws = world.apps, world.draws
    far = np.iinfo(np.int64).max
    drawn = np.full(len(apps), far)
    np.minimum.at(drawn, draws.app[draws.ok], draws.result_ms[draws.ok])
    window = np.arange(len(apps)) >= apps.historic

    def only(held: Any, time: I64) -> I64:
        return np.where(held & window, time, NONE)

    return {
        "apply_start": only(True, apps.start_ms),
        "realname_verify": only(apps.realname_fail == NONE, apps.realname_ms),
        "face_verify": only(True, apps.face_passed_ms),
        "credit_authorize": only(apps.credit_result == SIGNED, apps.credit_ms),
        "apply_submit": only(True, apps.submitted_ms),
        "approval_result": only(apps.approved, apps.decided_ms),
        "contract_sign": only(True, apps.signed_ms),
        "drawdown_result": np.where(drawn != far, drawn, NONE),
    }


def application_funnel(world: World) -> dict[str, list[int]]:
    """Applications per product that reached each step of ``APPLICATION_STEPS``, over the whole log."""
    times = application_times(world)
    reached = times["apply_start"] != NONE
    out: dict[str, list[int]] = {name: [] for name in PRODUCTS}
    for step in APPLICATION_STEPS:
        reached &= (times[step] != NONE) & (times[step] < world.config.as_of_ms)
        counts = np.bincount(world.apps.product[reached], minlength=len(PRODUCTS))
        for product, name in enumerate(PRODUCTS):
            out[name].append(int(counts[product]))
    return out


def person_funnel(world: World, ledger: Ledger) -> dict[str, list[int]]:
    """People per product at each of ``PERSON_STEPS`` within T-90 … T-61, the product held constant.

    Each person counts once, for the product that got furthest (then the earliest to get there).
    """
    config = world.config
    span = config.midnight_ms(config.day_before(90)), config.midnight_ms(config.day_before(60))
    steps = _person_milestones(world, ledger, span)
    unit, depth, last = chain(steps[0].first(), steps[1:])
    user, product = unit // 5, unit % 5
    order = np.lexsort((last, -depth, user))
    best = order[np.r_[True, user[order][1:] != user[order][:-1]]] if len(order) else order
    return {
        name: [
            int(((product[best] == code) & (depth[best] >= k)).sum()) for k in range(1, len(PERSON_STEPS) + 1)
        ]
        for code, name in enumerate(PRODUCTS)
    }


def _person_milestones(world: World, ledger: Ledger, span: tuple[int, int]) -> list[Milestones]:
    apps, draws, times = world.apps, world.draws, application_times(world)
    person = apps.person.astype(np.int64) * 5 + apps.product
    out = []
    for kind, width in (("impression", 3), ("view", 4), ("estimate", 3)):
        user, product, time, *_ = ledger.of(kind, width)
        out.append(Milestones.of(user * 5 + product, time, *span))
    both = np.concatenate([times["apply_start"], apps.resume_ms])
    out.append(Milestones.of(np.concatenate([person, person]), both, *span))
    out += [Milestones.of(person, times[name], *span) for name in PERSON_STEPS[4:-1]]
    paid = np.where(draws.ok, draws.result_ms, NONE)
    out.append(Milestones.of(person[draws.app], paid, *span))
    return out


def identity(world: World, ledger: Ledger) -> dict[str, Any]:
    """Question 8: conversions from looking to applying, by person and by device, and devices that
    people share."""
    config, apps = world.config, world.apps
    span = config.midnight_ms(config.day_before(30)), config.midnight_ms(config.days)
    user, _, time, device = ledger.of("view", 4)
    submit = apps.submitted_ms
    on_device = world.visits.device[np.maximum(apps.visit[:, SUBMIT], 0)].astype(np.int64)
    by_user = _converted(Milestones.of(user, time, *span), Milestones.of(apps.person, submit, *span))
    by_device = _converted(Milestones.of(device, time, *span), Milestones.of(on_device, submit, *span))
    return {
        "by_user": list(by_user),
        "by_device": list(by_device),
        "cross_device_conversions": by_user[1] - by_device[1],
        **_shared(world),
    }


def _converted(views: Milestones, submits: Milestones) -> tuple[int, int]:
    """Units that viewed, and those of them that submitted within the window after a view."""
    seen = views.before(submits.unit, submits.time_ms)
    ok = (seen != NONE) & (submits.time_ms - seen <= CROSS_WINDOW_MS)
    return len(np.unique(views.unit)), len(np.unique(submits.unit[ok]))


def _shared(world: World) -> dict[str, Any]:
    """Devices on which several people logged in; a family has at most four members, a ring many more."""
    visits = world.visits
    entering = np.flatnonzero((visits.mode >= 1) & (world.login_ms < world.config.as_of_ms))
    pair = np.unique(visits.device[entering].astype(np.int64) * len(world.people) + visits.person[entering])
    device, person = pair // len(world.people), pair % len(world.people)
    count = np.bincount(device, minlength=len(world.devices))
    shared = np.flatnonzero((count >= 2) & (count <= 4))
    family = {
        DEVICE_KEY.name(int(d)): [CUSTOMER_KEY.name(int(p)) for p in person[device == d]]
        for d in shared[:_SAMPLE]
    }
    return {
        "shared_devices": len(shared),
        "people_on_shared_devices": int(count[shared].sum()),
        "shared_devices_sample": family,
    }


def process(world: World) -> dict[str, Any]:
    """Per product: from submission to decision, each stage's wait, and how long valuations take."""
    return {name: _product_process(world, code) for code, name in enumerate(PRODUCTS)}


def _product_process(world: World, product: int) -> dict[str, Any]:
    apps, log, as_of = world.apps, world.stages, world.config.as_of_ms
    mine = apps.product == product
    decided = mine & (apps.submitted_ms != NONE) & (apps.decided_ms != NONE) & (apps.decided_ms < as_of)
    rows = mine[log.app] & (log.time_ms < as_of)
    return {
        "submit_to_decision": _times((apps.decided_ms - apps.submitted_ms)[decided] / 1_000.0),
        "submit_to_approval": _times(
            ((apps.decided_ms - apps.submitted_ms) / 1_000.0)[decided & apps.approved]
        ),
        "stages": {
            f"{VALUES['stage'][stage]}/{VALUES['handler_type'][handler]}": _stage(log, rows, stage, handler)
            for stage in range(7)
            for handler in range(2)
            if (rows & (log.stage == stage) & (log.handler == handler)).any()
        },
        "valuation": _valuations(world, mine),
    }


def _stage(log: StageLog, rows: Any, stage: int, handler: int) -> dict[str, Any]:
    return _times(log.seconds[rows & (log.stage == stage) & (log.handler == handler)].astype(np.float64))


def _valuations(world: World, mine: Any) -> dict[str, Any]:
    apps = world.apps
    pledged = apps.visit[:, SUBMIT - 1] != NONE
    held = mine & pledged & (apps.valued_ms != NONE) & (apps.valued_ms < world.config.as_of_ms)
    spent = (apps.valued_ms - (apps.end[:, SUBMIT - 1] - 1_200)) / 1_000.0
    return {
        mode: _times(spent[held & (apps.valuation_manual == manual)])
        for mode, manual in (("auto", False), ("manual", True))
        if (held & (apps.valuation_manual == manual)).any()
    }


def _times(seconds: Any) -> dict[str, Any]:
    if not len(seconds):
        return {"count": 0, "median_seconds": None}
    return {"count": len(seconds), "median_seconds": float(np.median(seconds))}
