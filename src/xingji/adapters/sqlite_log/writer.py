"""The one thread that writes the log: what waits is committed together, and answered once it is durable."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from xingji.adapters.sqlite_log.database import (
    INSERT,
    NAME,
    LogUnavailableError,
    named_faults,
    open_for_writing,
    row_of,
)
from xingji.model.errors import XingjiError
from xingji.ports.event_log import BackPressureError, RawBatch

MOST_WAITING_BYTES = 64 << 20
MOST_WAITING_BATCHES = 50_000
_MOST_COMMIT_BYTES = 16 << 20
"""Bodies of one commit: its time is bounded, and so is how far the database's own log grows by it."""
_RETRY_SECONDS = 1
Task = Callable[[sqlite3.Connection], None]
"""Something else that is written, in a transaction of its own between two groups."""
_Waiting = tuple[RawBatch, "Future[int]"]


class Writer:
    """Takes batches from any thread and commits them in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._connection: sqlite3.Connection | None = open_for_writing(folder)
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._tasks: deque[tuple[Task, Future[None]]] = deque()
        self._waiting_bytes = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="xingji-log", daemon=True)
        self._thread.start()

    def submit(self, batch: RawBatch) -> Future[int]:
        """The offset of a batch, once it is durable; raises BackPressureError where too much waits."""
        future: Future[int] = Future()
        with self._changed:
            if self._closed:
                raise BackPressureError("the log is being closed", _RETRY_SECONDS)
            # One batch is always taken: what is larger than the bound could never be.
            full = self._waiting_bytes + len(batch.body) > MOST_WAITING_BYTES and self._waiting
            if full or len(self._waiting) >= MOST_WAITING_BATCHES:
                reason = f"{self._waiting_bytes >> 20} MiB in {len(self._waiting)} batches wait for the disk"
                raise BackPressureError(reason, _RETRY_SECONDS)
            self._waiting.append((batch, future))
            self._waiting_bytes += len(batch.body)
            self._changed.notify()
        return future

    def do(self, task: Task) -> None:
        """Have something else written, and wait for it."""
        future: Future[None] = Future()
        with self._changed:
            if self._closed:
                raise LogUnavailableError(self._path, "it is being closed")
            self._tasks.append((task, future))
            self._changed.notify()
        future.result()

    def close(self) -> None:
        """Commit what waits, and take no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._commit(group)
            if self._tasks:
                self._run(*self._tasks.popleft())
        if self._connection is not None:
            self._connection.close()

    def _next_group(self) -> list[_Waiting] | None:
        """What is to be committed together, perhaps nothing; None once all is done and the log closed."""
        with self._changed:
            while not (self._waiting or self._tasks or self._closed):
                self._changed.wait()
            if not self._waiting:
                return [] if self._tasks else None
            group: list[_Waiting] = []
            size = 0
            while self._waiting and (not group or size + len(self._waiting[0][0].body) <= _MOST_COMMIT_BYTES):
                group.append(self._waiting.popleft())
                size += len(group[-1][0].body)
            self._waiting_bytes -= size
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        rows = [row_of(batch) for batch, _ in group]
        try:
            offsets = self._inserted(rows)
        except XingjiError as fault:
            for _, future in group:
                future.set_exception(fault)
            return
        for (_, future), offset in zip(group, offsets, strict=True):
            future.set_result(offset)

    def _inserted(self, rows: list[tuple[object, ...]]) -> list[int]:
        with self._transaction() as connection:
            return [connection.execute(INSERT, row).lastrowid or 0 for row in rows]

    def _run(self, task: Task, future: Future[None]) -> None:
        try:
            with self._transaction() as connection:
                task(connection)
        except Exception as fault:  # noqa: BLE001 whoever waits for it is told
            future.set_exception(fault)
        else:
            future.set_result(None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of a block or nothing of it. After an error the connection is opened anew, for nobody knows in
        what state a full disk left it; closing it undoes what was begun."""
        with named_faults(self._path):
            try:
                if self._connection is None:
                    self._connection = open_for_writing(self._folder)
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                broken, self._connection = self._connection, None
                with suppress(sqlite3.Error):
                    if broken is not None:
                        broken.close()
                raise
