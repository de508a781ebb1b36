"""Verification codes: up to three requests, each waiting for its message, failing or passing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import F64, I8, I64, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.incidents import SMS
from xingji.loan.vocabulary import code, codes

PASS, WRONG, EXPIRED = codes("result", "pass", "wrong", "expired")
ATTEMPTS = 3
GAP_MS = 8_000
TAIL_MS = 1_500
_UNICOM = code("$operator", SMS.operator)


@dataclass(frozen=True)
class CodeChecks:
    """Per row up to ``ATTEMPTS`` requests: when, how long the wait, how it ended; unused ones are not
    ``made``."""

    requested_ms: I64
    wait_ms: I64
    result: I8
    made: Mask
    passed: Mask
    end_ms: I64


def check_codes(
    config: SimulationConfig, dice: Dice, salt: str, keys: I64, begin_ms: I64, operator: I8
) -> CodeChecks:
    """Play the verification that begins at ``begin_ms``; all two-dimensional results are [rows, ATTEMPTS]."""
    n = len(keys)
    requested, wait = np.zeros((n, ATTEMPTS), np.int64), np.zeros((n, ATTEMPTS), np.int64)
    result, made = np.zeros((n, ATTEMPTS), np.int8), np.zeros((n, ATTEMPTS), np.bool_)
    time, open_, passed = begin_ms.copy(), np.ones(n, np.bool_), np.zeros(n, np.bool_)
    for k in range(ATTEMPTS):
        bad = SMS.spell.covers(config, time) & (operator == _UNICOM)
        seconds = dice.lognormal(f"{salt} wait {k}", keys, _median_wait(bad), 0.5)
        requested[:, k], made[:, k] = time, open_
        wait[:, k] = np.clip(np.rint(seconds), 1, 600).astype(np.int64) * 1_000
        u = dice.uniform(f"{salt} code {k}", keys)
        expired = np.where(bad, SMS.expired, SMS.usual_expired)
        result[:, k] = np.where(u < expired, EXPIRED, np.where(u < expired + 0.04, WRONG, PASS))
        time = time + np.where(open_, wait[:, k] + GAP_MS, 0)
        passed |= open_ & (result[:, k] == PASS)
        weary = bad & dice.chance(f"{salt} weary {k}", keys, 0.5)
        open_ = open_ & (result[:, k] != PASS) & ~weary
    return CodeChecks(requested, wait, result, made, passed, time - GAP_MS + TAIL_MS)


def _median_wait(bad: Mask) -> F64:
    return np.where(bad, SMS.wait_seconds, SMS.usual_wait_seconds)
