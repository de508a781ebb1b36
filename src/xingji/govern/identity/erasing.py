"""Erasing a person: every id, name, act and denial; others are as if they had never met."""

from __future__ import annotations

from xingji.govern.events.event import Identity
from xingji.govern.identity.directory import numbers_of
from xingji.govern.identity.kinds import identity_of
from xingji.ports.identity_store import IdentityStore


def erase(store: IdentityStore, identity: Identity) -> list[Identity]:
    """Remove the person of an id, durably and physically; gives the ids that are gone, none if it was
    unknown.

    Between two lots only. Nobody else changes: between two persons stand only acts that came to nothing. If
    one of the ids is sent again, it is new.
    """
    numbers = set(numbers_of(store, identity))
    names = store.names(numbers)
    others = {act.weaker for act in store.acts_of(numbers)} - numbers
    nodes = store.nodes(store.names(others).values())
    left = {node.number: tuple(n for n in node.met if n not in numbers) for node in nodes.values()}
    store.erase(numbers, left)  # also of nobody: one that was killed may have left what was deleted in a log
    return [identity_of(names[number]) for number in sorted(numbers)]
