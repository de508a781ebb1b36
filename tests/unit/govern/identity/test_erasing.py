"""An erased person is gone from the answers and from the disk; others are as if they had never met."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.govern.identity.living import Life, item
from xingji.govern.identity.directory import Directory
from xingji.model.errors import OurError, TransientError
from xingji.ports.identity_store import IdentityChange

SECRET = "Secret-Zed-Quux"
"""A value that is kept as the text that it is, so that it can be looked for."""
MET = [f"login={SECRET} device=d", "login=other device=d", "login=other device=e"]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path)
    life.live([item(text) for text in MET])
    yield life
    life.close()


def files_with(life: Life, text: str) -> list[str]:
    """The files of a life that have a text."""
    return [path.name for path in sorted(life.folder.iterdir()) if text.encode() in path.read_bytes()]


def test_nothing_is_left_on_the_disk(life: Life) -> None:
    assert files_with(life, SECRET)
    assert life.resolver.erase(("device", "d")) == [("login", SECRET), ("device", "d")]
    assert files_with(life, SECRET) == []


def test_others_are_as_if_they_had_never_met(life: Life) -> None:
    life.resolver.erase(("login", SECRET))
    directory = Directory(life.store)
    assert directory.ids_of(("login", SECRET)) == []
    assert directory.ids_of(("login", "other")) == [("login", "other"), ("device", "e")]
    assert [row.weaker for row in directory.history(("login", "other"))] == ["device:e"]
    life.live([item("login=other device=d")])
    assert directory.ids_of(("device", "d")) == [("login", "other"), ("device", "e"), ("device", "d")]


def test_who_is_unknown_is_nobody(life: Life) -> None:
    assert life.resolver.erase(("login", "nobody")) == []
    assert Directory(life.store).ids_of(("device", "d")) == [("login", SECRET), ("device", "d")]


def test_a_reader_keeps_an_erasure_from_being_called_done(life: Life) -> None:
    life.store._database.execute("PRAGMA busy_timeout = 10")
    reader = sqlite3.connect(life.folder / "ids.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM node").fetchone()
    with pytest.raises(TransientError, match="erase again"):
        life.resolver.erase(("login", SECRET))
    reader.close()
    assert files_with(life, SECRET)
    assert life.resolver.erase(("login", SECRET)) == []
    assert files_with(life, SECRET) == []


def test_not_inside_a_lot(life: Life) -> None:
    life.resolver.resolve(life.lot + 1, [])
    with pytest.raises(OurError, match="erase before or after it"):
        life.resolver.erase(("login", SECRET))


def test_a_change_that_fails_leaves_nothing(life: Life) -> None:
    known = life.store.nodes(["login:other"])["login:other"]
    with pytest.raises(TransientError, match="nothing was changed"):
        life.store.save(9, IdentityChange(b"", new_nodes=[known]))
    assert life.store.lot == life.lot
