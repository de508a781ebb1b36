"""Lots follow each other without a gap, and are known again after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from xingji.adapters.sqlite_lots import SqliteLotBook
from xingji.model.errors import FieldError
from xingji.ports.lot_book import Lot


def test_a_book_begins_empty(tmp_path: Path) -> None:
    assert SqliteLotBook(tmp_path / "lots.db").newest() is None


def test_the_newest_lot_is_known_after_a_restart(tmp_path: Path) -> None:
    book = SqliteLotBook(tmp_path / "lots.db")
    book.begin(Lot(1, 0, 7))
    book.begin(Lot(2, 7, 9))
    book.close()
    assert SqliteLotBook(tmp_path / "lots.db").newest() == Lot(2, 7, 9)


@pytest.mark.parametrize(
    "lot",
    [Lot(1, 0, 7), Lot(3, 7, 9), Lot(2, 6, 9), Lot(2, 8, 9), Lot(2, 7, 7)],
    ids=["again", "number left out", "entries twice", "entries left out", "no entries"],
)
def test_lots_that_do_not_follow_are_refused(tmp_path: Path, lot: Lot) -> None:
    book = SqliteLotBook(tmp_path / "lots.db")
    book.begin(Lot(1, 0, 7))
    with pytest.raises(FieldError, match="lot 2, of entries after offset 7"):
        book.begin(lot)
    assert book.newest() == Lot(1, 0, 7)


def test_a_first_lot_may_begin_where_the_log_begins(tmp_path: Path) -> None:
    book = SqliteLotBook(tmp_path / "lots.db")
    book.begin(Lot(1, 40, 41))
    assert book.newest() == Lot(1, 40, 41)
