"""Who the customers are: kinds of people, what the bank knows of them, and how much they use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import F64, I8, I16, I64, NONE, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.geography import places
from xingji.loan.incidents import BURST, RING
from xingji.loan.organisations import MANAGERS_PER_OUTLET, OUTLETS_PER_BRANCH, organisations
from xingji.loan.vocabulary import HOUSE, HOUSE_FAST, JOYFUL, PLEASANT, TAX, VALUES, code

VISITOR, NEWCOMER, CUSTOMER, BORROWER = range(4)
_KIND_WEIGHTS = np.array([0.30, 0.24, 0.422, 0.038])

_CHANNEL_WEIGHTS = {
    "mobile_bank": 26.0,
    "wechat_oa": 10.0,
    "sms": 6.0,
    "push": 5.0,
    "outbound_call": 4.0,
    "manager_referral": 9.0,
    "branch": 4.0,
    "feed_ads": 10.0,
    "search_ads": 6.0,
    "partner": 5.0,
    "organic": 15.0,
}


@dataclass(frozen=True)
class People:
    """One row per person. Codes follow the vocabulary; flags are 0 or 1; ``first_day`` is the day they
    first appear."""

    kind: I8
    first_day: I16
    place: I16
    activity: F64
    channel: I8
    favourite: I8
    operator: I8
    risk: F64
    burst: Mask
    ring: Mask
    outlet: I16
    manager: I16
    gender: I8
    age_band: I8
    customer_type: I8
    employer_type: I8
    income_band: I8
    aum_band: I8
    has_housing_fund: I8
    has_mortgage_here: I8
    is_payroll: I8
    is_whitelist: I8
    consent_marketing: I8
    consent_personalised: I8
    is_employee: I8
    is_test: I8

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def may_register(self) -> Mask:
        """Everybody but those who only ever look."""
        return np.asarray(self.kind != VISITOR, np.bool_)


def make_people(config: SimulationConfig, dice: Dice) -> People:
    """Draw the population: the usual people, then those of the advertising burst, then the fraud ring."""
    usual = config.people
    burst = BURST.people(config) if BURST.happens(config) else 0
    ring = RING.accounts(config) if RING.happens(config) else 0
    ids = np.arange(usual + burst + ring, dtype=np.int64)
    in_burst = (ids >= usual) & (ids < usual + burst)
    in_ring = ids >= usual + burst
    kind = dice.pick("kind", ids, _KIND_WEIGHTS).astype(np.int8)
    kind[in_burst] = np.where(dice.chance("burst kind", ids[in_burst], 0.45), NEWCOMER, VISITOR)
    kind[in_ring] = NEWCOMER
    place = dice.pick("place", ids, places().weight).astype(np.int16)
    facts = _bank_facts(dice, ids, kind)
    outlet = organisations().first_outlet[place] + dice.between("outlet", ids, 0, OUTLETS_PER_BRANCH)
    manager = outlet * MANAGERS_PER_OUTLET + dice.between("manager", ids, 0, MANAGERS_PER_OUTLET)
    return People(
        kind=kind,
        first_day=_first_days(config, dice, ids, kind, in_burst, in_ring),
        place=place,
        activity=_activity(dice, ids, in_burst | in_ring),
        channel=_channels(dice, ids, in_burst, in_ring),
        favourite=_favourites(dice, ids, facts),
        operator=dice.pick("operator", ids, np.array([0.56, 0.20, 0.22, 0.02])).astype(np.int8),
        risk=dice.uniform("risk", ids),
        burst=in_burst,
        ring=in_ring,
        outlet=outlet.astype(np.int16),
        manager=manager.astype(np.int16),
        is_employee=_flag(dice.chance("employee", ids, 0.008) & (kind >= CUSTOMER)),
        is_test=_flag(dice.chance("test", ids, 0.001) & (kind >= CUSTOMER)),
        **facts,
    )


def _flag(mask: Mask) -> I8:
    return mask.astype(np.int8)


def _first_days(config: SimulationConfig, dice: Dice, ids: I64, kind: I8, burst: Mask, ring: Mask) -> I16:
    """Known customers are there from the start; others appear on a day of the window."""
    day = dice.between("first day", ids, 0, config.days + 1)
    early = (kind >= CUSTOMER) | dice.chance("early", ids, 0.15)
    day[early] = 0
    day[burst] = BURST.first_day(config) + dice.between("burst day", ids[burst], 0, BURST.days)
    day[ring] = RING.first_day(config)
    return day.astype(np.int16)


def _activity(dice: Dice, ids: I64, fixed: Mask) -> F64:
    weight = dice.lognormal("activity", ids, 1.0, 0.7)
    weight[fixed] = 0.0  # their visits are planned one by one
    return weight


def _channels(dice: Dice, ids: I64, burst: Mask, ring: Mask) -> I8:
    weights = np.array([_CHANNEL_WEIGHTS[name] for name in VALUES["channel"]])
    channel = dice.pick("channel", ids, weights).astype(np.int8)
    channel[burst] = code("channel", "feed_ads")
    channel[ring] = code("channel", "partner")
    return channel


def _bank_facts(dice: Dice, ids: I64, kind: I8) -> dict[str, I8]:
    """Attributes the bank holds; people it does not know yet get the same draws once they register."""

    def pick(name: str, *weights: float) -> I8:
        return dice.pick(name, ids, np.array(weights)).astype(np.int8)

    known = kind >= CUSTOMER
    return {
        "gender": pick("gender", 0.50, 0.48, 0.02),
        "age_band": pick("age_band", 0.12, 0.36, 0.29, 0.16, 0.07),
        "customer_type": pick("customer_type", 0.80, 0.13, 0.07),
        "employer_type": pick("employer_type", 0.12, 0.16, 0.44, 0.18, 0.10),
        "income_band": pick("income_band", 0.26, 0.42, 0.24, 0.08),
        "aum_band": pick("aum_band", 0.48, 0.28, 0.16, 0.08),
        "has_housing_fund": _flag(dice.chance("fund", ids, 0.45)),
        "has_mortgage_here": _flag(dice.chance("mortgage", ids, 0.16) & known),
        "is_payroll": _flag(dice.chance("payroll", ids, 0.24) & known),
        "is_whitelist": _flag(dice.chance("whitelist", ids, 0.18) & known),
        "consent_marketing": _flag(dice.chance("marketing", ids, 0.72)),
        "consent_personalised": _flag(dice.chance("personalised", ids, 0.66)),
    }


def _favourites(dice: Dice, ids: I64, facts: dict[str, I8]) -> I8:
    """The product that fits: tax and house loans for businesses, the joyful one for payroll and housing
    fund."""
    u = dice.uniform("favourite", ids)
    product = np.full(len(ids), PLEASANT, np.int8)
    product[((facts["is_payroll"] == 1) | (facts["has_housing_fund"] == 1)) & (u < 0.52)] = JOYFUL
    product[(facts["has_mortgage_here"] == 1) & (u > 0.55)] = HOUSE_FAST
    product[(u > 0.93) & (facts["customer_type"] == 0)] = HOUSE_FAST
    business = facts["customer_type"] > 0
    product[business & (u < 0.42)] = TAX
    product[business & (u >= 0.42) & (u < 0.70)] = HOUSE
    return product


def known_since(config: SimulationConfig, dice: Dice, people: People) -> I64:
    """Registration instants of those the bank knew before the window (``NONE`` for the others)."""
    ids = np.arange(len(people), dtype=np.int64)
    age_ms = dice.between("registered", ids, 1, 3 * 365 * 24 * 60) * 60_000
    return np.where(people.kind >= CUSTOMER, config.start_ms - age_ms, NONE)
