"""What becomes of ids that come together, case by case, and of each case when it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference.identity import ReferenceLog
from tests.unit.govern.identity.living import Life, item
from xingji.govern.identity.directory import Directory
from xingji.govern.identity.kinds import Limits, identity_of, name_of
from xingji.ports.identity_store import Outcome

FEW = Limits(unionid=1, openid=2, mobile=1, device=2, anonymous=2)

CASES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "a device belongs to its first login, from its first event on": (
        ["device=d", "login=u device=d", "device=d"],
        ["login:u"] * 3,
        ["BOUND"],
    ),
    "a family's device stays with who used it first": (
        ["login=u device=d", "login=v device=d", "device=d", "login=v"],
        ["login:u", "login:v", "login:u", "login:v"],
        ["BOUND", "SHARED"],
    ),
    "two logins on one device that are one customer": (
        ["login=u device=d", "customer_no=c login=u", "customer_no=c login=v device=d"],
        ["customer_no:c"] * 3,
        ["BOUND", "BOUND", "DIFFERENT", "SAME"],
    ),
    "two devices of one login": (
        ["device=d", "device=e", "login=u device=d", "login=u device=e"],
        ["login:u"] * 4,
        ["BOUND"] * 2,
    ),
    "a login becomes a customer": (
        ["login=u device=d", "customer_no=c login=u", "login=u", "device=d"],
        ["customer_no:c"] * 4,
        ["BOUND"] * 2,
    ),
    "one login of two customers": (
        ["customer_no=c login=u", "customer_no=k login=u", "login=u"],
        ["customer_no:c", "customer_no:k", "customer_no:c"],
        ["BOUND", "DIFFERENT"],
    ),
    "an anonymous visitor, then a device, then a login": (
        ["anonymous=a", "device=d anonymous=a", "login=u device=d", "anonymous=a"],
        ["login:u"] * 4,
        ["BOUND"] * 2,
    ),
    "an anonymous visitor whose device is somebody's": (
        ["login=u device=d", "anonymous=a", "device=d anonymous=a"],
        ["login:u"] * 3,
        ["BOUND"] * 2,
    ),
    "somebody's anonymous id does not bind a new device": (
        ["login=u anonymous=a", "device=d anonymous=a", "device=d"],
        ["login:u", "device:d", "device:d"],
        ["BOUND", "SHARED"],
    ),
    "a mobile number joins a mini program and a login": (
        ["openid=o mobile=m", "login=u mobile=m", "openid=o"],
        ["login:u"] * 3,
        ["BOUND"] * 2,
    ),
    "a mobile number does not join two logins": (
        ["login=u mobile=m", "login=v mobile=m", "mobile=m"],
        ["login:u", "login:v", "login:u"],
        ["BOUND", "DIFFERENT"],
    ),
    "of two persons with equal kinds the older one stays": (
        ["openid=p", "openid=q", "unionid=n openid=q", "unionid=n openid=p"],
        ["unionid:n"] * 4,
        ["BOUND"] * 2,
    ),
    "a device too many": (
        ["login=u device=d", "login=u device=e", "login=u device=f", "device=f"],
        ["login:u", "login:u", "login:u", "device:f"],
        ["BOUND", "BOUND", "LIMIT"],
    ),
    "a number that a program fills in does not join without end": (
        ["openid=o mobile=m", "openid=p mobile=m", "openid=q mobile=m", "openid=q"],
        ["openid:o", "openid:o", "openid:q", "openid:q"],
        ["BOUND", "BOUND", "LIMIT"],
    ),
    "junk joins nobody": (
        ["login=u device=NULL", "login=v device=null", "login=undefined device=d", "device=0"],
        ["login:u", "login:v", "device:d", ""],
        [],
    ),
    "a denied id joins nobody from then on": (
        ["login=u mobile=m", "deny: mobile=m", "login=v mobile=m", "mobile=m", "allow: mobile=m", "mobile=m"],
        ["login:u", "", "login:v", "", "", "login:u"],
        ["BOUND"],
    ),
    "somebody says that two are one": (
        ["login=u device=d", "openid=o", "bind: openid=o login=u", "openid=o"],
        ["login:u", "login:u", "", "login:u"],
        ["BOUND"] * 2,
    ),
    "what somebody says has no limit, but is bound by exclusive kinds": (
        ["login=u device=d", "login=u device=e", "bind: login=u device=f", "bind: login=u login=v",
         "device=f"],
        ["login:u", "login:u", "", "", "login:u"],
        ["BOUND", "BOUND", "BOUND", "DIFFERENT"],
    ),
    "somebody says that two are not one, also before they meet": (
        ["unbind: login=u device=d", "login=u device=d", "device=d", "login=v device=d", "device=d"],
        ["", "login:u", "login:v", "login:v", "login:v"],
        ["DONE", "VOID", "BOUND"],
    ),
    "a shared device is somebody else's once its first user is taken from it": (
        ["login=u device=d", "login=v device=d", "unbind: login=u device=d", "device=d"],
        ["login:u", "login:v", "", "login:v"],
        ["VOID", "BOUND", "DONE"],
    ),
    "who was parted is bound again by somebody, not by events": (
        ["login=u device=d", "unbind: device=d login=u", "login=u device=d", "device=d",
         "bind: device=d login=u", "device=d"],
        ["login:u", "", "login:u", "login:u", "", "login:u"],
        ["VOID", "DONE", "BOUND"],
    ),
}  # fmt: skip
"""A log, whose each item is in the end (nobody's: empty), and the outcomes of all acts in log order."""


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    found = Life(tmp_path, FEW)
    yield found
    found.close()


def outcomes(life: Life) -> list[str]:
    """What came of all acts, in log order."""
    called = life.store.names(range(1, life.store.next_number()))
    acts = life.store.acts_of(called)
    return [
        act.outcome.name for act in sorted(acts, key=lambda act: (act.offset, act.index, act.number >> 24))
    ]


def ends(life: Life) -> list[str]:
    return [life.end(owner) if owner else "" for owner in life.owners]


@pytest.mark.parametrize(("log", "owners", "found"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("by_lots", [False, True], ids=["one lot", "a lot an item"])
def test_case(life: Life, log: list[str], owners: list[str], found: list[str], by_lots: bool) -> None:
    items = [item(text) for text in log]
    for lot in [[one] for one in items] if by_lots else [items]:
        life.live(lot)
    assert ends(life) == owners
    assert sorted(outcomes(life)) == sorted(found)


UNDONE: dict[str, tuple[list[str], list[str]]] = {
    "a device's first login": (
        ["device=d", "login=u device=d", "undo", "device=d"], ["device:d", "login:u", "", "device:d"],
    ),
    "a shared device goes to who used it next": (
        ["login=u device=d", "login=v device=d", "login=w device=d", "undo", "device=d"],
        ["login:u", "login:v", "login:w", "", "login:v"],
    ),
    "a login's customer": (
        ["customer_no=c login=u", "customer_no=k login=u", "undo", "login=u"],
        ["customer_no:c", "customer_no:k", "", "customer_no:k"],
    ),
    "the middle of a chain": (
        ["device=d anonymous=a", "login=u device=d", "undo", "anonymous=a", "device=d"],
        ["login:u", "login:u", "", "anonymous:a", "login:u"],
    ),
    "a chain that another way holds together": (
        ["device=d anonymous=a", "login=u device=d", "login=u anonymous=a", "undo", "anonymous=a"],
        ["login:u", "login:u", "login:u", "", "login:u"],
    ),
    "a number that had joined a login takes the next": (
        ["login=u mobile=m", "login=v mobile=m", "undo", "mobile=m"],
        ["login:u", "login:v", "", "login:v"],
    ),
    "a device of the limit makes room for the next": (
        ["login=u device=d", "login=u device=e", "login=u device=f", "login=u device=g", "undo",
         "device=d", "device=f", "device=g"],
        ["login:u", "login:u", "login:u", "login:u", "", "device:d", "login:u", "device:g"],
    ),
    "a number of the limit makes room for the next": (
        ["openid=o mobile=m", "openid=p mobile=m", "openid=q mobile=m", "undo", "openid=o", "openid=q"],
        ["openid:o", "openid:p", "openid:p", "", "openid:o", "openid:p"],
    ),
    "what others were bound to instead": (
        # Without its first bind d is v's, so that w, who then has v's number, gets d's visitor no more.
        ["login=u device=d", "login=v device=d", "openid=o mobile=m", "login=v mobile=m", "undo", "device=d",
         "openid=o"],
        ["login:u", "login:v", "login:v", "login:v", "", "login:v", "login:v"],
    ),
    "what somebody said": (
        ["bind: login=u device=d", "device=d", "undo", "device=d"], ["", "device:d", "", "device:d"],
    ),
    "that somebody parted two": (
        ["unbind: login=u device=d", "login=u device=d", "undo", "device=d"],
        ["", "login:u", "", "login:u"],
    ),
    "what never held": (
        ["login=u device=d", "deny: device=d", "login=v device=d", "undo", "allow: device=d", "device=d"],
        ["login:u", "", "login:v", "", "", "device:d"],
    ),
}  # fmt: skip
"""A log whose first act is undone at `undo`, and whose each item is in the end."""


@pytest.mark.parametrize(("log", "owners"), UNDONE.values(), ids=UNDONE.keys())
@pytest.mark.parametrize("by_lots", [False, True], ids=["one lot", "a lot an item"])
def test_undoing(life: Life, log: list[str], owners: list[str], by_lots: bool) -> None:
    rows = ReferenceLog([item(text) for text in log[: log.index("undo")]]).rows
    items = [("undo", rows[0][0]) if text == "undo" else item(text) for text in log]
    for lot in [[one] for one in items] if by_lots else [items]:
        life.live(lot)
    assert ends(life) == owners


def test_history_tells_all_of_a_person(life: Life) -> None:
    for text in ["device=d", "login=u device=d", "login=v device=d", "unbind: login=u device=d"]:
        life.live([item(text)])
    rows = Directory(life.store).history(("device", "d"))
    told = [(row.place.offset, row.weaker, row.stronger, row.kind.name, row.outcome.name) for row in rows]
    assert told == [
        (1, "device:d", "login:u", "EVENT", "VOID"),
        (2, "device:d", "login:v", "EVENT", "BOUND"),
        (3, "device:d", "login:u", "UNBIND", "DONE"),
    ]
    assert [(row.who, row.reason, row.time_us) for row in rows][1:] == [
        ("", "", 2_000_000),
        ("7", "seen", 3_000_000),
    ]
    assert Directory(life.store).history(("login", "nobody")) == []


def test_a_person_has_pages(life: Life) -> None:
    life.live([item("anonymous=a"), item("device=d anonymous=a"), item("customer_no=c login=u device=d")])
    directory = Directory(life.store)
    everybody = [("customer_no", "c"), ("login", "u"), ("device", "d"), ("anonymous", "a")]
    assert directory.ids_of(("anonymous", "a")) == everybody
    assert directory.ids_of(("login", "x")) == []
    assert directory.persons_of([*everybody, ("login", "x")]) == dict.fromkeys(everybody, "customer_no:c")
    life.live([item("login=x")])
    assert directory.persons_of([("login", "x")]) == {("login", "x"): "login:x"}
    assert directory.ids_of(("login", "x")) == [("login", "x")]


def test_refusals_are_told_with_their_reason(life: Life) -> None:
    log = ["login=u device=d", "login=v device=d", "login=u device=e", "login=u device=f",
           "customer_no=c login=u", "customer_no=k login=u"]  # fmt: skip
    resolved = life.live([item(text) for text in log])
    told = [(one.place.offset, one.weaker, one.stronger, one.outcome, one.kind) for one in resolved.refusals]
    assert told == [
        (1, "device:d", "login:v", Outcome.SHARED, ""),
        (3, "device:f", "login:u", Outcome.LIMIT, "device"),
        (5, "login:u", "customer_no:k", Outcome.DIFFERENT, "customer_no"),
    ]
    again = life.live([item(text) for text in log])
    assert (again.refusals, again.changes) == ([], [])


BAD: dict[str, tuple[tuple[object, ...], str]] = {
    "a number of nothing": (("undo", 12), "number is 12; allowed: the number of an act between two ids"),
    "a number beyond all": (("undo", 1 << 70), "allowed: the number of an act between two ids"),
    "a negative number": (("undo", -5), "allowed: the number of an act between two ids"),
    "one id": (("bind", ("login", "u"), ("login", "u")), "allowed: two different ones"),
    "junk": (("bind", ("login", "u"), ("mobile", "null")), "identifies nobody"),
    "an unknown kind": (
        ("unbind", ("login", "u"), ("email", "m")),
        'kind is "email"; allowed: customer_no, login',
    ),
    "denying an unknown kind": (("deny", ("email", "m")), 'kind is "email"; allowed: customer_no, login'),
}


@pytest.mark.parametrize(("command", "message"), BAD.values(), ids=BAD.keys())
def test_commands_that_say_nothing(life: Life, command: tuple[object, ...], message: str) -> None:
    (fault,) = life.live([command, item("login=u device=d")]).faults
    assert message in fault.message
    assert fault.place.offset == 0
    assert life.overrides == {"device:d": "login:u"}


def test_names() -> None:
    for name in ("login:u", "openid:wx:7", "device:"):
        assert name_of(identity_of(name)) == name
