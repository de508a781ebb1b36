"""Codes by SMS, registering and logging in."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I64, Mask
from xingji.loan.devices import MINI
from xingji.loan.incidents import SMS
from xingji.loan.scene import Scene
from xingji.loan.sms import ATTEMPTS, PASS, CodeChecks
from xingji.loan.visits import LOGIN
from xingji.loan.vocabulary import codes

REGISTER, LOG_IN, SIGN_SCENE, DRAW_SCENE = codes("scene", "register", "login", "sign", "drawdown")
_SUCCESS, _FAIL = codes("result", "success", "fail")
_PASSWORD, _SMS, _FACE, _FINGERPRINT, _WECHAT = codes(
    "method", "password", "sms", "face", "fingerprint", "wechat"
)
_WRONG_PASSWORD, _DUPLICATED = codes("fail_reason", "wrong_password", "duplicated")
_PRIVACY, _GRANT = codes("consent_type", "privacy_policy")[0], codes("action", "grant")[0]


def play_codes(scene: Scene, rows: I64, checks: CodeChecks, scenes: np.ndarray, where: Mask) -> None:
    """The requests and checks of a verification; ``checks`` is aligned with ``rows``."""
    for k in range(ATTEMPTS):
        made = where & checks.made[:, k]
        asked, answered = checks.requested_ms[:, k], checks.requested_ms[:, k] + checks.wait_ms[:, k]
        attempt = np.full(len(rows), k + 1, np.int8)
        scene.tell("sms_code_request", rows, asked, where=made, scene=scenes, attempt_no=attempt)
        scene.tell("sms_code_verify", rows, answered, where=made, scene=scenes, result=checks.result[:, k],
                   wait_seconds=checks.wait_ms[:, k] / 1_000.0, attempt_no=attempt)  # fmt: skip
        _remember(scene, rows, made, asked, answered, checks.result[:, k] == PASS)


def _remember(scene: Scene, rows: I64, made: Mask, asked: I64, answered: I64, passed: Mask) -> None:
    config = scene.world.config
    near = made & (SMS.spell.covers(config, asked) | SMS.spell.covers(config, answered))
    here = np.flatnonzero(near)
    if not len(here):
        return
    key = scene.keys(rows[here])
    operator = scene.world.operator_of(key)
    scene.ledger.note("code asked", scene.world.user_of(key, asked[here]), operator, asked[here])
    right = np.flatnonzero(passed[here])
    scene.ledger.note("code right", scene.world.user_of(key, answered[here])[right], operator[right],
                      answered[here][right])  # fmt: skip


def log_in(scene: Scene) -> None:
    """The login block: a code or a password, for newcomers the registration, then the answer."""
    rows = scene.rows(LOGIN)
    if not len(rows):
        return
    world, key = scene.world, scene.keys(rows)
    plain = world.script.uses_password(scene.visits.take(rows))
    registers = world.registers[key]
    checks = scene.offsets.codes[LOGIN]
    play_codes(scene, rows, checks, np.where(registers, REGISTER, LOG_IN), plain == 0)
    time = scene.end(LOGIN, rows) - 600
    method = np.select([plain == 0, plain == 1], [np.where(checks.passed, _SMS, _PASSWORD), _PASSWORD], _FACE)
    wechat = world.devices.platform[scene.visits.device[rows]] == MINI
    method = np.where(
        (plain == 2) & wechat, _WECHAT, np.where((plain == 2) & (key % 3 == 0), _FINGERPRINT, method)
    )
    wrong = (method == _PASSWORD) & scene.chance("wrong password", rows, 0.07)
    new = world.new_device[key].astype(np.int8)
    scene.tell(
        "login_result",
        rows,
        time - 2_600,
        where=wrong,
        server=True,
        result=np.full(len(rows), _FAIL, np.int8),
        method=method,
        is_new_device=new,
        fail_reason=np.full(len(rows), _WRONG_PASSWORD, np.int8),
    )
    _register(scene, rows[registers], time[registers])
    scene.tell("login_result", rows, time + np.where(registers, 300, 0), server=True,
               result=np.full(len(rows), _SUCCESS, np.int8), method=method, is_new_device=new)  # fmt: skip


def _register(scene: Scene, rows: I64, time: I64) -> None:
    refused = scene.chance("register fails", rows, 0.03)
    scene.tell("register_result", rows, time - 1_900, where=refused, server=True,
               result=np.full(len(rows), _FAIL, np.int8),
               fail_reason=np.full(len(rows), _DUPLICATED, np.int8))  # fmt: skip
    scene.tell("register_result", rows, time, server=True, result=np.full(len(rows), _SUCCESS, np.int8))
    key = scene.keys(rows)
    scene.ledger.note("registered", scene.visits.person[rows], time, scene.world.visits.channel[key],
                      scene.world.campaign[key])  # fmt: skip
    scene.tell("consent_change", rows, time + 120, consent_type=np.full(len(rows), _PRIVACY, np.int8),
               action=np.full(len(rows), _GRANT, np.int8),
               policy_version=np.zeros(len(rows), np.int8))  # fmt: skip
