"""The work that kills are staged on: lots of ids that meet often, commands about them, and an erasure."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.reference.identity import KINDS, Item, ReferenceLog
from tests.unit.govern.identity.living import lot_item
from xingji.adapters.sqlite_identity import SqliteIdentityStore
from xingji.govern.identity.commands import Item as LotItem
from xingji.govern.identity.resolver import Resolved, Resolver

N_LOTS, LOT_SIZE = 8, 12
ERASED = ("login", "Secret-Zed-Quux")
"""Kept as the text that it is, so that it can be looked for on the disk."""
VALUES = ("xa", "yb", "zc", "wd")


@cache
def log() -> list[Item]:
    """Events and commands; what is undone is an act that is there by then."""
    dice, found = random.Random(7), [("event", [ERASED, ("device", "xa")])]
    while len(found) < N_LOTS * LOT_SIZE:
        found.append(_item(dice, found))
    return found


def _item(dice: random.Random, before: list[Item]) -> Item:
    kinds = dice.sample(KINDS, dice.randint(1, 3))
    ids = [(kind, dice.choice(VALUES)) for kind in kinds]
    what = dice.choice(["event"] * 5 + ["bind", "unbind", "undo"])
    rows = ReferenceLog(before).rows
    if what == "undo" and rows:
        return "undo", dice.choice(rows)[0]
    if what in ("bind", "unbind") and len(ids) > 1:
        return what, ids[0], ids[1]
    return "event", ids


def lot(number: int) -> list[LotItem]:
    """The items of a lot, from 1."""
    first = (number - 1) * LOT_SIZE
    return [lot_item(first + at, one) for at, one in enumerate(log()[first : first + LOT_SIZE])]


def open_store(folder: Path) -> SqliteIdentityStore:
    return SqliteIdentityStore(folder / "ids.db")


def do_rest(store: SqliteIdentityStore, hear: Callable[[int, Resolved], Any]) -> None:
    """Do what is left, the lot that was done last once more: nobody knows whether its answer was heard."""
    resolver = Resolver(store)
    for number in range(max(store.lot, 1), N_LOTS + 1):
        hear(number, resolver.resolve(number, lot(number)))
        resolver.commit(number)


def standing(store: SqliteIdentityStore) -> tuple[Any, ...]:
    """All that a store says of persons and acts."""
    names = store.names(range(1, store.next_number()))
    nodes = store.nodes(list(names.values()))
    acts = sorted(store.acts_of(list(names)), key=lambda act: act.number)
    return store.lot, store.next_number(), names, nodes, store.persons(list(names)), acts, store.denied()
