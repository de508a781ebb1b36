"""Ids that come together belong to one person, as the rules say, however the log is cut into lots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.identity import EXCLUSIVE, KINDS, ReferencePersons
from xingji.adapters.sqlite_identity import SqliteIdentityStore
from xingji.govern.events.event import Event, Identity, Kind, Place
from xingji.govern.identity.resolver import Resolver
from xingji.govern.identity.rules import BOUND, DIFFERENT, SHARED, name_of

Ids = Sequence[Identity]


def event_of(number: int, identities: Ids) -> Event:
    ranked = tuple(sorted(identities, key=lambda one: KINDS.index(one[0])))
    return Event(Place(number, 0), b"", Kind.TRACK, "a", 0, 0, ranked, {}, {})


def ids(text: str) -> Ids:
    """Ids of a text such as `login=u device=d`."""
    return [tuple(word.split("=")) for word in text.split()]  # type: ignore[misc]


def in_the_end(owners: list[str], merges: list[tuple[str, str]]) -> list[str]:
    """Whose events are once all merges are in force, as the lake sees them."""
    becomes = dict(merges)

    def last(name: str) -> str:
        return last(becomes[name]) if name in becomes else name

    return [last(owner) for owner in owners]


CASES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "a device before its first login": (
        ["device=d", "device=d", "login=u device=d", "device=d"], ["login:u"] * 4, [BOUND],
    ),
    "an anonymous visitor, then a device, then a login": (
        ["anonymous=a", "device=d anonymous=a", "login=u device=d", "anonymous=a"],
        ["login:u"] * 4, [BOUND] * 2,
    ),
    "a family's device stays with who used it first": (
        ["login=u device=d", "login=v device=d", "device=d", "login=v"],
        ["login:u", "login:v", "login:u", "login:v"], [BOUND, SHARED],
    ),
    "two devices of one customer": (
        ["device=d", "device=e", "login=u device=d", "login=u device=e"], ["login:u"] * 4, [BOUND] * 2,
    ),
    "a login becomes a customer": (
        ["login=u", "customer_no=c login=u", "login=u"], ["customer_no:c"] * 3, [BOUND],
    ),
    "a login of two customers": (
        ["customer_no=c login=u", "customer_no=d login=u", "login=u"],
        ["customer_no:c", "customer_no:d", "customer_no:c"], [BOUND, DIFFERENT],
    ),
    "two logins of a customer": (
        ["customer_no=c login=u", "customer_no=c login=v", "login=v"],
        ["customer_no:c", "customer_no:c", "login:v"], [BOUND, DIFFERENT],
    ),
    "a mobile number joins what is one person": (
        ["openid=o mobile=m", "login=u mobile=m", "openid=o"], ["login:u"] * 3, [BOUND] * 2,
    ),
    "a mobile number does not join two logins": (
        ["login=u mobile=m", "login=v mobile=m", "mobile=m"],
        ["login:u", "login:v", "login:u"], [BOUND, DIFFERENT],
    ),
    "an anonymous id of somebody does not lend its person to a new device": (
        ["login=u anonymous=a", "device=d anonymous=a", "device=d"],
        ["login:u", "device:d", "device:d"], [BOUND, SHARED],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("log", "owners", "outcomes"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("by_lots", [False, True], ids=["one lot", "a lot an event"])
def test_cases(log: list[str], owners: list[str], outcomes: list[str], by_lots: bool, tmp_path: Path) -> None:
    store = SqliteIdentityStore(tmp_path / "ids.db")
    resolver = Resolver(store)
    events = [event_of(number, ids(text)) for number, text in enumerate(log)]
    found: list[str] = []
    merges: list[tuple[str, str]] = []
    for lot, part in enumerate([[event] for event in events] if by_lots else [events], start=1):
        resolved = resolver.resolve(lot, part)
        resolver.commit(lot)
        found += resolved.owners
        merges += resolved.merges
    assert in_the_end(found, merges) == owners
    names = {name_of(one) for event in events for one in event.identities}
    binds = {(bind.offset, bind.weaker): bind.outcome for name in names for bind in store.binds_of(name)}
    assert [binds[key] for key in sorted(binds)] == outcomes
    store.close()


IDENTITIES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from("xyz")),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)


@given(
    log=st.lists(IDENTITIES, max_size=25),
    lots=st.lists(st.integers(1, 6), min_size=1, max_size=25),
    fates=st.lists(st.sampled_from(["on", "restart", "killed", "again"]), min_size=1, max_size=25),
)
def test_persons_are_those_of_a_replay(
    log: list[Ids], lots: list[int], fates: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ids") / "ids.db"
    store = SqliteIdentityStore(path)
    events = [event_of(number, identities) for number, identities in enumerate(log)]
    reference, at, lot = ReferencePersons(), 0, 0
    owners: list[str] = []
    merges: list[tuple[str, str]] = []
    while at < len(events):
        lot += 1
        part = events[at : at + lots[lot % len(lots)]]
        at += len(part)
        resolver, fate = Resolver(store), fates[lot % len(fates)]
        resolved = resolver.resolve(lot, part)
        if fate == "killed":  # before the lot was durable here
            store.close()
            store = SqliteIdentityStore(path)
            resolver = Resolver(store)
            assert resolver.resolve(lot, part) == resolved
        resolver.commit(lot)
        if fate == "again":  # the lot was durable here, and elsewhere not yet
            assert resolver.resolve(lot, part) == resolved
            resolver.commit(lot)
        if fate == "restart":
            store.close()
            store = SqliteIdentityStore(path)
        owners += resolved.owners
        merges += resolved.merges
        for event in part:
            reference.add(event.identities)
    persons = reference.persons()
    known = {name_of(one): frozenset(map(name_of, person)) for person in persons for one in person}
    for name, person in known.items():
        assert frozenset(store.ids_of(name)) == person
    for event, owner in zip(events, in_the_end(owners, merges), strict=True):
        assert owner in known[name_of(event.identities[0])]
    assert len(set(in_the_end(owners, merges))) <= len(persons)
    for person in persons:
        assert all(len({value for kind, value in person if kind == one}) <= 1 for one in EXCLUSIVE)
    store.close()
