"""True effects of the six planted incidents, counted as the questions of the demonstration ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xingji.loan.applications import CREDIT, FORM, OCR
from xingji.loan.arrays import DAY_MS, I64, MINUTE_MS, NONE, Mask
from xingji.loan.columns import APPLICATION_KEY, CUSTOMER_KEY, DEVICE_KEY, LOAN_KEY
from xingji.loan.config import SimulationConfig
from xingji.loan.devices import app_versions
from xingji.loan.geography import places
from xingji.loan.incidents import BURST, PAGE, RING, SMS, TAKEOVER
from xingji.loan.incidents import OCR as OUTAGE
from xingji.loan.journeys import FAILED, LEAD_MS, REFUSED, SIGNED
from xingji.loan.ledger import Ledger
from xingji.loan.truth_funnel import application_times
from xingji.loan.vocabulary import VALUES, code
from xingji.loan.world import World

_TIMEOUT = code("error_code", "OCR_TIMEOUT")


def incidents(world: World, ledger: Ledger) -> dict[str, Any]:
    """Those of the six that lie in the simulated days."""
    planted: tuple[tuple[str, Callable[[SimulationConfig], bool], Callable[[], dict[str, Any]]], ...] = (
        ("ocr_outage", OUTAGE.spell.happens, lambda: _ocr_outage(world)),
        ("sms_delay", SMS.spell.happens, lambda: _sms_delay(world, ledger)),
        ("broken_page", PAGE.spell.happens, lambda: _broken_page(world)),
        ("marketing_burst", BURST.happens, lambda: _marketing_burst(world, ledger)),
        ("device_ring", RING.happens, lambda: _device_ring(world)),
        ("account_takeover", TAKEOVER.spell.happens, lambda: _account_takeover(world)),
    )
    return {name: tell() for name, happens, tell in planted if happens(world.config)}


def _names(world: World, rows: Any) -> list[str]:
    return [APPLICATION_KEY.name(int(n)) for n in np.sort(world.apps.number[rows])]


def _device_of(world: World, visit: I64) -> I64:
    return world.visits.device[np.maximum(visit, 0)].astype(np.int64)


def _on(world: World, visit: I64, platform: str) -> Mask:
    return np.asarray(
        (visit >= 0) & (world.devices.platform[_device_of(world, visit)] == code("platform", platform)),
        np.bool_,
    )


def _version(world: World, visit: I64) -> np.ndarray:
    day = (world.visits.start_ms[np.maximum(visit, 0)] - world.config.start_ms) // DAY_MS
    return app_versions(world.config, world.devices, _device_of(world, visit), day)


def _ocr_outage(world: World) -> dict[str, Any]:
    """Question 1, and the applications that met a time-out on the bad version and got no further."""
    config, apps = world.config, world.apps
    rows = np.arange(len(apps))
    low, high = config.midnight_ms(config.day_before(1)), config.midnight_ms(config.days)

    def valid(time: I64, visit: I64) -> Mask:
        return (rows >= apps.historic) & (time >= low) & (time < high) & _on(world, visit, OUTAGE.platform)

    passed = application_times(world)["realname_verify"]
    first, again = valid(apps.start_ms, apps.start_visit), valid(apps.resume_ms, apps.resume_visit)
    right = valid(passed, apps.visit[:, OCR + 1])
    by_first, by_again = (
        held & right & (passed > time) & (passed - time <= DAY_MS)
        for held, time in ((first, apps.start_ms), (again, apps.resume_ms))
    )
    done = by_first | by_again
    touched = np.where(by_again | (~done & ~first & again), apps.resume_visit, apps.start_visit)
    version = _version(world, touched)
    entered = first | again
    struck, lost = _timed_out(world)
    return {
        "app_version": OUTAGE.app_version,
        "from": _iso(world, OUTAGE.spell.begin_ms(config)),
        "until": _iso(world, OUTAGE.spell.end_ms(config)),
        "funnel_by_app_version": {
            VALUES["$app_version"][v]: [
                int((entered & (version == v)).sum()),
                int((done & (version == v)).sum()),
            ]
            for v in np.unique(version[entered]).tolist()
        },
        "applications_affected": int(struck.sum()),
        "applications_lost": int(lost.sum()),
        "application_ids": _names(world, lost),
    }


def _timed_out(world: World) -> tuple[Mask, Mask]:
    """Applications with a time-out on the bad version in the outage, and those of them never recognised."""
    apps, config = world.apps, world.config
    visit = apps.visit[:, OCR]
    bad = _on(world, visit, OUTAGE.platform) & (
        _version(world, visit) == code("$app_version", OUTAGE.app_version)
    )
    time = apps.begin[:, OCR] + LEAD_MS
    struck = np.zeros(len(apps), np.bool_)
    for k in range(apps.ocr_ms.shape[1]):
        took = apps.ocr_ms[:, k].astype(np.int64)
        time = time + np.where(took != NONE, 5_000 + took, 0)
        struck |= bad & (apps.ocr_error[:, k] == _TIMEOUT) & OUTAGE.spell.covers(config, time - 200)
    return struck, struck & (apps.end_stage == OCR)


def _iso(world: World, time_ms: int) -> str:
    """An instant as a day and hour in Asia/Shanghai."""
    day, rest = divmod(time_ms - world.config.start_ms, DAY_MS)
    date = np.datetime64(world.config.first_day) + np.timedelta64(day, "D")
    minute = rest // MINUTE_MS
    return f"{date}T{minute // 60:02d}:{minute % 60:02d}:00+08:00"


def _sms_delay(world: World, ledger: Ledger) -> dict[str, Any]:
    """Question 2: people per carrier who asked for a code that evening, and those with a right one in
    ten minutes."""
    begin, end = SMS.spell.begin_ms(world.config), SMS.spell.end_ms(world.config)
    asked = _by_user(ledger.of("code asked", 3), begin, end)
    right = _by_user(ledger.of("code right", 3), begin, end)
    table: dict[str, list[int]] = {}
    affected: list[int] = []
    for user, requests in asked.items():
        times = [time for time, _ in right.get(user, [])]
        won = [
            (next(p for p in times if p > t), -t, op)
            for t, op in requests
            if any(t < p <= t + 600_000 for p in times)
        ]
        operator = min(won)[2] if won else requests[0][1]
        cell = table.setdefault(VALUES["$operator"][operator], [0, 0])
        cell[0] += 1
        cell[1] += bool(won)
        if not won and VALUES["$operator"][operator] == SMS.operator:
            affected.append(user)
    return {
        "operator": SMS.operator,
        "from": _iso(world, begin),
        "until": _iso(world, end),
        "funnel_by_operator": table,
        "users_affected": len(affected),
        "users": sorted(_user_name(world, user) for user in affected),
    }


def _by_user(notes: tuple[I64, ...], begin: int, end: int) -> dict[int, list[tuple[int, int]]]:
    out: dict[int, list[tuple[int, int]]] = {}
    for user, operator, time in sorted(zip(*(column.tolist() for column in notes)), key=lambda row: row[2]):
        if begin <= time <= end:
            out.setdefault(user, []).append((time, operator))
    return out


def _user_name(world: World, user: int) -> str:
    people = len(world.people)
    return CUSTOMER_KEY.name(user) if user < people else DEVICE_KEY.name(user - people)


def _broken_page(world: World) -> dict[str, Any]:
    """Question 3: applications on h5 from a recognised face to a signed authorisation, by browser and day."""
    config, apps = world.config, world.apps
    times = application_times(world)
    low, high = config.midnight_ms(config.day_before(16)), config.midnight_ms(config.day_before(7))
    face, signed = times["face_verify"], times["credit_authorize"]
    entered = (face >= low) & (face < high) & _on(world, apps.visit[:, CREDIT - 1], PAGE.platform)
    ok = entered & (signed > face) & (signed - face <= DAY_MS) & (signed < high)
    ok &= _on(world, apps.visit[:, CREDIT], PAGE.platform)
    browser = world.devices.browser[_device_of(world, apps.visit[:, CREDIT - 1])]
    day = (face - config.start_ms) // DAY_MS
    here = world.devices.browser[_device_of(world, apps.visit[:, CREDIT])] == code("$browser", PAGE.browser)
    here &= _on(world, apps.visit[:, CREDIT], PAGE.platform) & PAGE.spell.covers(config, apps.credit_ms)
    lost = here & (apps.credit_result == FAILED)
    return {
        "browser": PAGE.browser,
        "from": _iso(world, PAGE.spell.begin_ms(config)),
        "until": _iso(world, PAGE.spell.end_ms(config)),
        "funnel_by_browser": {
            VALUES["$browser"][b]: {
                str(world.days.dates[d]): [int((entered & (browser == b) & (day == d)).sum()),
                                           int((ok & (browser == b) & (day == d)).sum())]
                for d in np.unique(day[entered & (browser == b)]).tolist()
            }
            for b in np.unique(browser[entered]).tolist()
        },
        "signed": int((here & (apps.credit_result == SIGNED)).sum()),
        "refused": int((here & (apps.credit_result == REFUSED)).sum()),
        "applications_lost": int(lost.sum()),
        "application_ids": _names(world, lost),
        "dead_clicks": int(apps.credit_tries[lost & (apps.credit_tries > 1)].sum()),
    }  # fmt: skip


def _marketing_burst(world: World, ledger: Ledger) -> dict[str, Any]:
    """Question 4: impressions and registrations of the feed by day, and how its applications fared."""
    config = world.config
    days = range(config.day_before(80), config.day_before(67))
    shown = _by_day(world, ledger.of("feed impression", 1)[0], days)
    _, time, channel, _ = ledger.of("registered", 4)
    registered = _by_day(world, time[channel == code("channel", "feed_ads")], days)
    burst = [str(world.days.dates[d]) for d in days if 0 <= d - BURST.first_day(config) < BURST.days]
    usual = [shown[day] for day in shown if day not in burst]
    return {
        "campaign": "feed_burst_01",
        "days": burst,
        "impressions_by_day": shown,
        "impressions_multiple": sum(shown[d] for d in burst)
        / len(burst)
        / max(sum(usual) / max(len(usual), 1), 1e-9),
        "registrations_by_day": registered,
        "funnel_by_channel": _quality(world),
        "applications": _burst_applications(world),
    }


def _by_day(world: World, time: I64, days: range) -> dict[str, int]:
    day = (time - world.config.start_ms) // DAY_MS
    return {str(world.days.dates[d]): int((day == d).sum()) for d in days if d >= 0}


def _quality(world: World) -> dict[str, list[int]]:
    config, times = world.config, application_times(world)
    low, high = config.midnight_ms(config.day_before(80)), config.midnight_ms(config.day_before(67))
    sent, good, paid = times["apply_submit"], times["approval_result"], times["drawdown_result"]
    one = (sent != NONE) & (sent >= low) & (sent < high)
    two = one & (good > sent) & (good < high)
    three = two & (paid > good) & (paid < high)
    channel = world.apps.channel
    return {
        VALUES["channel"][c]: [int((step & (channel == c)).sum()) for step in (one, two, three)]
        for c in np.unique(channel[one]).tolist()
    }


def _burst_applications(world: World) -> dict[str, int]:
    apps, as_of = world.apps, world.config.as_of_ms
    mine, times = apps.burst, application_times(world)
    loans = world.loans
    rows = np.flatnonzero(mine[loans.app])
    return {
        "started": int(mine.sum()),
        **{
            name: int((mine & (times[step] != NONE) & (times[step] < as_of)).sum())
            for name, step in (
                ("submitted", "apply_submit"),
                ("approved", "approval_result"),
                ("drawn", "drawdown_result"),
            )
        },
        "loans": len(rows),
        "loans_late_on_first_instalment": int((loans.bad_period[rows] == 1).sum()),
    }


def _device_ring(world: World) -> dict[str, Any]:
    """Question 5: the ring's devices and accounts, and what it got."""
    apps, config = world.apps, world.config
    rows = np.flatnonzero(apps.ring)
    device = _device_of(world, apps.start_visit[rows])
    approved = rows[apps.approved[rows] & (apps.decided_ms[rows] < config.as_of_ms)]
    drawn = world.draws.ok & np.isin(world.draws.app, approved) & (world.draws.result_ms < config.as_of_ms)
    return {
        "devices": {DEVICE_KEY.name(int(d)): int((device == d).sum()) for d in np.unique(device)},
        "accounts": len(np.unique(apps.person[rows])),
        "users": sorted(CUSTOMER_KEY.name(int(p)) for p in np.unique(apps.person[rows])),
        "applications": len(rows),
        "submitted": int((apps.submitted_ms[rows] != NONE).sum()),
        "approved": len(approved),
        "approved_application_ids": _names(world, approved),
        "loans": int(drawn.sum()),
        "slowest_form_page_seconds": int(apps.fill_seconds[rows].max()) if len(rows) else None,
        "forms_finished": int((apps.end_stage[rows] > FORM).sum()),
    }


def _account_takeover(world: World) -> dict[str, Any]:
    """Question 6: whose accounts, from where, for how much, and who has complained so far."""
    taken, draws, visits = world.taken_over, world.draws, world.visits
    draw = visits.draw[taken.visit]
    done = draw[draw != NONE]
    place = world.devices.place[visits.device[taken.visit]]
    return {
        "users": sorted(CUSTOMER_KEY.name(int(p)) for p in taken.person[draw != NONE]),
        "attempted": sorted(CUSTOMER_KEY.name(int(p)) for p in taken.person),
        "complained": [CUSTOMER_KEY.name(int(p)) for p in taken.complains],
        "devices": [DEVICE_KEY.name(int(d)) for d in visits.device[taken.visit]],
        "provinces": [places().provinces[places().province[p]] for p in place],
        "loan_ids": [LOAN_KEY.name(int(n)) for n in draws.number[done[draws.ok[done]]]],
        "paid_out_yuan": f"{int(draws.amount_fen[done][draws.ok[done]].sum()) / 100:.2f}",
    }
