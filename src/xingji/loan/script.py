"""When each block of a visit begins: the pace of people, and the waits for codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import I64
from xingji.loan.config import SimulationConfig
from xingji.loan.devices import BRANCH, MINI, Devices
from xingji.loan.dice import Dice, field
from xingji.loan.people import People
from xingji.loan.sms import CodeChecks, check_codes
from xingji.loan.visits import (
    BLOCKS,
    CHANNEL_PAGE,
    CLOSE,
    CONSENT,
    DETAIL2,
    DETAIL_PAGE,
    DRAW_PAGE,
    ENTERS,
    ESTIMATE_PAGE,
    HOME_PAGE,
    KEPT,
    LOANS_PAGE,
    LOGIN,
    OPEN,
    REPAY_PAGE,
    SCAN,
    SECURITY,
    SERVICE_PAGE,
    SIGN_PAGE,
    Visits,
    has,
)  # fmt: skip

FAR_MS = np.int64(1) << np.int64(60)
LOGIN_RESULT_MS = 900  # from the end of the code (or the password) to the answer
LOGIN_REST_MS = 600

# block: shortest and longest stay, ms
_PACE: dict[int, tuple[int, int]] = {
    OPEN: (1_800, 4_200),
    HOME_PAGE: (5_000, 31_000),
    SCAN: (3_000, 9_000),
    CHANNEL_PAGE: (8_000, 42_000),
    DETAIL_PAGE: (16_000, 80_000),
    ESTIMATE_PAGE: (20_000, 70_000),
    DETAIL2: (14_000, 70_000),
    LOANS_PAGE: (9_000, 50_000),
    REPAY_PAGE: (24_000, 66_000),
    SECURITY: (30_000, 60_000),
    CONSENT: (5_000, 16_000),
    SERVICE_PAGE: (32_000, 96_000),
    CLOSE: (900, 5_000),
}
SIGN_READ_MS = (20_000, 62_000)
DRAW_CHOOSE_MS = (15_000, 55_000)
SIGN_TAIL_MS = 6_000
DRAW_TAIL_MS = 9_000
PASSWORD_MS = (4_000, 12_000)


@dataclass(frozen=True)
class Offsets:
    """Begin of every block, epoch ms: ``begin[visit, block]``; ``begin[:, -1]`` is the end of the visit.

    ``login_ms``: since when the visit is logged in. The codes played are kept for those who render them.
    """

    begin: I64
    login_ms: I64
    codes: dict[int, CodeChecks]


class Script:
    """Times the blocks of visits; asking again gives the same answer."""

    def __init__(self, config: SimulationConfig, dice: Dice, people: People, devices: Devices) -> None:
        self.config, self.dice, self.people, self.devices = config, dice, people, devices

    def stay(self, salt: str, keys: I64, low_high: tuple[int, int]) -> I64:
        """How long people stay with something, ms."""
        low, high = low_high
        return low + field(self.dice.bits(salt, keys), 0, high - low)

    def uses_password(self, visits: Visits) -> I64:
        """Which logins ask for no code: 0 code, 1 password, 2 face or fingerprint."""
        u = self.dice.pick("login method", visits.key, np.array([0.64, 0.20, 0.16]))
        hosted = np.isin(self.devices.platform[visits.device], (MINI, BRANCH))
        first = self.people.kind[visits.person] < 2  # newcomers register with a code
        return np.where(first, 0, np.where(hosted & (u == 1), 2, u))

    def offsets(self, visits: Visits, span_ms: Callable[[int, Visits], I64] | None = None) -> Offsets:
        """Lay the blocks one after another; ``span_ms`` says how long ``apply`` takes (zero if not given)."""
        n = len(visits)
        begin = np.zeros((n, len(BLOCKS) + 1), np.int64)
        time = visits.start_ms.copy()
        login_ms = np.where(visits.mode == KEPT, 0, FAR_MS)
        checks: dict[int, CodeChecks] = {}
        for block in range(len(BLOCKS)):
            begin[:, block] = time
            held = has(visits, block)
            if not held.any():
                continue
            rows = np.flatnonzero(held)
            part = visits.take(rows)
            if block in (LOGIN, SIGN_PAGE, DRAW_PAGE):
                end, checks[block] = self._with_code(block, part, time[rows])
            elif block in _PACE:
                end = time[rows] + self.stay(BLOCKS[block], part.key, _PACE[block])
            else:
                end = time[rows] + (span_ms(block, part) if span_ms else 0)
            if block == LOGIN:
                login_ms[rows] = np.where(part.mode == ENTERS, end - LOGIN_REST_MS, login_ms[rows])
            time[rows] = end
        begin[:, -1] = time
        return Offsets(begin, login_ms, checks)

    def _with_code(self, block: int, part: Visits, begin: I64) -> tuple[I64, CodeChecks]:
        operator = self.people.operator[self.devices.owner[part.device]]
        if block == LOGIN:
            lead = begin + 700
        else:
            lead = begin + self.stay(
                f"lead {block}", part.key, SIGN_READ_MS if block == SIGN_PAGE else DRAW_CHOOSE_MS
            )
        codes = check_codes(self.config, self.dice, f"code {block}", part.key, lead, operator)
        if block != LOGIN:
            return codes.end_ms + (SIGN_TAIL_MS if block == SIGN_PAGE else DRAW_TAIL_MS), codes
        plain = self.uses_password(part) > 0
        quick = lead + self.stay("password", part.key, PASSWORD_MS)
        return np.where(plain, quick, codes.end_ms) + LOGIN_RESULT_MS + LOGIN_REST_MS, codes
