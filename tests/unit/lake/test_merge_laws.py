"""Whatever was merged, undone, compacted, loaded and erased, in whatever order: a lake answers as a fresh one
would that was loaded with every event under the person it belongs to in the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lake.persons import ReferencePersons, histories_at, owners_at, rows_at
from tests.unit.lake.rows import Event, Row, event_table, rows_in, some_events
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake import bulk_import, compaction, rewriting
from xingji.lake.bulk_import import Import
from xingji.lake.lake import Lake
from xingji.lake.snapshot import LakeSnapshot
from xingji.model.errors import BusyError, FieldError

N_USERS = 6
NAMES = [f"u{at}" for at in range(N_USERS + 2)]
"""The last two have no events of their own."""
LOG = some_events(2_000, users=N_USERS, days=70)


class Bench:
    """A lake and what is expected of it, side by side."""

    def __init__(self, home: Path) -> None:
        self.store = IcebergLocalStore(home / "lake", 3)
        self.lake = Lake(self.store, home / "prepared")
        self.persons = ReferencePersons()
        self.events: list[Event] = []
        self.changes: list[Event] = []
        self._log: Iterator[Event] = iter(LOG)
        self._numbers = itertools.count()
        self._import: tuple[Import, list[Event]] | None = None
        self._pins: list[tuple[LakeSnapshot, list[Row], list[str]]] = []

    def do(self, step: str, *arguments: Any) -> None:
        getattr(self, step)(*arguments)

    def append(self, n: int, merges: list[tuple[str, str]], unmerges: list[str]) -> None:
        """A lot: events, a change of each of their users, merges and undone ones; twice, as after a crash."""
        batch, events = f"lot {next(self._numbers)}", list(itertools.islice(self._log, n))
        tables = (event_table(events), changes_of(events)) if events else (None, None)
        before = self.store.version()
        if not self.persons.regroup(merges, unmerges):
            with pytest.raises(FieldError, match=r"merges\[\d+\]\.survivor"):
                self.lake.append(batch, *tables, merges, unmerges)
            assert self.store.version() == before
            return
        self.lake.append(batch, *tables, merges, unmerges)
        assert self.lake.append(batch, *tables, merges, unmerges).repeated
        self.events += events
        self.changes += events

    def compact(self, meanwhile: list[tuple[Any, ...]]) -> None:
        """A compaction during which other things happen between its plan and its commit."""
        left = [*meanwhile]

        def build_slowly(job: compaction.Compaction, report: compaction.Report) -> None:
            build(job, report)
            while left:
                self.do(*left.pop(0))

        build = compaction.Compaction._build
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compaction.Compaction, "_build", build_slowly)
            self.lake.compact()

    def kill_compaction(self) -> None:
        def stop(done: int, total: int) -> None:
            if done >= total // 2:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            self.lake.compact(stop)

    def begin_import(self, n: int) -> None:
        """Events taken in now, which will be in the lake later."""
        if self._import is None:
            events = list(itertools.islice(self._log, n))
            bulk = self.lake.begin_import(f"import {next(self._numbers)}")
            bulk.add(event_table(events))
            bulk.save()
            self._import = bulk, events

    def end_import(self, into: str = "tail") -> None:
        """Put them into the tail; or into the base, which nobody can do during a compaction."""
        if self._import is not None:
            bulk, events = self._import
            with pytest.MonkeyPatch.context() as patch:
                if into == "base":
                    patch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)
                bulk.finish()
            bulk.close()
            self.events += events
            self._import = None

    def erase(self, name: str) -> None:
        with suppress(BusyError):
            self.lake.erase(name)
            gone = self.persons.forget(name)
            self.events = [event for event in self.events if event.user not in gone]
            self.changes = [event for event in self.changes if event.user not in gone]

    def merge_tails(self) -> None:
        self.lake.merge_tails()

    def collect(self) -> None:
        self.lake.collect()

    def pin(self) -> None:
        """A reader who stays to the end."""
        snapshot = self.lake.snapshot()
        self._pins.append((snapshot, self.expected_rows(), [self.persons.owner(name) for name in NAMES]))

    def expected_rows(self) -> list[Row]:
        return sorted(rows_in(self.persons.renamed(self.events), "n", "page"), key=repr)

    def check(self) -> None:
        with self.lake.snapshot() as snapshot:
            assert rows_at(snapshot, "n", "page") == self.expected_rows()
            assert owners_at(snapshot, NAMES) == [self.persons.owner(name) for name in NAMES]
            assert sorted_values(histories_at(snapshot, "seen")) == self._expected_values()
        assert self.lake.find_trouble() == []

    def _expected_values(self) -> dict[str, list[tuple[int, object]]]:
        owners = {self.persons.owner(event.user) for event in self.events}
        found: dict[str, list[tuple[int, object]]] = {}
        for event in self.persons.renamed(self.changes):
            if event.user in owners:
                found.setdefault(event.user, []).append((event.time_us, event.id))
        return sorted_values(found)

    def close(self) -> None:
        for snapshot, rows, owners in self._pins:
            assert rows_at(snapshot, "n", "page") == rows
            known = [name for name in NAMES if self.store.find_users([name])[0]]
            expected = [owner for name, owner in zip(NAMES, owners, strict=True) if name in known]
            assert owners_at(snapshot, known) == expected
            snapshot.close()
        if self._import is not None:
            self._import[0].close()
        self.store.close()


def changes_of(events: list[Event]) -> pa.Table:
    """A change of a user property for each event."""
    columns = {"user": [e.user for e in events], "time": event_table(events)["time"]}
    return pa.table(columns | {"p_seen": pa.array([e.id for e in events], pa.int64())})


def sorted_values(histories: dict[str, list[tuple[int, object]]]) -> dict[str, list[tuple[int, object]]]:
    return {user: sorted(values, key=repr) for user, values in histories.items()}


NAME = st.sampled_from(NAMES)
MERGES = st.lists(st.tuples(NAME, NAME), max_size=4)
LOT = st.tuples(st.just("append"), st.integers(0, 25), MERGES, st.lists(NAME, max_size=3))
BEGIN_IMPORT = st.tuples(st.just("begin_import"), st.integers(1, 30))
END_IMPORT = st.tuples(st.just("end_import"), st.sampled_from(["tail", "base"]))
STEP = st.one_of(
    LOT,
    LOT,
    BEGIN_IMPORT,
    END_IMPORT,
    st.tuples(
        st.just("compact"), st.lists(st.one_of(LOT, BEGIN_IMPORT, st.just(("end_import",))), max_size=3)
    ),
    st.sampled_from([("kill_compaction",), ("merge_tails",), ("collect",), ("pin",)]),
)


def lot(*merges: tuple[str, str], undone: tuple[str, ...] = (), n: int = 12) -> tuple[Any, ...]:
    return "append", n, list(merges), list(undone)


COMPACT: tuple[Any, ...] = ("compact", [])
STORIES: dict[str, list[tuple[Any, ...]]] = {
    "undone before any compaction": [lot(), lot(("u1", "u2")), lot(), lot(undone=("u1",))],
    "undone after a compaction": [lot(), lot(("u1", "u2")), COMPACT, lot(), lot(undone=("u1",)), COMPACT],
    "undone twice": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(undone=("u1",)),
        lot(("u1", "u2")),
        COMPACT,
        lot(undone=("u1",)),
        COMPACT,
    ],
    "taken along, then parted": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(("u2", "u3")),
        COMPACT,
        lot(undone=("u1",)),
        COMPACT,
        lot(undone=("u2",)),
    ],
    "parted from below one who is taken along": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(("u2", "u3")),
        lot(undone=("u1",)),
        lot(undone=("u2",)),
        COMPACT,
    ],
    "moved to somebody else": [lot(), lot(("u1", "u2")), COMPACT, lot(("u1", "u3")), COMPACT, lot()],
    "moved upwards, and left by the middle": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(("u2", "u3")),
        lot(("u1", "u3")),
        lot(undone=("u2",)),
        COMPACT,
    ],
    "turned round": [lot(), lot(("u1", "u2")), COMPACT, lot(("u2", "u1"), undone=("u1",)), COMPACT],
    "by users nobody has seen": [lot(("u6", "u7"), ("u7", "u1")), lot(), COMPACT, lot(undone=("u7",))],
    "undone during a compaction, with new events": [
        lot(),
        lot(("u1", "u2")),
        ("compact", [lot(undone=("u1",))]),
        COMPACT,
    ],
    "undone during a compaction": [
        lot(),
        lot(("u1", "u2")),
        ("compact", [lot(undone=("u1",), n=0)]),
        COMPACT,
    ],
    "moved during a compaction": [lot(), lot(("u1", "u2")), ("compact", [lot(("u1", "u3"), n=0)]), COMPACT],
    "one below undone during a compaction": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(("u2", "u3")),
        ("compact", [lot(undone=("u1",), n=0), lot(undone=("u2",), n=0)]),
        COMPACT,
    ],
    "undone and done again during a compaction": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        lot(undone=("u1",)),
        ("compact", [lot(("u1", "u2"), n=0), lot(undone=("u1",), n=0)]),
        lot(),
    ],
    "left, joined by somebody, and merged again during a compaction": [  # the two events are not u1's own
        lot(),
        lot(("u1", "u2")),
        (
            "compact",
            [lot(undone=("u1",), n=0), lot(("u4", "u1"), n=0), lot(n=2), lot(("u1", "u2"), n=0)],
        ),
        lot(),
    ],
    "merged while an import goes on": [
        lot(),
        ("begin_import", 30),
        lot(("u1", "u2"), ("u3", "u4")),
        COMPACT,
        ("end_import",),
        COMPACT,
        lot(undone=("u1",)),
    ],
    "undone while an import goes on": [
        lot(),
        lot(("u1", "u2"), ("u3", "u4")),
        COMPACT,
        ("begin_import", 30),
        lot(undone=("u1", "u3")),
        COMPACT,
        ("end_import",),
        COMPACT,
    ],
    "seen by a reader who stays": [
        lot(),
        lot(("u1", "u2")),
        COMPACT,
        ("pin",),
        lot(undone=("u1",)),
        COMPACT,
        ("collect",),
        ("pin",),
        lot(("u1", "u4")),
    ],
    "a compaction killed, then a person's events imported": [
        ("begin_import", 30),
        lot(),
        lot(("u1", "u2")),
        ("kill_compaction",),
        ("end_import", "base"),
        COMPACT,
    ],
    "in a circle": [
        lot(),
        lot(("u1", "u2"), ("u2", "u3")),
        lot(("u3", "u1")),
        lot(("u1", "u1")),
        lot(("u3", "u1"), undone=("u2",)),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_of_merges_ends_well(story: str, tmp_path: Path) -> None:
    run(STORIES[story], 1_000, tmp_path)


@settings(max_examples=40)
@given(steps=st.lists(STEP, max_size=12), file_rows=st.sampled_from([20, 1_000]))
def test_a_lake_answers_as_if_everybody_had_always_been_who_they_are(
    steps: list[tuple[Any, ...]], file_rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(steps, file_rows, tmp_path_factory.mktemp("lake"))


@settings(max_examples=15)
@given(
    steps=st.lists(st.one_of(STEP, st.tuples(st.just("erase"), NAME)), max_size=10).filter(
        lambda steps: not any(step[0] in ("pin", "begin_import") for step in steps)
    )
)
def test_an_erased_person_is_everybody_who_is_one_with_it_and_nobody_else(
    steps: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(steps, 1_000, tmp_path_factory.mktemp("lake"))


def run(steps: list[tuple[Any, ...]], file_rows: int, home: Path) -> None:
    """Do the steps, looking at the lake after each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewriting, "MAX_FILE_ROWS", file_rows)
        bench = Bench(home)
        for step in steps:
            bench.do(*step)
            bench.check()
        bench.lake.compact()
        bench.check()
        bench.close()
