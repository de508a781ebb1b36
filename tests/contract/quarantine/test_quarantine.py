"""What is held is listed page by page, released once, and found again by the lot that released it."""

from __future__ import annotations

from pathlib import Path

import pytest

from xingji.adapters.sqlite_quarantine import SqliteQuarantine
from xingji.model.errors import FieldError
from xingji.ports.event_log import Form
from xingji.ports.quarantine import Held, Spot


def held(offset: int, index: int, reason: str = "bad_time", n_events: int = 1) -> Held:
    return Held(
        Spot(offset, index), 1_000 + offset, reason, f"why {offset}", b"\xff{%d" % index, Form.JSON, n_events
    )


@pytest.fixture
def quarantine(tmp_path: Path) -> SqliteQuarantine:
    return SqliteQuarantine(tmp_path / "quarantine.db")


def test_events_are_listed_in_order_page_by_page(quarantine: SqliteQuarantine) -> None:
    every = [held(1, 0), held(1, 7, "too_deep"), held(2, 0), held(9, 1)]
    quarantine.commit(1, every[::-1])
    assert quarantine.page(None, 10) == every
    assert quarantine.page(None, 2) == every[:2]
    assert quarantine.page(Spot(1, 7), 2) == every[2:]
    assert quarantine.page(None, 10, "bad_time") == [every[0], *every[2:]]
    assert quarantine.page(Spot(1, 0), 1, "bad_time") == [every[2]]
    assert quarantine.reasons() == {"bad_time": 3, "too_deep": 1}


def test_bytes_come_back_as_they_came(quarantine: SqliteQuarantine) -> None:
    whole = Held(Spot(3, 0), 5, "unreadable", "no JSON", bytes(range(256)), Form.XML, 12, is_entry=True)
    quarantine.commit(1, [whole])
    assert quarantine.page(None, 1) == [whole]
    assert quarantine.reasons() == {"unreadable": 12}


def test_a_lot_that_comes_again_changes_nothing(quarantine: SqliteQuarantine) -> None:
    quarantine.commit(1, [held(1, 0)])
    quarantine.commit(1, [held(1, 0), held(1, 1)])
    assert quarantine.page(None, 10) == [held(1, 0)]
    quarantine.commit(2, [])
    with pytest.raises(FieldError, match="2, the last one committed, or above"):
        quarantine.commit(1, [held(1, 5)])


def test_a_lot_finds_what_it_released_when_it_comes_again(
    tmp_path: Path, quarantine: SqliteQuarantine
) -> None:
    quarantine.commit(1, [held(1, 0), held(1, 1)])
    spots = [Spot(1, 0), Spot(1, 1), Spot(8, 8)]
    assert quarantine.before(2, spots) == [held(1, 0), held(1, 1)]
    quarantine.commit(2, [held(2, 0)], released=[Spot(1, 0)])
    quarantine.close()
    again = SqliteQuarantine(tmp_path / "quarantine.db")
    assert again.page(None, 10) == [held(1, 1), held(2, 0)]
    assert again.before(2, [*spots, Spot(2, 0)]) == [held(1, 0), held(1, 1)]
    assert again.before(3, [*spots, Spot(2, 0)]) == [held(1, 1), held(2, 0)]
    again.commit(3, [])
    assert again.before(3, [Spot(1, 0)]) == []


def test_what_is_forgotten_is_in_no_byte_of_the_files(tmp_path: Path, quarantine: SqliteQuarantine) -> None:
    quarantine.commit(
        1, [Held(Spot(1, 0), 5, "bad_time", "time of somebody-77", b"of somebody-77", Form.JSON)]
    )
    assert quarantine.forget([Spot(1, 0), Spot(1, 1)]) == 1
    assert b"somebody-77" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    quarantine.close()
