"""What is known of each registered person, and every change of it, in order of time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from xingji.loan import columns as col
from xingji.loan.arrays import DAY_MS, HOUR_MS, I64, NONE, Column
from xingji.loan.geography import places
from xingji.loan.loans import days_past_due, is_open
from xingji.loan.organisations import MANAGERS_PER_OUTLET, OUTLETS_PER_BRANCH, organisations
from xingji.loan.plan import INSTANT, MONEY, PLAN
from xingji.loan.vocabulary import VALUES, codes
from xingji.loan.world import World

_PROSPECT, _APPLIED, _UNUSED, _BORROWING, _SETTLED, _OVERDUE, _LOST = codes(
    "loan_stage", "潜客", "已申请", "已授信未支用", "在贷", "已结清", "逾期", "流失"
)
_BATCH_ROWS = 100_000
_FACTS = (
    "gender",
    "age_band",
    "customer_type",
    "employer_type",
    "income_band",
    "aum_band",
    "has_housing_fund",
    "has_mortgage_here",
    "is_payroll",
    "is_whitelist",
    "consent_marketing",
    "consent_personalised",
    "is_employee",
    "is_test",
)


def user_schema() -> pa.Schema:
    """``user``, ``time``, then the 29 properties; null means unchanged."""
    fields = [pa.field("user", pa.string(), nullable=False), pa.field("time", INSTANT, nullable=False)]
    for item in PLAN.user:
        coded = item.arrow_type == pa.string() and item.name != "mobile_masked"
        fields.append(pa.field(item.name, col.CODED if coded else item.arrow_type))
    return pa.schema(fields)


def profile_batches(world: World) -> Iterator[pa.RecordBatch]:
    """The histories in batches."""
    history = _History(world)
    for start in range(0, len(history.person), _BATCH_ROWS):
        yield history.batch(slice(start, start + _BATCH_ROWS))


class _History:
    """All rows: first the profile of everybody known, then one row per change; sorted by time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._parts: list[tuple[I64, I64, dict[str, Column]]] = []
        self._profiles()
        self._applications()
        self._drawdowns()
        self._stages()
        self._consents()
        self._transfers()
        self.person, self.time, self.columns = self._sorted()

    def _known(self, person: I64, time: I64) -> Column:
        since = self.world.registered_ms[person]
        return np.asarray(
            (since != NONE) & (time != NONE) & (time >= since) & (time < self.world.config.as_of_ms)
        )

    def _add(self, person: I64, time: I64, **columns: Column) -> None:
        keep = np.flatnonzero(self._known(person, time))
        self._parts.append(
            (person[keep], time[keep], {name: values[keep] for name, values in columns.items()})
        )

    def _profiles(self) -> None:
        world, people = self.world, self.world.people
        person = np.flatnonzero(world.registered_ms != NONE).astype(np.int64)
        place = people.place[person]
        outlet = people.outlet[person].astype(np.int64)
        limit = (2 + world.dice.between("preapproved", person, 0, 19)) * 1_000_000
        columns: dict[str, Column] = {name: getattr(people, name)[person] for name in _FACTS}
        columns |= {
            "home_province": places().province[place], "home_city": places().city[place],
            "home_district": places().district[place], "home_org_path": outlet,
            "home_org_l1": organisations().first_level[outlet], "home_org_l2": organisations().branch[outlet],
            "home_manager_no": people.manager[person], "register_time": world.registered_ms[person],
            "first_channel": people.channel[person], "mobile_masked": person,
            "preapproved_amount": np.where(people.is_whitelist[person] == 1, limit, NONE),
            "loan_stage": np.where(world.dice.chance("lapsed", person, 0.05), _LOST, _PROSPECT),
        }  # fmt: skip
        self._add(person, world.registered_ms[person], **columns)

    def _applications(self) -> None:
        """The first application of each person (their account may come seconds later: then at
        registration)."""
        apps = self.world.apps
        rows = np.flatnonzero(apps.first_apply == 1).astype(np.int64)
        person = apps.person[rows].astype(np.int64)
        time = np.maximum(apps.start_ms[rows], self.world.registered_ms[person])
        self._add(person, time, first_apply_time=apps.start_ms[rows],
                  loan_stage=np.full(len(rows), _APPLIED))  # fmt: skip
        signed = np.flatnonzero(apps.signed_ms != NONE).astype(np.int64)
        self._add(apps.person[signed].astype(np.int64), apps.signed_ms[signed],
                  loan_stage=np.full(len(signed), _UNUSED))  # fmt: skip

    def _drawdowns(self) -> None:
        loans = self.world.loans
        order = np.lexsort((loans.drawn_ms, loans.person))
        person = loans.person[order].astype(np.int64)
        first = np.r_[True, person[1:] != person[:-1]]
        self._add(
            person, loans.drawn_ms[order], loan_stage=np.full(len(order), _BORROWING),
            first_product=np.where(first, loans.product[order], NONE),
            first_drawdown_time=np.where(first, loans.drawn_ms[order], NONE),
        )  # fmt: skip

    def _stages(self) -> None:
        """Overdue, recovered and settled, as the nightly books see it."""
        world, loans = self.world, self.world.loans
        rows = np.arange(len(loans))
        late_before, open_before = np.zeros(len(loans), np.bool_), is_open(loans, world.calendar, rows, -1)
        persons = np.arange(len(world.people), dtype=np.int64)
        for day in range(world.config.days):
            late = days_past_due(loans, world.calendar, rows, day) > 0
            still = is_open(loans, world.calendar, rows, day)
            time = world.config.midnight_ms(day) + DAY_MS - 10 * 60_000
            self._turn(persons, time, late & ~late_before, _OVERDUE)
            self._turn(persons, time, late_before & ~late & still, _BORROWING)
            over = np.bincount(loans.person[open_before & ~still], minlength=len(persons)) > 0
            left = np.bincount(loans.person[still], minlength=len(persons)) > 0
            done = persons[over & ~left]
            self._add(done, np.full(len(done), time), loan_stage=np.full(len(done), _SETTLED))
            late_before, open_before = late, still

    def _turn(self, persons: I64, time: int, which: Column, stage: int) -> None:
        who = np.unique(self.world.loans.person[which]).astype(np.int64)
        del persons
        self._add(who, np.full(len(who), time), loan_stage=np.full(len(who), stage))

    def _consents(self) -> None:
        reach = self.world.reach
        rows = np.flatnonzero(reach.unsubscribe_ms != NONE)
        self._add(reach.person[rows].astype(np.int64), reach.unsubscribe_ms[rows],
                  consent_marketing=np.zeros(len(rows), np.int8))  # fmt: skip

    def _transfers(self) -> None:
        """Some customers are handed to the neighbouring outlet and a new manager."""
        world, people = self.world, self.world.people
        ids = np.flatnonzero(people.kind >= 2).astype(np.int64)
        moved = ids[world.dice.chance("transfer", ids, 0.01)]
        day = world.dice.between("transfer day", moved, 0, world.config.days)
        outlet = people.outlet[moved].astype(np.int64)
        other = outlet // OUTLETS_PER_BRANCH * OUTLETS_PER_BRANCH + (outlet + 1) % OUTLETS_PER_BRANCH
        self._add(
            moved, world.config.start_ms + day * DAY_MS + 7 * HOUR_MS, home_org_path=other,
            home_org_l1=organisations().first_level[other], home_org_l2=organisations().branch[other],
            home_manager_no=other * MANAGERS_PER_OUTLET,
        )  # fmt: skip

    def _sorted(self) -> tuple[I64, I64, dict[str, Column]]:
        person = np.concatenate([part[0] for part in self._parts])
        time = np.concatenate([part[1] for part in self._parts])
        order = np.argsort(time, kind="stable")
        columns: dict[str, Column] = {}
        start = 0
        for who, _, given in self._parts:
            for name, values in given.items():
                column = columns.setdefault(name, np.full(len(person), NONE, np.int64))
                column[start : start + len(who)] = values
            start += len(who)
        return person[order], time[order], {name: values[order] for name, values in columns.items()}

    def batch(self, part: slice) -> pa.RecordBatch:
        """Some of the rows as Arrow."""
        schema = user_schema()
        arrays = [col.texts(col.CUSTOMER_KEY.spell(self.person[part])), col.instants(self.time[part])]
        arrays += [_array(field, self.columns[field.name][part]) for field in list(schema)[2:]]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(field: pa.Field, values: Column) -> pa.Array:
    if field.name == "mobile_masked":
        return _masked(values)
    if field.type == col.CODED:
        return col.coded(values, pa.array(list(VALUES[field.name]), pa.string()))
    if field.type == MONEY:
        return col.money(values)
    if field.type == INSTANT:
        return col.instants(values)
    return col.flags(values)


def _masked(person: Column) -> pa.Array:
    """138****0000: a carrier's prefix and the last four digits."""
    number = np.maximum(person, 0)
    head = np.array([138, 139, 158, 186, 189, 177])[number % 6]
    stars = np.full((len(number), 4), ord("*"), np.uint8)
    rows = np.concatenate([col.digits(head, 3), stars, col.digits(number * 7 % 10_000, 4)], axis=1)
    return col.texts(rows, person >= 0)
