"""Paying back: the visits in which people pay, and every posting of the core system."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from xingji.loan.arrays import HOUR_MS, I8, I16, I32, I64, MINUTE_MS, NONE, Ints, Mask
from xingji.loan.arrears import Instalments, settlement_fen
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.loans import NEVER, Calendar, Loans
from xingji.loan.script import Script
from xingji.loan.visits import CLOSE, HOME_PAGE, LOANS_PAGE, OPEN, REPAY_PAGE, VisitBook, bit
from xingji.loan.vocabulary import codes

NORMAL, EARLY_PART, EARLY_FULL, OVERDUE = codes(
    "repay_type", "normal", "early_partial", "early_full", "overdue"
)
SUCCESS, PARTIAL, FAIL = codes("result", "success", "partial", "fail")
AUTO_DEBIT, ACTIVE = codes("pay_mode", "auto_debit", "active")
_WHY = codes("fail_reason", "insufficient", "card_abnormal", "system")
FIRST_RUN_MS = 8 * HOUR_MS + 5 * MINUTE_MS
SECOND_RUN_MS = 20 * HOUR_MS + 30 * MINUTE_MS
SUBMIT_AFTER_MS = 18_000  # from opening the repayment page


Rows = TypeVar("Rows", "Repays", "Postings")


@dataclass(frozen=True)
class Repays:
    """One row per visit in which somebody pays: what is asked for, and when."""

    loan: I32
    kind: I8
    amount_fen: I64
    submit_ms: I64


@dataclass(frozen=True)
class Postings:
    """One row per posting or failed debit. ``visit`` is ``NONE`` for those of the batch runs."""

    visit: I64
    loan: I32
    period: I16
    time_ms: I64
    result: I8
    kind: I8
    mode: I8
    amount_fen: I64
    interest_fen: I64
    fail: I8

    def __len__(self) -> int:
        return len(self.loan)


class Servicing:
    """Plans the repayment visits and writes the postings."""

    def __init__(self, config: SimulationConfig, dice: Dice, book: VisitBook, script: Script, loans: Loans,
                 dues: Instalments) -> None:  # fmt: skip
        self.config, self.dice, self.book, self.script, self.loans, self.dues = (
            config,
            dice,
            book,
            script,
            loans,
            dues,
        )
        self._postings: list[Postings] = []
        self._repays: list[Repays] = []
        self._next = 0

    def run(self) -> tuple[Repays, Postings]:
        """Everything that is paid in the window."""
        self._debits()
        self._by_hand()
        self._cures()
        self._settlements()
        self._parts()
        return _joined(Repays, self._repays), _joined(Postings, self._postings)

    def _midnight(self, day: Ints) -> I64:
        return np.asarray(self.config.start_ms + day.astype(np.int64) * 24 * HOUR_MS, np.int64)

    def _debits(self) -> None:
        """The morning run; what it could not collect is tried again in the evening, arrears in vain."""
        dues = self.dues
        inside = dues.due_day >= 0
        smooth = np.flatnonzero(inside & ~dues.bad & (dues.how == 0))
        second = np.flatnonzero(inside & ~dues.bad & (dues.how == 2))
        bad = np.flatnonzero(inside & dues.bad)
        self._debit(smooth, FIRST_RUN_MS, SUCCESS, "first")
        self._debit(second, FIRST_RUN_MS, FAIL, "first")
        self._debit(second, SECOND_RUN_MS, SUCCESS, "second")
        self._debit(bad, FIRST_RUN_MS, FAIL, "first")
        self._debit(bad, SECOND_RUN_MS, FAIL, "second")
        some = bad[
            self.dice.chance("partial", self._key(bad), 0.08) & (dues.paid_day[bad] > dues.due_day[bad] + 1)
        ]
        self._debit(some, SECOND_RUN_MS + 24 * HOUR_MS, PARTIAL, "third")

    def _key(self, rows: I64) -> I64:
        return self.loans.number[self.dues.loan[rows]] * 1_000 + self.dues.period[rows]

    def _debit(self, rows: I64, at_ms: int, result: int, run: str) -> None:
        dues, key = self.dues, self._key(rows)
        time = (
            self._midnight(dues.due_day[rows])
            + at_ms
            + self.dice.between(f"{run} run", key, 0, 15 * MINUTE_MS)
        )
        whole, interest = dues.principal_fen[rows] + dues.interest_fen[rows], dues.interest_fen[rows]
        share = {SUCCESS: 1.0, PARTIAL: 0.3, FAIL: 0.0}[result]
        why = np.array(_WHY)[self.dice.pick("debit why", key, np.array([0.82, 0.12, 0.06]))]
        self._post(
            dues.loan[rows],
            dues.period[rows],
            time,
            result,
            NORMAL,
            AUTO_DEBIT,
            np.floor(whole * share).astype(np.int64),
            np.minimum(interest, np.floor(whole * share).astype(np.int64)),
            np.where(result == FAIL, why, NONE),
        )

    def _post(self, loan: Ints, period: Ints, time: I64, result: int, kind: int, mode: int, amount: I64,
              interest: I64, fail: Ints | int = NONE, visit: I64 | None = None) -> None:  # fmt: skip
        n = len(loan)
        self._postings.append(
            Postings(
                np.full(n, NONE, np.int64) if visit is None else visit,
                loan.astype(np.int32),
                period.astype(np.int16),
                time,
                np.full(n, result, np.int8),
                np.full(n, kind, np.int8),
                np.full(n, mode, np.int8),
                amount,
                interest,
                np.asarray(np.broadcast_to(np.asarray(fail, np.int8), n)),
            )
        )

    def _visit(self, loan: I64, day: Ints, kind: int, amount: I64, name: str) -> tuple[I64, I64, Mask]:
        """Daytime visits to pay; their keys, when the money is posted, and which of them still happen."""
        key = self.loans.number[loan] + kind
        start = self._midnight(day) + self.dice.between(
            f"{name} at", key, 8 * HOUR_MS + 30 * MINUTE_MS, 20 * HOUR_MS
        )
        live = (start < self.config.as_of_ms) & (day >= 0)
        bits = np.where(self.dice.chance(f"{name} home", key[live], 0.5), bit(HOME_PAGE), 0)
        bits |= np.where(self.dice.chance(f"{name} loans", key[live], 0.4), bit(LOANS_PAGE), 0)
        number = np.arange(self._next, self._next + int(live.sum()), dtype=np.int32)
        self._next += len(number)
        rows = loan[live]
        visits = self.book.add(
            self.loans.person[rows], start[live], bits | bit(OPEN, REPAY_PAGE, CLOSE), repay=number,
            product=self.loans.product[rows],
        )  # fmt: skip
        submit = self.script.offsets(visits).begin[:, REPAY_PAGE] + SUBMIT_AFTER_MS
        self._repays.append(
            Repays(rows.astype(np.int32), np.full(len(rows), kind, np.int8), amount[live], submit)
        )
        posted = submit + 1_500 + self.dice.between(f"{name} posted", key[live], 0, 1_500)
        return visits.key, posted, live

    def _by_hand(self) -> None:
        dues = self.dues
        rows = np.flatnonzero((dues.due_day >= 0) & ~dues.bad & (dues.how == 1))
        amount = dues.principal_fen[rows] + dues.interest_fen[rows]
        loan = dues.loan[rows].astype(np.int64)
        visit, posted, live = self._visit(loan, dues.due_day[rows], NORMAL, amount, "repay")
        rows = rows[live]
        self._post(dues.loan[rows], dues.period[rows], posted, SUCCESS, NORMAL, ACTIVE, amount[live],
                   dues.interest_fen[rows], visit=visit)  # fmt: skip

    def _cures(self) -> None:
        """Arrears are paid at once: one visit for a loan, one posting for each of its instalments."""
        dues, n = self.dues, len(self.loans)
        rows = np.flatnonzero(dues.bad & (dues.paid_day != NEVER))
        whole = dues.principal_fen[rows] + dues.interest_fen[rows]
        total = np.bincount(dues.loan[rows], whole, n).astype(np.int64)
        loan = np.unique(dues.loan[rows]).astype(np.int64)
        visit, posted, live = self._visit(loan, self.loans.cure_day[loan], OVERDUE, total[loan], "cure")
        by_loan = np.full((2, n), NONE, np.int64)
        by_loan[:, loan[live]] = visit, posted
        rows, whole = rows[by_loan[0, dues.loan[rows]] != NONE], whole[by_loan[0, dues.loan[rows]] != NONE]
        ids = dues.loan[rows]
        order = dues.period[rows] - self.loans.bad_period[ids]
        self._post(ids, dues.period[rows], by_loan[1, ids] + order * 40, SUCCESS, OVERDUE, ACTIVE, whole,
                   dues.interest_fen[rows], visit=by_loan[0, ids])  # fmt: skip

    def _settlements(self) -> None:
        loan = np.flatnonzero(self.loans.settle_day != NEVER).astype(np.int64)
        calendar = Calendar(self.config.first_day.toordinal() - 719_163)
        left, interest, period = settlement_fen(self.loans, calendar, loan)
        visit, posted, live = self._visit(
            loan, self.loans.settle_day[loan], EARLY_FULL, left + interest, "settle"
        )
        self._post(loan[live], period[live], posted, SUCCESS, EARLY_FULL, ACTIVE, (left + interest)[live],
                   interest[live], visit=visit)  # fmt: skip
        self.loans.settle_day[loan[~live]] = NEVER

    def _parts(self) -> None:
        loan = np.flatnonzero(self.loans.part_day != NEVER).astype(np.int64)
        calendar = Calendar(self.config.first_day.toordinal() - 719_163)
        day = self.loans.part_day[loan]
        period = calendar.periods_due(self.loans, loan, day - 1) + 1
        amount = self.loans.part_fen[loan]
        visit, posted, live = self._visit(loan, day, EARLY_PART, amount, "part")
        self._post(loan[live], period[live], posted, SUCCESS, EARLY_PART, ACTIVE, amount[live],
                   np.zeros(int(live.sum()), np.int64), visit=visit)  # fmt: skip
        self.loans.part_day[loan[~live]] = NEVER


def _joined(kind: type[Rows], parts: list[Rows]) -> Rows:
    names = [f.name for f in fields(kind)]
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
