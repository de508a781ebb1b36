"""Compaction changes where rows are, and no answer."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.rows import Event, event_table, rows_in, rows_of, rows_of_view, some_events
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.lake import compaction, rewriting
from xingji.lake.lake import Lake
from xingji.model.errors import BusyError, FieldError
from xingji.ports.lake_store import BASE_TABLES, CommitConflictError, LakeTable

EVENTS = some_events(300)


_BATCHES = itertools.count()
"""No two batches have one id: the address of a list, which was one before, is given again to another list."""


def fill(lake: Lake, events: list[Event], size: int = 60) -> None:
    for at in range(0, len(events), size):
        lake.append(f"batch {next(_BATCHES)}", event_table(events[at : at + size]))


def renamed(events: list[Event], **merges: str) -> list[Event]:
    """The events as they are when users are merged."""
    return [replace(event, user=merges.get(event.user, event.user)) for event in events]


def test_compaction_moves_the_tail_into_the_base(lake: Lake) -> None:
    fill(lake, EVENTS)
    done = lake.compact()
    assert done is not None
    assert (done.events, done.repeated_events) == (300, 0)
    assert {file.table for file in lake.store.version().files} == {LakeTable.EVENTS}
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    assert lake.find_trouble() == []
    assert lake.compact() is None


def test_base_and_tail_together_are_read_in_order(lake: Lake) -> None:
    fill(lake, EVENTS[:200])
    lake.compact()
    fill(lake, EVENTS[200:])
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    lake.compact()
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    places = [(file.bucket, file.month) for file in lake.store.version().files]
    assert len(places) == len(set(places))


def test_reader_that_began_before_sees_the_same_after(lake: Lake) -> None:
    fill(lake, EVENTS)
    with lake.snapshot() as snapshot:
        lake.compact()
        lake.collect()
        views = [view for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)]
        found = [row for view in views for row in rows_of_view(view, snapshot, ["n"])]
    assert sorted(found, key=lambda row: row[0]) == rows_in(EVENTS, "n")
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")


def test_events_appended_meanwhile_stay_in_the_tail(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake, EVENTS[:200])
    build = compaction.Compaction._build

    def build_slowly(self: compaction.Compaction, report: compaction.Report) -> None:
        build(self, report)
        fill(lake, EVENTS[200:], size=100)

    monkeypatch.setattr(compaction.Compaction, "_build", build_slowly)
    lake.compact()
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")
    assert sum(file.rows for file in lake.store.version().of(LakeTable.EVENTS_TAIL)) == 100


def test_repeated_events_are_dropped(lake: Lake) -> None:
    fill(lake, EVENTS)
    lake.append("again", event_table(EVENTS[:7]))
    lake.compact()
    lake.append("once more", event_table(EVENTS[:5]))
    done = lake.compact()
    assert done is not None
    assert done.repeated_events == 5
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")


def test_one_process_compacts_at_a_time(lake: Lake, reopen: Reopen) -> None:
    fill(lake, EVENTS)
    with reopen().store.rewriter(), pytest.raises(BusyError):
        lake.compact()
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")


def test_compaction_that_stopped_goes_on(lake: Lake, reopen: Reopen, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake, EVENTS)
    built: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        built.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.compact(stop)
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")
    lake.collect()
    reports: list[tuple[int, int]] = []
    reopen().compact(lambda done, total: reports.append((done, total)))
    assert reports[0] == (3, built[-1][1])
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")
    lake.collect()
    assert lake.find_trouble() == []


def test_merged_users_are_one(lake: Lake) -> None:
    fill(lake, EVENTS[:150])
    lake.compact()
    fill(lake, EVENTS[150:250])
    lake.merge_users("u1", "u2")
    lake.merge_users("u2", "u3")
    expected = rows_in(renamed(EVENTS[:250], u1="u3", u2="u3"), "n", "page")
    assert rows_of(lake, "n", "page") == expected
    with lake.snapshot() as snapshot:
        one = snapshot.user_ids_of(["u1", "u2", "u3"])
        assert snapshot.user_names_of(one) == ["u3"]
    done = lake.compact()
    assert done is not None
    assert done.merged_users == 2
    assert lake.store.version().of(LakeTable.OVERRIDES) == []
    fill(lake, EVENTS[250:])
    assert rows_of(lake, "n", "page") == rows_in(renamed(EVENTS, u1="u3", u2="u3"), "n", "page")
    assert lake.find_trouble() == []


def test_merge_can_be_undone_also_after_it_was_compacted(lake: Lake) -> None:
    fill(lake, EVENTS[:200])
    lake.merge_users("u1", "u2")
    lake.unmerge_users("u1")
    assert rows_of(lake, "n") == rows_in(EVENTS[:200], "n")
    lake.merge_users("u1", "u2")
    lake.compact()
    fill(lake, EVENTS[200:])
    lake.unmerge_users("u1")
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")
    done = lake.compact()
    assert done is not None
    assert (done.merged_users, done.parted_users) == (0, 1)
    assert lake.store.version().of(LakeTable.OVERRIDES) == []
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")
    with pytest.raises(FieldError, match="absorbed is"):
        lake.unmerge_users("u1")


def test_merged_user_leaves_its_survivor_for_another(lake: Lake) -> None:
    fill(lake, EVENTS)
    lake.merge_users("u1", "u2")
    lake.compact()
    lake.merge_users("u1", "u4")
    assert rows_of(lake, "n") == rows_in(renamed(EVENTS, u1="u4"), "n")


@pytest.mark.parametrize(
    ("absorbed", "survivor"),
    [
        pytest.param("u1", "u1", id="with itself"),
        pytest.param("u2", "u1", id="in a circle"),
    ],
)
def test_merge_that_means_nothing_is_refused(lake: Lake, absorbed: str, survivor: str) -> None:
    if absorbed != survivor:
        lake.merge_users("u1", "u2")
    before = lake.store.version()
    with pytest.raises(FieldError):
        lake.merge_users(absorbed, survivor)
    assert lake.store.version() == before


def test_same_merge_again_changes_nothing(lake: Lake) -> None:
    assert lake.merge_users("u1", "u2") == lake.merge_users("u1", "u2")


def test_merge_undone_during_a_compaction_is_undone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake, EVENTS)
    lake.merge_users("u1", "u2")
    build, undone = compaction.Compaction._build, []

    def build_slowly(self: compaction.Compaction, report: compaction.Report) -> None:
        build(self, report)
        if not undone:
            undone.append(lake.unmerge_users("u1"))

    monkeypatch.setattr(compaction.Compaction, "_build", build_slowly)
    lake.compact()
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")


def test_merged_user_with_fresh_events_stays_merged(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake, EVENTS[:200])
    lake.merge_users("u1", "u2")
    build = compaction.Compaction._build

    def build_slowly(self: compaction.Compaction, report: compaction.Report) -> None:
        build(self, report)
        fill(lake, EVENTS[200:], size=100)

    monkeypatch.setattr(compaction.Compaction, "_build", build_slowly)
    lake.compact()
    assert rows_of(lake, "n") == rows_in(renamed(EVENTS, u1="u2"), "n")


def test_rows_imported_after_a_compaction_belong_to_the_survivor_too(lake: Lake) -> None:
    fill(lake, EVENTS[:200])
    with lake.begin_import("f") as session:
        session.add(event_table(EVENTS[200:]))
        session.save()
        lake.merge_users("u1", "u2")
        lake.compact()
        session.finish()
    assert rows_of(lake, "n") == rows_in(renamed(EVENTS, u1="u2"), "n")
    lake.compact()
    assert lake.store.version().of(LakeTable.OVERRIDES) == []
    assert rows_of(lake, "n") == rows_in(renamed(EVENTS, u1="u2"), "n")


@pytest.mark.parametrize("other", ["tail", "erasure"])
def test_merge_is_made_final_whatever_other_work_was_killed(lake: Lake, other: str) -> None:
    fill(lake, EVENTS)
    lake.merge_users("u1", "u2")
    lake.store.session(other).release()
    lake.compact()
    assert lake.store.version().of(LakeTable.OVERRIDES) == []
    assert rows_of(lake, "n") == rows_in(renamed(EVENTS, u1="u2"), "n")


def test_user_changes_move_with_their_users(lake: Lake) -> None:
    fill(lake, EVENTS)
    times = event_table([Event("", "", day) for day in (1, 2)])["time"]
    lake.append("users", users=pa.table({"user": ["u1", "u2"], "time": times, "p_city": ["渝", "京"]}))
    lake.merge_users("u1", "u2")

    def cities() -> dict[str, list[str]]:
        with lake.snapshot() as snapshot:
            found = {}
            for view in [view for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)]:
                history = view.history("city")
                for at, user in enumerate(snapshot.user_names_of(view.user_ids) if history else []):
                    assert history is not None
                    values = [None, *(v for chunk in history.dictionary.chunks for v in chunk.to_pylist())]
                    span = slice(int(history.offsets[at]), int(history.offsets[at + 1]))
                    if history.offsets[at] < history.offsets[at + 1]:
                        found[user] = [values[code] for code in history.codes[span]]
            return found

    assert cities() == {"u2": ["渝", "京"]}
    lake.compact()
    assert cities() == {"u2": ["渝", "京"]}
    assert {file.table for file in lake.store.version().files} == set(BASE_TABLES)


def test_compaction_gives_up_when_others_keep_interfering(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, EVENTS)

    def never(self: compaction.Compaction) -> None:
        raise CommitConflictError("compaction", "a test says so")

    monkeypatch.setattr(compaction.Compaction, "_commit", never)
    with pytest.raises(CommitConflictError):
        lake.compact()
    assert list(lake.store.sessions()) == []
    assert rows_of(lake, "n") == rows_in(EVENTS, "n")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("compact"), st.just(0)),
        st.tuples(st.just("tails"), st.just(0)),
        st.tuples(st.just("merge"), st.integers(0, 10)),
        st.tuples(st.just("collect"), st.just(0)),
    ),
    max_size=8,
)


@settings(max_examples=15)
@given(steps=STEPS, file_rows=st.sampled_from([20, 1_000]))
def test_no_order_of_work_changes_an_answer(
    steps: list[tuple[str, int]], file_rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("lake")
    store = IcebergLocalStore(home / "lake", 3)
    lake, log, owners = Lake(store, home / "prepared"), some_events(320), {}
    given_so_far = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewriting, "MAX_FILE_ROWS", file_rows)
        for at, (step, number) in enumerate(steps):
            if step == "append":
                lake.append(f"{at}", event_table(log[given_so_far : given_so_far + number]))
                given_so_far += number
            elif step == "merge" and f"u{number}" not in owners:
                lake.merge_users(f"u{number}", f"u{number + 1}")
                owners = {
                    name: f"u{number + 1}" if last == f"u{number}" else last for name, last in owners.items()
                }
                owners[f"u{number}"] = owners.get(f"u{number + 1}", f"u{number + 1}")
                owners = {name: owners.get(last, last) for name, last in owners.items()}
            elif step == "compact":
                lake.compact()
            elif step == "tails":
                lake.merge_tails()
            else:
                lake.collect()
        expected = rows_in(renamed(log[:given_so_far], **owners), "n", "page")
        assert sorted(rows_of(lake, "n", "page"), key=repr) == sorted(expected, key=repr)
        assert lake.find_trouble() == []
    store.close()
