"""Everything in the log has one fate, once, wherever the way to the lake is broken off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lake.loading.office import NOW_US, Office, event
from xingji.govern.identity.commands import Unbind, encode_command
from xingji.lake.loading.loader import safe_to_trim
from xingji.ports.ledger import MINUTE_US, Fate, Line
from xingji.ports.lot_book import Lot

MINUTE = NOW_US // MINUTE_US


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path)
    yield found
    found.close()


def test_an_empty_log_gives_no_lot(office: Office) -> None:
    assert office.loader.step() == 0
    assert office.book.newest() is None


def test_events_are_stored_and_counted(office: Office) -> None:
    office.send([event("open", 1, device="d1"), event("open", 2, device="d2")])
    office.send([event("view", 3, device="d1")])
    office.load()
    assert office.counts() == {"open": (2, 2), "view": (1, 1)}
    assert office.keepers.ledger.counts(MINUTE, MINUTE + 1) == {Line(MINUTE, Fate.STORED): 3}


def test_a_repeat_is_stored_once(office: Office) -> None:
    office.send([event("open", 1, device="d1"), event("open", 1, device="d1")])
    office.load()
    office.send([event("open", 1, device="d1")])
    office.load()
    assert office.counts() == {"open": (1, 1)}
    assert office.keepers.ledger.totals() == {Fate.STORED: 1, Fate.REPEATED: 2, Fate.QUARANTINED: 0}


def test_what_is_wrong_goes_to_quarantine_as_it_came(office: Office) -> None:
    office.send([event("open", 1, device="d1"), {"event": "view", "identities": {}}, {"nothing": 1}])
    office.load()
    held = office.keepers.quarantine.page(None, 10)
    assert [(one.spot, one.reason) for one in held] == [((1, 1), "no_identity"), ((1, 2), "no_event_name")]
    assert held[0].body == b'{"event": "view", "identities": {}}'
    assert office.keepers.ledger.totals() == {Fate.STORED: 1, Fate.REPEATED: 0, Fate.QUARANTINED: 2}


def test_a_login_takes_over_what_its_device_did(office: Office) -> None:
    office.send([event("open", 1, device="d1"), event("open", 2, device="d2")])
    office.load()
    office.send([event("login", 3, login="u1", device="d1")])
    office.load()
    office.send([event("login", 4, login="u1", device="d2")])
    office.load()
    assert office.counts() == {"login": (2, 1), "open": (2, 1)}


def test_an_unbinding_gives_a_device_its_events_back(office: Office) -> None:
    office.send([event("open", 1, device="d1"), event("login", 2, login="u1", device="d1")])
    office.load()
    assert office.counts() == {"login": (1, 1), "open": (1, 1)}
    office.command(encode_command(Unbind(("login", "u1"), ("device", "d1"), "7", "not hers")))
    office.load()
    everybody = office.ask(
        {"kind": "trend", "series": [{"event": "*", "measure": "users"}], "interval": "total"}
    )
    assert everybody["series"][0]["total"] == 2


def test_properties_of_users_build_on_what_is_known(office: Office) -> None:
    def profile(kind: str, number: int, values: dict[str, Any], **ids: str) -> dict[str, Any]:
        return event("", number, **ids) | {"type": kind, "properties": values, "event": None}

    office.send([profile("profile_set", 1, {"level": "gold", "visits": 3}, device="d1")])
    office.load()
    office.send([event("login", 2, login="u1", device="d1")])
    office.load()
    office.send([profile("profile_increment", 3, {"visits": 2}, login="u1"),
                 profile("profile_set_once", 4, {"level": "none"}, login="u1")])  # fmt: skip
    office.load()
    assert office.keepers.values.before(99, ["login:u1"]) == {"login:u1": {"level": "gold", "visits": 5}}
    trend = {"kind": "trend", "series": [{"event": "*", "measure": "users"}], "interval": "total"}
    by_level = office.ask(trend | {"breakdown": ["user.level", "user.visits"]})
    assert [line["breakdown"] for line in by_level["series"]] == [["gold", 5]]


def test_lots_are_cut_by_bytes_and_only_what_is_done_may_be_trimmed(tmp_path: Path) -> None:
    office = Office(tmp_path, lot_bytes=1)
    for number in range(3):
        office.send([event("open", number, device="d")])
    office.load()
    assert office.book.newest() == Lot(3, 2, 3)
    assert safe_to_trim(office.book) == 2
    assert office.counts() == {"open": (3, 1)}
    office.close()


class Killed(BaseException):
    """The process ends here."""


KEEPERS = (
    "lake.append",
    "quarantine.commit",
    "values.commit",
    "ledger.commit",
    "resolver.commit",
    "seen.commit",
)


@pytest.mark.parametrize("name", KEEPERS)
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("lot_bytes", [1 << 20, 1], ids=["whole", "in parts"])
def test_a_process_killed_at_any_commit_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_done: bool, lot_bytes: int
) -> None:
    office = Office(tmp_path)
    office.send([event("open", 1, device="d1"), event("open", 2, device="d2")])
    office.load()
    profile = {"type": "profile_increment", "properties": {"visits": 1}, "event_id": "p", "time": NOW_US}
    office.send([event("login", 3, login="u1", device="d1"), event("open", 1, device="d1"), {"bad": 1}])
    office.send([profile | {"identities": {"login": "u1"}}, event("login", 4, login="u1", device="d2")])
    keeper, method = name.split(".")
    target = type(getattr(office.keepers, keeper))
    own = getattr(target, method)

    def dies(self: Any, *args: Any) -> None:
        if is_done:
            own(self, *args)
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(target, method, dies)
        with pytest.raises(Killed):
            office.load()
    office.close()
    office = Office(tmp_path, lot_bytes=lot_bytes)
    office.load()
    office.send([event("view", 5, login="u1")])
    office.load()
    assert office.counts() == {"login": (2, 1), "open": (2, 1), "view": (1, 1)}
    assert office.keepers.ledger.totals() == {Fate.STORED: 6, Fate.REPEATED: 1, Fate.QUARANTINED: 1}
    assert [one.reason for one in office.keepers.quarantine.page(None, 10)] == ["no_event_name"]
    assert office.keepers.values.before(99, ["login:u1"]) == {"login:u1": {"visits": 1}}
    office.close()
