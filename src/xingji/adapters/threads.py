"""The work of a query on threads of this process: kernels hold no interpreter lock, so threads are enough."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from xingji.model.errors import Cancelled

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD_PER_THREAD = 2
"""Tasks begun or waiting for each thread: none is idle, and results do not pile up."""


class ThreadRunner:
    """A `BatchRunner` on `n_threads` threads that live until `close`; a `map` within a task runs in place."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="xingji-batch")
        self._stopped = threading.Event()
        self._inside = threading.local()

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The task's results in the items' order; raises the first error, and Cancelled after `cancel`."""
        if self.n_threads == 1 or getattr(self._inside, "running", False):
            return self._in_place(task, items)
        return self._spread(task, items)

    def cancel(self) -> None:
        """Begin no further task, whoever asked for it; those that run end by themselves."""
        self._stopped.set()

    def close(self) -> None:
        """Cancel, and wait for the tasks that run."""
        self.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> ThreadRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _in_place(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        for item in items:
            yield self._run(task, item)

    def _spread(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                if self._stopped.is_set():
                    raise Cancelled
                waiting.append(self._pool.submit(self._run, task, item))
                if len(waiting) >= self.n_threads * _AHEAD_PER_THREAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _run(self, task: Callable[[Item], Result], item: Item) -> Result:
        if self._stopped.is_set():
            raise Cancelled
        before = getattr(self._inside, "running", False)
        self._inside.running = True
        try:
            return task(item)
        finally:
            self._inside.running = before
