"""A lot is counted once, and every count can be asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from xingji.adapters.sqlite_ledger import SqliteLedger
from xingji.model.errors import FieldError
from xingji.ports.ledger import Fate, Line

STORED = Line(10, Fate.STORED)
BAD_TIME = Line(10, Fate.QUARANTINED, "bad_time")


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.db")


def test_an_empty_ledger_knows_every_fate(ledger: SqliteLedger) -> None:
    assert ledger.totals() == {Fate.STORED: 0, Fate.REPEATED: 0, Fate.QUARANTINED: 0}
    assert ledger.counts(0, 1 << 40) == {}


def test_lots_add_up(ledger: SqliteLedger) -> None:
    ledger.commit(1, {STORED: 5, BAD_TIME: 2})
    ledger.commit(2, {STORED: 1, Line(11, Fate.REPEATED): 4})
    assert ledger.counts(10, 11) == {BAD_TIME: 2, STORED: 6}
    assert ledger.totals() == {Fate.STORED: 6, Fate.REPEATED: 4, Fate.QUARANTINED: 2}


def test_a_lot_that_comes_again_is_not_counted_again(tmp_path: Path, ledger: SqliteLedger) -> None:
    ledger.commit(1, {STORED: 5})
    ledger.close()
    again = SqliteLedger(tmp_path / "ledger.db")
    again.commit(1, {STORED: 5})
    assert again.totals()[Fate.STORED] == 5
    with pytest.raises(FieldError, match="1, the last one counted, or above"):
        again.commit(0, {STORED: 5})


def test_events_leave_quarantine(ledger: SqliteLedger) -> None:
    ledger.commit(1, {BAD_TIME: 2})
    ledger.commit(2, {BAD_TIME: -2, STORED: 2})
    assert ledger.counts(0, 100) == {STORED: 2}
    assert ledger.totals() == {Fate.STORED: 2, Fate.REPEATED: 0, Fate.QUARANTINED: 0}
