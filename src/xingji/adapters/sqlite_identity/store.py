"""`IdentityStore` in SQLite: looked up by the ids of a lot at once, changed in one transaction a lot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from xingji.adapters.sqlite_state import opened, transaction
from xingji.ports.identity_store import Bind, IdentityChange, Person

_PERSONS = """
SELECT node.name, person.number, person.root, person.exclusive, person.strength
FROM json_each(?) AS asked JOIN node ON node.name = asked.value JOIN person ON person.number = node.person
"""
_IDS = "SELECT name FROM node WHERE person = (SELECT person FROM node WHERE name = ?) ORDER BY name"
_BINDS = """
SELECT "offset", "index", weaker, stronger, outcome FROM bind
WHERE weaker = ?1 OR stronger = ?1 ORDER BY number
"""


class SqliteIdentityStore:
    """The ids of one project, in a database of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = opened(path, files(__package__).joinpath("schema.sql").read_text())

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

    def _standing(self, column: str) -> Any:
        columns = {"lot": 0, "answer": 1, "next_number": 2}
        row = self._database.execute("SELECT lot, answer, next_number FROM standing").fetchone()
        return row[columns[column]]

    def persons_of(self, names: Iterable[str]) -> dict[str, Person]:
        """See `IdentityStore`."""
        rows = self._database.execute(_PERSONS, (json.dumps(list(names)),))
        return {name: Person(number, root, json.loads(own), rank) for name, number, root, own, rank in rows}

    def ids_of(self, name: str) -> list[str]:
        """See `IdentityStore`."""
        return [found for (found,) in self._database.execute(_IDS, (name,))]

    def binds_of(self, name: str) -> list[Bind]:
        """See `IdentityStore`."""
        return [Bind(*row) for row in self._database.execute(_BINDS, (name,))]

    def save(self, lot: int, change: IdentityChange) -> None:
        """See `IdentityStore`."""
        with transaction(self._database, self._path) as database:
            self._save(database, lot, change)

    def _save(self, database: sqlite3.Connection, lot: int, change: IdentityChange) -> None:
        persons = list(change.persons)
        database.executemany(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)",
            [
                (p.number, p.root, json.dumps(dict(p.exclusive), ensure_ascii=False), p.strength)
                for p in persons
            ],
        )
        # Those that are new and absorbed within the lot have no row, but their ids do: all go where they end.
        ends = {goes: _end(goes, change.absorbed) for goes in change.absorbed}
        nodes = [(name, ends.get(number, number)) for name, number in change.nodes.items()]
        database.executemany("INSERT INTO node VALUES (?, ?)", nodes)
        moved = [(stays, goes) for goes, stays in ends.items()]
        database.executemany("UPDATE node SET person = ? WHERE person = ?", moved)
        database.executemany("DELETE FROM person WHERE number = ?", [(goes,) for goes in ends])
        database.executemany(
            'INSERT INTO bind ("offset", "index", weaker, stronger, outcome) VALUES (?, ?, ?, ?, ?)',
            [(b.offset, b.index, b.weaker, b.stronger, b.outcome) for b in change.binds],
        )
        highest = max([0, *(p.number for p in persons), *change.nodes.values()])
        database.execute(
            "UPDATE standing SET lot = ?, answer = ?, next_number = max(next_number, ?)",
            (lot, change.answer, highest + 1),
        )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _end(number: int, absorbed: Any) -> int:
    while number in absorbed:
        number = absorbed[number]
    return int(number)
