"""The work that trouble is staged on: each kind with the lake before it, and what must be there after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.unit.lake.rows import LAKE_BUCKETS, Event, Row, event_table, rows_in, rows_of, some_events
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake import bulk_import, tail
from xingji.lake.lake import Lake

OLD = some_events(120, users=9, days=20)
TAIL = [
    replace(e, day=e.day + 31, id=1_000 + at)
    for at, e in enumerate(some_events(40, users=9, seed=8, days=20))
]
NEW = [
    replace(e, day=e.day + 62, id=2_000 + at)
    for at, e in enumerate(some_events(100, users=9, seed=9, days=20))
]
LOG = OLD + TAIL + NEW
"""Events of three months, so that new ones need folders of their own."""
NAMES = ("n", "page")


def make_work_large(patch: pytest.MonkeyPatch) -> None:
    """Let imports of a hundred events be done as those of millions are, and call three files a crowd."""
    patch.setattr(bulk_import, "RUN_ROWS", 40)
    patch.setattr(tail, "CROWDED", 3)
    patch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)


def open_lake(home: Path) -> Lake:
    """The lake of a home."""
    return Lake(IcebergLocalStore(home / "lake", LAKE_BUCKETS), home / "prepared")


def close(lake: Lake) -> None:
    assert isinstance(lake.store, IcebergLocalStore)
    lake.store.close()


def read(lake: Lake) -> list[Row]:
    return rows_of(lake, *NAMES)


def prepare(lake: Lake) -> None:
    """A lake with a base, a tail, and merges: fresh (u1), compacted (u5), and undone after that (u7)."""
    lake.append("old", event_table(OLD), merges=[("u5", "u6"), ("u7", "u8")])
    lake.compact()
    lake.unmerge_users("u7")
    for at in range(0, len(TAIL), 10):
        lake.append(f"tail {at}", event_table(TAIL[at : at + 10]))
    lake.merge_users("u1", "u2")
    lake.collect()


def append(lake: Lake) -> None:
    lake.append("new", event_table(NEW))


def import_file(lake: Lake) -> None:
    with lake.begin_import("file") as session:
        for at in range(session.rows, len(NEW), 20):
            session.add(event_table(NEW[at : at + 20]))
        session.finish()


def compact(lake: Lake) -> None:
    lake.compact()


def merge_tails(lake: Lake) -> None:
    lake.merge_tails()


def merge(lake: Lake) -> None:
    lake.merge_users("u3", "u2")


def lot(lake: Lake) -> None:
    """Events, and whose they are, at once: u5 is its own again, u3 somebody else, and u1 with a new user."""
    lake.append("lot", event_table(NEW), merges=[("u3", "u2"), ("u1", "new")], unmerges=["u5"])


def unmerge(lake: Lake) -> None:
    lake.append("undo", unmerges=["u5", "u1"])


def erase(lake: Lake) -> None:
    lake.erase("u2")


def one(events: list[Event], **merges: str) -> list[Row]:
    """The rows of events whose users were merged; u5 into u6 unless it is said otherwise."""
    merges = {"u5": "u6"} | merges
    return rows_in([replace(e, user=merges.get(e.user, e.user)) for e in events], *NAMES)


@dataclass(frozen=True)
class Work:
    """One kind of work and the rows after it."""

    do: Callable[[Lake], None]
    after: list[Row]


BEFORE = one(OLD + TAIL, u1="u2")
KINDS = {
    "append": Work(append, one(LOG, u1="u2")),
    "import": Work(import_file, one(LOG, u1="u2")),
    "compact": Work(compact, BEFORE),
    "tails": Work(merge_tails, BEFORE),
    "merge": Work(merge, one(OLD + TAIL, u1="u2", u3="u2")),
    "lot": Work(lot, one(LOG, u1="new", u3="u2", u5="u5")),
    "unmerge": Work(unmerge, one(OLD + TAIL, u5="u5")),
    "erase": Work(erase, [row for row in BEFORE if row[0] != "u2"]),
}


def check_whole(lake: Lake, kind: str) -> None:
    """Right after trouble: the lake is as it was before the work, or as it is after it."""
    assert read(lake) in (BEFORE, KINDS[kind].after)
    assert lake.find_trouble() == []


def check_done(lake: Lake, kind: str) -> None:
    """When the work was done again: nothing lost, nothing twice, nothing left lying about."""
    assert read(lake) == KINDS[kind].after
    assert list(lake.store.sessions()) == []
    lake.collect()
    assert lake.collect().files == 0
    assert lake.find_trouble() == []
