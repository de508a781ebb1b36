"""The suite of the port EventLog."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from xingji.adapters.sqlite_log import SqliteLog, writer
from xingji.model.errors import BusyError, DamagedFileError, StorageFullError
from xingji.ports.event_log import BackPressureError, EventLog, Form, LogEntry, RawBatch

WAIT_SECONDS = 20
Open = Callable[..., EventLog]


def batch(number: int, size: int = 40) -> RawBatch:
    """A batch that is like no other."""
    body = random.Random(number).randbytes(size // 2) + b"x" * (size - size // 2)
    return RawBatch("p", Form.JSON, 1_000_000 + number, body, 1 + number % 3, f"key-{number % 2}")


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Open]:
    """Opens the log of one folder, and closes whatever was opened."""
    opened: list[EventLog] = []

    def open_(*, writes: bool = True) -> EventLog:
        opened.append(SqliteLog(tmp_path / "log", writes=writes))
        return opened[-1]

    yield open_
    for log in opened:
        log.close()


def everything(log: EventLog, most_bytes: int = 1 << 20) -> list[LogEntry]:
    """All entries, as a reader that follows the log meets them."""
    found: list[LogEntry] = []
    while more := log.read(found[-1].offset if found else 0, most_bytes):
        found += more
    return found


def test_a_log_that_never_held_anything(open_log: Open) -> None:
    log = open_log()
    assert (log.read(0, 1 << 20), log.last_offset(), log.first_offset(), log.trim(10)) == ([], 0, 1, 0)


def test_entries_are_read_as_they_came_and_in_order(open_log: Open) -> None:
    log = open_log()
    sizes = [0, 1, 511, 512, 5_000, 5 << 20]
    batches = [batch(at, size) for at, size in enumerate(sizes)]
    offsets = [log.submit(each).result(WAIT_SECONDS) for each in batches]
    assert offsets == sorted(set(offsets))
    assert everything(log) == [LogEntry(*pair) for pair in zip(offsets, batches, strict=True)]
    assert everything(log)[-1].offset == log.last_offset()


def test_every_form_and_name(open_log: Open) -> None:
    log = open_log()
    batches = [
        replace(batch(1), form=form, project=name, key_id="") for form in Form for name in ("p", "项目")
    ]
    for each in batches:
        log.submit(each).result(WAIT_SECONDS)
    assert [entry.batch for entry in everything(log)] == batches


@pytest.mark.parametrize(("most_bytes", "first"), [(0, 1), (1, 1), (100, 1), (200, 2), (1_000, 5)])
def test_a_read_is_bounded_and_gives_one_at_least(open_log: Open, most_bytes: int, first: int) -> None:
    log = open_log()
    for at in range(5):
        log.submit(batch(at, 100)).result(WAIT_SECONDS)
    assert len(log.read(0, most_bytes)) == first
    assert [entry.batch for entry in everything(log, most_bytes)] == [batch(at, 100) for at in range(5)]


def test_readers_of_other_processes_see_what_is_durable(open_log: Open) -> None:
    log = open_log()
    reader = open_log(writes=False)
    assert reader.read(0, 100) == []
    offset = log.submit(batch(1)).result(WAIT_SECONDS)
    assert reader.read(0, 100) == [LogEntry(offset, batch(1))]
    assert reader.read(offset, 100) == []


def test_one_process_writes(open_log: Open) -> None:
    open_log()
    with pytest.raises(BusyError, match="in use by process"):
        open_log()


def test_what_was_submitted_is_durable_when_the_log_has_closed(open_log: Open) -> None:
    log = open_log()
    futures = [log.submit(batch(at)) for at in range(300)]
    log.close()
    assert [future.result(0) for future in futures] == [entry.offset for entry in everything(open_log())]


def test_offsets_go_on_when_it_is_opened_again(open_log: Open) -> None:
    log = open_log()
    first = [log.submit(batch(at)).result(WAIT_SECONDS) for at in range(3)]
    assert log.trim(first[-1]) == 3 * 40
    log.close()
    log = open_log()
    assert (log.first_offset(), log.last_offset()) == (first[-1] + 1, first[-1])
    assert log.submit(batch(9)).result(WAIT_SECONDS) > first[-1]


def test_each_submitter_finds_its_batches_in_its_order(open_log: Open) -> None:
    log = open_log()
    found: dict[int, list[int]] = {}

    def submit(number: int) -> None:
        waiting = [log.submit(batch(1_000 * number + at)) for at in range(200)]
        found[number] = [future.result(WAIT_SECONDS) for future in waiting]

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    kept = {entry.offset: entry.batch for entry in everything(log)}
    assert len(kept) == 8 * 200
    for number, offsets in found.items():
        assert offsets == sorted(offsets)
        assert [kept[offset] for offset in offsets] == [batch(1_000 * number + at) for at in range(200)]


def test_trimming_forgets_the_oldest(open_log: Open) -> None:
    log = open_log()
    offsets = [log.submit(batch(at, 1_000)).result(WAIT_SECONDS) for at in range(500)]
    assert log.trim(offsets[449]) == 450 * 1_000
    assert log.trim(offsets[449]) == 0
    assert log.first_offset() == offsets[450]
    assert [entry.offset for entry in everything(log)] == offsets[450:]


def test_a_body_is_put_in_place_of_another(open_log: Open) -> None:
    log = open_log()
    offsets = [log.submit(batch(at, 2_000)).result(WAIT_SECONDS) for at in range(3)]
    kept = log.read(0, 1 << 20)
    changed = LogEntry(offsets[1], replace(kept[1].batch, body=b"erased", n_events=0))
    log.rewrite(iter([changed]))
    assert log.read(0, 1 << 20) == [kept[0], changed, kept[2]]


def test_too_much_that_waits_is_refused(open_log: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING_BYTES", 1_000)
    log = open_log()
    gate = threading.Event()
    held = threading.Thread(target=lambda: log._writer.do(lambda database: gate.wait(WAIT_SECONDS)))  # type: ignore[attr-defined]
    held.start()
    taken: list[Future[int]] = []
    with pytest.raises(BackPressureError, match=r"wait for the disk; try again in 1 s") as refused:
        taken.extend(log.submit(batch(at, 400)) for at in range(100))
    assert refused.value.retry_after_s == 1
    assert len(taken) <= 3
    gate.set()
    held.join(WAIT_SECONDS)
    assert [future.result(WAIT_SECONDS) > 0 for future in taken] == [True] * len(taken)
    assert log.submit(batch(1, 4_000)).result(WAIT_SECONDS) == log.last_offset()


def test_a_log_that_closes_takes_no_more(open_log: Open) -> None:
    log = open_log()
    log.close()
    with pytest.raises(BackPressureError, match="being closed"):
        log.submit(batch(1))


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(5_000)])
def test_a_damaged_file_is_named(tmp_path: Path, open_log: Open, content: bytes) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "log.db").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"log\.db is damaged"):
        open_log()


def test_a_damaged_body_is_named(tmp_path: Path, open_log: Open) -> None:
    log = open_log()
    log.submit(batch(1, 5_000)).result(WAIT_SECONDS)
    log.close()
    with sqlite3.connect(tmp_path / "log" / "log.db") as database:
        database.execute("UPDATE entry SET body = substr(body, 1, 100)")
    database.close()
    with pytest.raises(DamagedFileError, match="entry 1"):
        everything(open_log())


def test_a_full_disk_takes_nothing_and_is_recovered_from(open_log: Open) -> None:
    log = open_log()
    kept = log.submit(batch(0)).result(WAIT_SECONDS)
    log._writer.do(lambda database: database.execute("PRAGMA max_page_count = 10").close())  # type: ignore[attr-defined]
    refused = [log.submit(batch(at, 40_000)) for at in (1, 2)]
    for future in refused:
        with pytest.raises(StorageFullError, match="no room left"):
            future.result(WAIT_SECONDS)
    assert [entry.offset for entry in everything(log)] == [kept]
    assert log.submit(batch(3, 40_000)).result(WAIT_SECONDS) > kept  # opened anew, it has room again
    assert [entry.batch for entry in everything(log)] == [batch(0), batch(3, 40_000)]


def test_every_commit_is_synced(open_log: Open) -> None:
    log = open_log()
    found: list[object] = []

    def ask(database: sqlite3.Connection) -> None:
        found.extend(
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        )

    log._writer.do(ask)  # type: ignore[attr-defined]
    full = 2
    assert found == ["wal", full]
