"""How nodes, persons and acts are rows, and how rows are asked for many at once."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import msgspec

from xingji.adapters.sqlite_identity.packed import digest_of
from xingji.ports.identity_store import Act, ActKind, Node, Outcome, Person

_AT_ONCE = (1, 8, 64, 512)
"""Keys of one question: few lengths, so that the database parses few questions."""
_PERSON = msgspec.msgpack.Decoder(Person)
_TIDY = msgspec.msgpack.encode
Row = tuple[Any, ...]


class _Said(msgspec.Struct, omit_defaults=True):
    """What only acts of commands have."""

    kind: ActKind
    target: int = 0
    who: str = ""
    reason: str = ""


_SAID = msgspec.json.Decoder(_Said)


def asked(database: sqlite3.Connection, question: str, keys: Collection[Any]) -> Iterator[Row]:
    """The rows of a question about many keys, which are a table `asked (key)` in it; perhaps some twice."""
    # In order, neighbours in the tree are looked up one after the other.
    ordered, at = sorted(keys), 0
    while at < len(ordered):
        left = len(ordered) - at
        size = next((size for size in _AT_ONCE if size >= left), _AT_ONCE[-1])
        some = ordered[at : at + size]
        at += size
        some += [some[-1]] * (size - len(some))
        yield from database.execute(_question(question, size), some)


@cache
def _question(question: str, size: int) -> str:
    return question.format(keys=f"WITH asked (key) AS (VALUES {', '.join(['(?)'] * size)})")


def node_row(node: Node) -> Row:
    """A node as a row of the table id."""
    met = array("I", node.met).tobytes() if node.met else None
    return digest_of(node.name), node.number, met, node.acts


def met_of(content: bytes | None) -> tuple[int, ...]:
    """The numbers of a column `met`."""
    return tuple(array("I", content)) if content else ()


def person_row(person: Person) -> Row:
    """A person as a row."""
    return person.root, _TIDY(person)


def person_of(content: bytes) -> Person:
    """The person of a row."""
    return _PERSON.decode(content)


def act_row(act: Act) -> Row:
    """An act as a row."""
    said = None
    if act.kind is not ActKind.EVENT:
        said = msgspec.json.encode(_Said(act.kind, act.target, act.who, act.reason)).decode()
    return (
        act.number, act.stronger, act.offset, act.index, act.time_us, int(act.outcome), act.ground or None,
        said,
    )  # fmt: skip


def act_of(row: Row) -> Act:
    """The act of a row."""
    number, stronger, offset, index, time_us, outcome, ground, text = row
    said = _SAID.decode(text) if text else _Said(ActKind.EVENT)
    return Act(
        number, stronger, offset, index, time_us, said.kind, Outcome(outcome), ground or 0, said.target,
        said.who, said.reason,
    )  # fmt: skip
