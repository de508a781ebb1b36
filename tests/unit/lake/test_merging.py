"""What a lot merges and undoes is in force with its events, at the price of one change, however much."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.persons import histories_of, owners_at
from tests.unit.lake.rows import Event, event_table, rows_of, some_events
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake import overrides
from xingji.lake.data_file import read_rows
from xingji.lake.forest import Forest, last_survivors
from xingji.lake.lake import Lake
from xingji.model.errors import FieldError
from xingji.ports.lake_store import OWN, SURVIVOR, USER_ID, LakeTable

DAYS = [Event(f"device-{at}", "open", at % 30, id=at + 1) for at in range(1_200)]


def users_of(lake: Lake) -> set[str]:
    return {row[0] for row in rows_of(lake)}


def test_a_lot_shows_its_events_and_merges_at_once(lake: Lake) -> None:
    lake.append("1", event_table([Event("device", "open", 0)]))
    before = lake.store.version().number
    done = lake.append("2", event_table([Event("customer", "pay", 1)]), merges=[("device", "customer")])
    assert (done.version, done.events) == (before + 1, 1)
    assert [(row[0], row[2]) for row in rows_of(lake)] == [("customer", "open"), ("customer", "pay")]


def test_the_same_lot_again_merges_nobody(lake: Lake, reopen: Reopen) -> None:
    lake.append("1", event_table([Event("a", "open", 0), Event("b", "open", 0)]), merges=[("a", "b")])
    lake.unmerge_users("a")
    assert reopen().append("1", merges=[("a", "b")]).repeated
    assert users_of(lake) == {"a", "b"}


def test_changes_of_properties_follow_their_user(lake: Lake) -> None:
    event, other = Event("a", "open", 0), Event("b", "open", 1)
    changes = pa.table({"user": ["a"], "time": event_table([event])["time"], "p_city": ["渝"]})
    lake.append("1", event_table([event, other]), changes, merges=[("a", "b")])
    lake.compact()
    assert list(histories_of(lake, "city")) == ["b"]
    lake.append("2", unmerges=["a"])
    assert list(histories_of(lake, "city")) == ["a"]


@pytest.mark.parametrize(
    ("merges", "at"),
    [
        pytest.param([("a", "a")], 0, id="with itself"),
        pytest.param([("a", "b"), ("b", "a")], 1, id="each other"),
        pytest.param([("x", "a"), ("a", "b"), ("b", "y"), ("y", "x")], 3, id="by users nobody has seen"),
    ],
)
def test_a_circle_is_refused_before_anything_is_written(
    lake: Lake, merges: list[tuple[str, str]], at: int
) -> None:
    lake.append("1", event_table([Event("a", "open", 0), Event("b", "open", 0)]))
    before = lake.store.version()
    with pytest.raises(FieldError, match=rf"merges\[{at}\]\.survivor"):
        lake.append("2", event_table([Event("c", "open", 0)]), merges=merges)
    assert lake.store.version() == before
    assert lake.store.find_users(["c", "x", "y"]).tolist() == [0, 0, 0]
    lake.append("2", event_table([Event("c", "open", 0)]))
    assert users_of(lake) == {"a", "b", "c"}


def test_merges_come_after_those_that_are_undone(lake: Lake) -> None:
    lake.append("1", event_table(DAYS[:3]), merges=[("device-0", "device-1"), ("device-2", "device-1")])
    turned = [("device-1", "device-0"), ("device-2", "device-0")]
    lake.append("2", merges=turned, unmerges=["device-0", "device-0", "nobody"])
    with lake.snapshot() as snapshot:
        assert owners_at(snapshot, ["device-0", "device-1", "device-2"]) == ["device-0"] * 3


def test_events_that_came_for_two_users_are_both_kept_until_they_are_parted(lake: Lake) -> None:
    twice = [Event("a", "open", 0, id=7), Event("b", "open", 0, id=7)]
    lake.append("1", event_table(twice), merges=[("a", "b")])
    lake.append("2", event_table(twice))
    done = lake.compact()
    assert done is not None
    assert done.repeated_events == 2
    lake.unmerge_users("a")
    assert sorted(row[0] for row in rows_of(lake)) == ["a", "b"]


def test_other_engines_find_users_by_the_overrides(lake: Lake) -> None:
    """As the page on the lake says it: both columns, then the user's own, then none."""
    events = some_events(120, users=6)
    lake.append("1", event_table(events[:60]), merges=[("u1", "u2"), ("u2", "u3"), ("u4", "u5")])
    lake.compact()
    lake.append("2", event_table(events[60:]), merges=[("u0", "u3"), ("u3", "u5")], unmerges=["u1", "u4"])
    version = lake.store.version()

    def rows(*tables: LakeTable) -> list[dict[str, int]]:
        return [row for file in version.of(*tables) for row in read_rows(lake.store, file).to_pylist()]

    belongs = {(row[USER_ID], row.get(OWN)): row[SURVIVOR] for row in rows(LakeTable.OVERRIDES)}
    found = Counter(
        belongs.get((row[USER_ID], row.get(OWN)), belongs.get((row[USER_ID], None), row[USER_ID]))
        for row in rows(LakeTable.EVENTS, LakeTable.EVENTS_TAIL)
    )
    assert any(own for _, own in belongs)
    names = dict(zip(found, lake.store.user_names(np.array(list(found))), strict=True))
    expected = Counter({"u0": "u5", "u2": "u5", "u3": "u5"}.get(event.user, event.user) for event in events)
    assert Counter({names[user]: n for user, n in found.items()}) == expected


def work_of_merging(lake: Lake, n: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
    """How often a lot that moves or undoes n merges asks the catalogue, and reads and writes overrides."""
    events = DAYS[:n]
    lake.append(f"{n} events", event_table(events))
    merges = [(event.user, f"person-{at // 3}") for at, event in enumerate(events)]
    lake.append(f"{n} before", merges=merges)
    assert isinstance(lake.store, IcebergLocalStore)
    asked: list[str] = []
    calls = {"read_rows": 0, "write_rows": 0}

    def counted(name: str) -> None:
        original = getattr(overrides, name)

        def call(*arguments: object) -> object:
            calls[name] += 1
            return original(*arguments)

        monkeypatch.setattr(overrides, name, call)

    with monkeypatch.context():
        for name in calls:
            counted(name)
        connection = lake.store._ledger._connection
        connection.set_trace_callback(lambda text: asked.append(text) if "SELECT" in text[:12] else None)
        moved = [(event.user, f"new-{at // 3}") for at, event in enumerate(events[: n // 2])]
        lake.append(f"{n} more", merges=moved, unmerges=[event.user for event in events[n // 2 :]])
        connection.set_trace_callback(None)
    monkeypatch.undo()
    expected = {survivor for _, survivor in moved} | {event.user for event in events[n // 2 :]}
    assert users_of(lake) == expected
    return len(asked), calls["read_rows"], calls["write_rows"]


def test_many_merges_take_no_more_questions_than_few(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    few = work_of_merging(lake, 6, monkeypatch)
    lake.append("undone", unmerges=[event.user for event in DAYS[:6]])
    many = work_of_merging(lake, 1_200, monkeypatch)
    assert many == few
    assert many[1:] == (1, 1)
    assert len(lake.store.version().of(LakeTable.OVERRIDES)) == 1


def test_chains_are_followed_whatever_their_length() -> None:
    chain = np.array([[at, at + 1] for at in range(1, 1_000)], np.int64)
    assert last_survivors(chain[::-1], np.array([1, 500, 1_000, 2_000])).tolist() == [
        1_000,
        1_000,
        1_000,
        2_000,
    ]


def test_a_circle_leaves_the_forest_as_it_was() -> None:
    forest = Forest({1: 2, 2: 3})
    assert not forest.attach(3, 1)
    assert not forest.attach(2, 1)
    assert (forest.last(1), forest.changes()) == (3, {})
    forest.detach(2)
    assert (forest.last(1), forest.last(3), forest.changes()) == (2, 3, {2: None})
