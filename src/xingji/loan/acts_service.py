"""Help, consents, security settings, and what goes wrong on a page."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I64, NONE
from xingji.loan.devices import ANDROID, IOS
from xingji.loan.dice import field
from xingji.loan.scene import Scene
from xingji.loan.visits import CLOSE, CONSENT, SECURITY, SERVICE_PAGE
from xingji.loan.vocabulary import SERVICE, VALUES, code, codes

_TOPIC_WEIGHTS = np.array(
    [0.26, 0.16, 0.08, 0.08, 0.11, 0.10, 0.06, 0.03, 0.03, 0.09] + [0.0] * (len(VALUES["topic"]) - 10)
)
_MOBILE, _PASSWORD, _DEVICE, _LIMIT = codes("change_type", "mobile", "password", "device", "limit")
_JS, _CRASH, _ANR, _HTTP, _TIMEOUT = codes("error_type", "js_error", "crash", "anr", "http_5xx", "timeout")
_APP_ERRORS = np.array([_CRASH, _ANR, _HTTP, _TIMEOUT])
_WEB_ERRORS = np.array([_JS, _JS, _HTTP, _TIMEOUT])
_CODES_OF = {
    _JS: "JS_UNDEFINED",
    _CRASH: "NATIVE_CRASH",
    _ANR: "ANR_INPUT",
    _HTTP: "HTTP_502",
    _TIMEOUT: "HTTP_504",
}


def service(scene: Scene) -> None:
    """The blocks of help and settings, and the stray errors."""
    _security(scene)
    _consent(scene)
    _help(scene)
    _errors(scene)


def _security(scene: Scene) -> None:
    rows = scene.rows(SECURITY)
    time = scene.end(SECURITY, rows) - 4_000
    bits = scene.world.dice.bits("security", scene.keys(rows))
    kind = np.array([_MOBILE, _PASSWORD, _PASSWORD, _DEVICE, _LIMIT])[field(bits, 0, 5)]
    stolen = np.isin(scene.keys(rows), scene.world.taken_over.visit)
    scene.tell(
        "account_security_change",
        rows,
        time,
        server=True,
        change_type=np.where(stolen, _MOBILE, kind),
        auth_method=np.where(stolen, code("auth_method", "sms"), field(bits, 1, 2)),
    )


def _consent(scene: Scene) -> None:
    rows = scene.rows(CONSENT)
    key, dice = scene.keys(rows), scene.world.dice
    kind = 1 + dice.pick("consent kind", key, np.array([0.4, 0.25, 0.2, 0.15]))
    action = np.where(dice.chance("withdraw", key, 0.3), code("action", "withdraw"), code("action", "grant"))
    late = scene.begin(CONSENT, rows) >= scene.world.config.midnight_ms(scene.world.config.days // 2)
    scene.tell("consent_change", rows, scene.begin(CONSENT, rows) + 2_500, consent_type=kind, action=action,
               policy_version=late.astype(np.int8))  # fmt: skip


def _help(scene: Scene) -> None:
    rows = scene.rows(SERVICE_PAGE)
    begin, end, key, dice = (
        scene.begin(SERVICE_PAGE, rows),
        scene.end(SERVICE_PAGE, rows),
        scene.keys(rows),
        scene.world.dice,
    )
    human = dice.chance("agent", key, 0.35)
    scene.tap(rows, "service_agent", begin + 5_000, human)
    scene.tap(rows, "service_send", begin + 9_000)
    rated = dice.chance("rates", key, 0.4)
    scene.tell(
        "service_contact",
        rows,
        end - 600,
        SERVICE,
        contact_channel=np.where(
            human, code("contact_channel", "online_agent"), code("contact_channel", "robot")
        ),
        topic=dice.pick("topic", key, _TOPIC_WEIGHTS),
        product=scene.visits.product[rows],
        is_resolved=dice.chance("resolved", key, 0.78).astype(np.int8),
        handle_seconds=np.rint((end - begin) / 10_000.0) * 10,
        rating=np.where(rated, 1 + dice.pick("rating", key, np.array([0.05, 0.05, 0.15, 0.35, 0.4])), NONE),
        page_name=scene.page[rows],
    )
    scene.show(rows, SERVICE, begin, end)


def _errors(scene: Scene) -> None:
    every = np.arange(len(scene.visits), dtype=np.int64)
    rows = every[scene.chance("error", every, 0.014) & (scene.page >= 0)]
    if not len(rows):
        return
    bits = scene.world.dice.bits("error kind", scene.keys(rows))
    native = np.isin(scene.world.devices.platform[scene.visits.device[rows]], (IOS, ANDROID))
    kind = np.where(native, _APP_ERRORS[field(bits, 0, 4)], _WEB_ERRORS[field(bits, 0, 4)])
    what = np.array([code("error_code", _CODES_OF[k]) for k in range(len(_CODES_OF))])[kind]
    calls = np.isin(kind, (_HTTP, _TIMEOUT))
    page = scene.page[rows]
    scene.tell(
        "$error",
        rows,
        _before_end(scene, rows),
        page,
        error_type=kind,
        error_code=what,
        page_name=page,
        api_name=np.where(calls, field(bits, 1, len(VALUES["api_name"])), NONE),
        duration_ms=np.where(calls, 5_000 + 1_000 * field(bits, 2, 10), NONE),
    )


def _before_end(scene: Scene, rows: I64) -> I64:
    return scene.begin(CLOSE, rows) - 320
