"""`IdentityStore` in SQLite: read by the ids of a lot at once, changed in one transaction a lot."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from xingji.adapters.sqlite_identity import erasing
from xingji.adapters.sqlite_identity.packed import digest_of, packed, unpacked
from xingji.adapters.sqlite_identity.rows import (
    act_of,
    act_row,
    asked,
    met_of,
    node_row,
    person_of,
    person_row,
)
from xingji.adapters.sqlite_state import empty_log, named_faults, opened, transaction
from xingji.ports.identity_store import Act, Denied, IdentityChange, Node, Person

_CACHE_KIB = 32 << 10
_MAPPED_BYTES = 8 << 30
"""Pages are read where the system has them anyway: no call for each, and no second copy in this process."""
_NODES = (
    "{keys} SELECT asked.key, id.number, id.met, id.acts FROM asked CROSS JOIN id ON id.digest = asked.key"
)
_NAMES = "{keys} SELECT node.number, node.name FROM asked CROSS JOIN node ON node.number = asked.key"
_ROOTS = (
    "{keys} SELECT node.number, node.root FROM asked CROSS JOIN node ON node.number = asked.key "
    "WHERE node.root IS NOT NULL"
)
_PERSONS = "{keys} SELECT person.root, person.nodes FROM asked CROSS JOIN person ON person.root = asked.key"
_ACTS_OF_WEAKER = """
{keys} SELECT act.* FROM asked CROSS JOIN act
ON act.number BETWEEN asked.key << 24 AND ((asked.key + 1) << 24) - 1
"""
_ACTS_OF_STRONGER = """
{keys} SELECT act.* FROM asked CROSS JOIN act INDEXED BY act_apart
ON act.stronger = asked.key AND act.outcome > 1
"""
_ACT = "SELECT * FROM act WHERE number = ?"
_STANDING = ("lot", "next_number", "rules", "answer")


class SqliteIdentityStore:
    """The ids of one project, in a database of its own, for one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the database, made where there is none.

        Raises:
            DamagedFileError: the file is no database any more.
        """
        self._path = path
        self._database = opened(path, files(__package__).joinpath("schema.sql").read_text())
        with named_faults(path):
            self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._database.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")

    @property
    def lot(self) -> int:
        """See `IdentityStore`."""
        return int(self._standing("lot"))

    def answer(self) -> bytes:
        """See `IdentityStore`."""
        return bytes(self._standing("answer"))

    def next_number(self) -> int:
        """See `IdentityStore`."""
        return int(self._standing("next_number"))

    def rules(self) -> bytes:
        """See `IdentityStore`."""
        return bytes(self._standing("rules"))

    def _standing(self, column: str) -> Any:
        with named_faults(self._path):
            row = self._database.execute("SELECT lot, next_number, rules, answer FROM standing").fetchone()
        return row[_STANDING.index(column)]

    def set_rules(self, rules: bytes) -> None:
        """See `IdentityStore`."""
        with transaction(self._database, self._path) as database:
            database.execute("UPDATE standing SET rules = ?", (rules,))

    def nodes(self, names: Collection[str]) -> dict[str, Node]:
        """See `IdentityStore`."""
        by_digest = {digest_of(name): name for name in names}
        found: dict[str, Node] = {}
        for digest, number, met, acts in self._asked(_NODES, by_digest):
            name = by_digest[digest]
            found[name] = Node(name, number, met_of(met), acts)
        return found

    def names(self, numbers: Collection[int]) -> dict[int, str]:
        """See `IdentityStore`."""
        return {number: unpacked(name) for number, name in self._asked(_NAMES, numbers)}

    def persons(self, numbers: Collection[int]) -> dict[int, Person]:
        """See `IdentityStore`."""
        roots = dict(self._asked(_ROOTS, numbers))
        persons = {root: person_of(nodes) for root, nodes in self._asked(_PERSONS, set(roots.values()))}
        return {number: persons[root] for number, root in roots.items()}

    def acts_of(self, numbers: Collection[int]) -> list[Act]:
        """See `IdentityStore`."""
        rows = {
            row[0]: row
            for question in (_ACTS_OF_WEAKER, _ACTS_OF_STRONGER)
            for row in self._asked(question, numbers)
        }
        return [act_of(row) for row in rows.values()]

    def act(self, number: int) -> Act | None:
        """See `IdentityStore`."""
        # SQLite's numbers end where 64 bits do; a number beyond is nobody's.
        with named_faults(self._path), suppress(OverflowError):
            row = self._database.execute(_ACT, (number,)).fetchone()
            return None if row is None else act_of(row)
        return None

    def denied(self) -> list[Denied]:
        """See `IdentityStore`."""
        question = 'SELECT name, "offset", time_us, who, reason FROM denied ORDER BY "offset", name'
        with named_faults(self._path):
            return [Denied(*row) for row in self._database.execute(question)]

    def _asked(self, question: str, keys: Collection[Any]) -> list[tuple[Any, ...]]:
        with named_faults(self._path):
            return list(asked(self._database, question, keys))

    def save(self, lot: int, change: IdentityChange) -> None:
        """See `IdentityStore`."""
        with transaction(self._database, self._path) as database:
            last = _save_nodes(database, change)
            _save_persons(database, change)
            database.executemany(
                "INSERT OR REPLACE INTO act VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                sorted(map(act_row, change.acts)),
            )
            _save_denials(database, change)
            database.execute(
                "UPDATE standing SET lot = ?, answer = ?, next_number = max(next_number, ?)",
                (lot, change.answer, last + 1),
            )

    def erase(self, numbers: Collection[int], left: Mapping[int, tuple[int, ...]]) -> None:
        """See `IdentityStore`."""
        names = self.names({*numbers, *left})
        acts = [act.number for act in self.acts_of(numbers)]
        with transaction(self._database, self._path) as database:
            erasing.erase(database, {number: names[number] for number in numbers if number in names}, acts)
            erasing.forget_met(database, {names[number]: met for number, met in left.items()})
        empty_log(self._database, self._path)

    def close(self) -> None:
        """See `IdentityStore`."""
        self._database.close()


def _save_nodes(database: sqlite3.Connection, change: IdentityChange) -> int:
    """Put nodes; gives the greatest number among the new ones."""
    fresh = sorted(change.new_nodes, key=lambda node: node.number)
    database.executemany(
        "INSERT INTO node (number, name) VALUES (?, ?)", [(node.number, packed(node.name)) for node in fresh]
    )
    database.executemany("INSERT INTO id VALUES (?, ?, ?, ?)", sorted(map(node_row, fresh)))
    database.executemany(
        "UPDATE id SET met = ?3, acts = ?4 WHERE digest = ?1 AND number = ?2",
        sorted(map(node_row, change.nodes)),
    )
    return fresh[-1].number if fresh else 0


def _save_persons(database: sqlite3.Connection, change: IdentityChange) -> None:
    database.executemany("DELETE FROM person WHERE root = ?", [(root,) for root in change.gone])
    several = [person for person in change.persons if len(person.numbers) > 1]
    alone = [person.root for person in change.persons if len(person.numbers) == 1]
    database.executemany("INSERT OR REPLACE INTO person VALUES (?, ?)", map(person_row, several))
    roots: list[tuple[int | None, int]] = [(None, number) for number in alone]
    roots += [(person.root, number) for person in several for number in person.numbers]
    database.executemany("UPDATE node SET root = ? WHERE number = ?", roots)


def _save_denials(database: sqlite3.Connection, change: IdentityChange) -> None:
    database.executemany("DELETE FROM denied WHERE name = ?", [(name,) for name in change.allowed])
    database.executemany(
        "INSERT OR REPLACE INTO denied VALUES (?, ?, ?, ?, ?)",
        [(one.name, one.offset, one.time_us, one.who, one.reason) for one in change.denied],
    )
