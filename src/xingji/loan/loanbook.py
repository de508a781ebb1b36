"""The nightly books: what falls due, who is late, what every open loan stands at."""

from __future__ import annotations

import calendar as months

import numpy as np

from xingji.loan.arrays import DAY_MS, I64
from xingji.loan.backoffice import inherited
from xingji.loan.ledger import Ledger
from xingji.loan.loans import (
    bucket_of,
    class_of,
    days_past_due,
    is_open,
    left_after,
    paid_periods,
    principal_at,
)  # fmt: skip
from xingji.loan.organisations import organisations
from xingji.loan.sink import BATCH, Sink
from xingji.loan.vocabulary import codes
from xingji.loan.world import World

_DAY_END, _MONTH_END = codes("snapshot_type", "day_end", "month_end")
_NORMAL, _EARLY, _WRITTEN_OFF = codes("settle_type", "normal", "early", "written_off")
_MARKS = (1, 7, 30, 60, 90)  # days past due that are reported besides changes of bucket
OVERDUE_AT_MS = DAY_MS - 20 * 60_000
SETTLE_AT_MS = DAY_MS - 15 * 60_000
SNAPSHOT_AT_MS = DAY_MS - 10 * 60_000
MONTH_END_AT_MS = DAY_MS - 5 * 60_000


class LoanBook:
    """Writes each day's instalments at midnight and the books before the next one."""

    def __init__(self, world: World, sink: Sink, ledger: Ledger) -> None:
        self.world, self.sink, self.ledger, self.loans = world, sink, ledger, world.loans
        outlet = world.people.outlet[world.loans.person].astype(np.int64)
        self._level, self._branch = organisations().first_level[outlet], organisations().branch[outlet]
        order = np.argsort(world.dues.due_day, kind="stable")
        self._due_rows = order
        self._due_edges = np.searchsorted(world.dues.due_day[order], np.arange(world.config.days + 2))
        rows = np.arange(len(self.loans))
        self._days_before = days_past_due(self.loans, world.calendar, rows, -1)
        self._open_before = is_open(self.loans, world.calendar, rows, -1)

    def keep(self, day: int) -> None:
        """All rows of a day; today's night has not come."""
        self._fall_due(day)
        if day == self.world.config.days:
            return
        rows = np.arange(len(self.loans))
        past_due = days_past_due(self.loans, self.world.calendar, rows, day)
        still = is_open(self.loans, self.world.calendar, rows, day)
        self._overdue(day, past_due, still)
        self._settled(day, still)
        self._snapshot(day, np.flatnonzero(still), past_due)
        self._days_before, self._open_before = past_due, still

    def _at(self, day: int, offset_ms: int, rows: I64) -> I64:
        return self.world.config.midnight_ms(day) + offset_ms + rows % 2_000 * 40

    def _marks(self, rows: I64) -> dict[str, np.ndarray]:
        app = self.loans.app[rows].astype(np.int64)
        return {
            "product": self.loans.product[rows],
            "loan_id": self.loans.number[rows],
            **inherited(self.world, app),
        }

    def _fall_due(self, day: int) -> None:
        dues = self.world.dues
        part = self._due_rows[self._due_edges[day] : self._due_edges[day + 1]]
        rows = dues.loan[part].astype(np.int64)
        self.sink.add(
            "repayment_due",
            self._at(day, 0, rows),
            person=self.loans.person[rows],
            origin=BATCH,
            repayment_id=self.loans.number[rows] * 1_000 + dues.period[part],
            period_no=dues.period[part],
            due_amount=dues.principal_fen[part] + dues.interest_fen[part],
            **self._marks(rows),
        )

    def _late_principal(self, rows: I64, day: int) -> I64:
        """Principal of the instalments that should have been paid."""
        due = self.world.calendar.periods_due(self.loans, rows, day)
        paid = paid_periods(self.loans, self.world.calendar, rows, day)
        return left_after(self.loans, rows, paid) - left_after(self.loans, rows, due)

    def _overdue(self, day: int, past_due: I64, still: np.ndarray) -> None:
        """A row where the bucket changes, where a mark is reached, and where arrears end."""
        before, now = bucket_of(self._days_before), bucket_of(past_due)
        told = (before != now) | (np.isin(past_due, _MARKS) & (past_due > self._days_before))
        rows = np.flatnonzero(told & (still | self._open_before) & (self.loans.write_off_day > day)).astype(
            np.int64
        )
        late = np.where(past_due[rows] > 0, self._late_principal(rows, day), 0)
        time = self._at(day, OVERDUE_AT_MS, rows)
        self.sink.add("overdue_change", time, person=self.loans.person[rows], origin=BATCH,
                      period_no=self.loans.bad_period[rows], from_bucket=before[rows], to_bucket=now[rows],
                      days_past_due=past_due[rows], overdue_principal=late, **self._marks(rows))  # fmt: skip
        self.ledger.note("overdue", rows, self.loans.bad_period[rows], past_due[rows], time)

    def _settled(self, day: int, still: np.ndarray) -> None:
        fresh = (self.loans.drawn_day == day) & ~still
        rows = np.flatnonzero((self._open_before & ~still) | fresh).astype(np.int64)
        kind = np.where(self.loans.settle_day[rows] <= day, _EARLY, _NORMAL)
        kind = np.where(self.loans.write_off_day[rows] <= day, _WRITTEN_OFF, kind)
        self.sink.add(
            "loan_settle",
            self._at(day, SETTLE_AT_MS, rows),
            person=self.loans.person[rows],
            origin=BATCH,
            settle_type=kind,
            used_days=day - self.loans.drawn_day[rows],
            **self._marks(rows),
        )

    def _snapshot(self, day: int, rows: I64, past_due: I64) -> None:
        loans, at = self.loans, self.world.calendar
        left = principal_at(loans, rows, paid_periods(loans, at, rows, day), day)
        late = np.where(past_due[rows] > 0, np.minimum(self._late_principal(rows, day), left), 0)
        columns = {
            "outstanding_principal": left, "overdue_principal": late, "days_past_due": past_due[rows],
            "bucket": bucket_of(past_due[rows]), "five_class": class_of(past_due[rows]),
            "mob": at.months_since(loans, rows, day), "booking_org_l1": self._level[rows],
            "booking_org_l2": self._branch[rows], **self._marks(rows),
        }  # fmt: skip
        for offset, kind in ((SNAPSHOT_AT_MS, _DAY_END), (MONTH_END_AT_MS, _MONTH_END)):
            if kind == _DAY_END or self._ends_month(day):
                self.sink.add(
                    "loan_snapshot",
                    self._at(day, offset, rows),
                    person=loans.person[rows],
                    origin=BATCH,
                    snapshot_type=np.full(len(rows), kind, np.int8),
                    **columns,
                )
        product = loans.product[rows].astype(np.int64)
        sums = np.zeros(5, np.int64)
        np.add.at(sums, product, left)
        self.ledger.note("balance", np.full(5, day), np.arange(5), sums, np.bincount(product, minlength=5))
        late_rows = rows[past_due[rows] > 30]
        self.ledger.note("late snapshot", late_rows, self._at(day, SNAPSHOT_AT_MS, late_rows))

    def _ends_month(self, day: int) -> bool:
        date = self.world.days.dates[day]
        return date.day == months.monthrange(date.year, date.month)[1]
