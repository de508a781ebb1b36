"""Work spread over processes: what holds the interpreter's lock gains nothing from threads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from xingji.adapters.messages import Call, receive, send
from xingji.model.errors import Cancelled, LostProcessError

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD_PER_PROCESS = 2
"""Items sent or waiting for each process: none is idle while the caller uses a result."""


class ProcessRunner:
    """A `BatchRunner` on `n_processes` processes that live until `close`.

    A task, its items and its results are pickled; what a task keeps in itself stays in each process from item
    to item. A process that is killed ends the map with LostProcessError.
    """

    def __init__(self, n_processes: int, preload: Iterable[str] = ()) -> None:
        """Start the processes, which import the modules `preload` while they wait."""
        self._workers = [_Worker(preload) for _ in range(n_processes)]
        self._idle = list(self._workers)
        self._lock = threading.Lock()
        # A thread for each process sends it an item and waits; one alone would block where both sides send.
        self._senders = ThreadPoolExecutor(n_processes, thread_name_prefix="xingji-send")
        self._stopped = threading.Event()

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The task's results in the items' order; raises the first error, and Cancelled after `cancel`."""
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                if self._stopped.is_set():
                    raise Cancelled
                waiting.append(self._senders.submit(self._ask, task, item))
                if len(waiting) >= len(self._workers) * _AHEAD_PER_PROCESS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _ask(self, task: Callable[[Item], Result], item: Item) -> Result:
        if self._stopped.is_set():
            raise Cancelled
        with self._lock:
            worker = self._idle.pop()
        try:
            found: Result = worker.ask(task, item)
            return found
        finally:
            with self._lock:
                self._idle.append(worker)

    @property
    def process_ids(self) -> list[int]:
        """The processes' numbers."""
        return [worker.process_id for worker in self._workers]

    def cancel(self) -> None:
        """Begin no further task."""
        self._stopped.set()

    def close(self) -> None:
        """End the processes, whatever they do."""
        self.cancel()
        for worker in self._workers:
            worker.end()
        self._senders.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.wait()

    def __enter__(self) -> ProcessRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Worker:
    """A process that runs tasks one after the other; it ends when this one does, however that came about."""

    def __init__(self, preload: Iterable[str]) -> None:
        self._channel, theirs = socket.socketpair()
        self._task: object = None
        with theirs:
            number = str(theirs.fileno())
            # Not by `multiprocessing`, which runs the caller's own script again in the process. `-P`: modules
            # in the current folder are none of ours. A group of its own: Ctrl-C is answered by `end` alone.
            self._process = subprocess.Popen(  # noqa: S603 this interpreter, no words of a user's
                [sys.executable, "-P", "-m", "xingji.adapters.process_worker", number, *preload],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(self, task: Callable[[Any], Any], item: object) -> Any:
        """The task's result; the task goes with its first item only."""
        call = Call(item, *(() if self._task is task else (task,)))
        self._task = task
        try:
            send(self._channel, call)
            answer = receive(self._channel)
        except (EOFError, OSError):
            raise LostProcessError(self._process.wait()) from None
        if answer.fault is not None:
            raise answer.fault
        return answer.result

    def end(self) -> None:
        """Kill it; it has nothing to put in order."""
        self._process.kill()

    def wait(self) -> None:
        """Let go of what is left of it."""
        self._process.wait()
        self._channel.close()
