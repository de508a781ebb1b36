"""The work of a query on threads of this process: kernels hold no interpreter lock, so threads are enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from xingji.model.errors import Cancelled

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD_PER_THREAD = 2
"""Items begun or done for each thread: none is idle, and results do not pile up."""


class ThreadRunner:
    """A `BatchRunner` on `n_threads` threads: the caller's, and others that live until `close`.

    Every thread fetches its next item itself. Handing items over one by one costs two wake-ups each, which is
    more than a short kernel takes. A `map` within a task runs in place.
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._helpers = ThreadPoolExecutor(max(n_threads - 1, 1), thread_name_prefix="xingji-batch")
        self._stopped = threading.Event()
        self._inside = threading.local()

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The task's results in the items' order; raises the first error, and Cancelled after `cancel`."""
        if self.n_threads == 1 or getattr(self._inside, "running", False):
            return (self._run(task, item) for item in items)
        return self._spread(task, items)

    def cancel(self) -> None:
        """Begin no further task, whoever asked for it; those that run end by themselves."""
        self._stopped.set()

    def close(self) -> None:
        """Cancel, and wait for the tasks that run."""
        self.cancel()
        self._helpers.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> ThreadRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spread(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        most_ahead = self.n_threads * _AHEAD_PER_THREAD
        shared = _Shared(lambda item: self._run(task, item), items, most_ahead)
        try:
            for _ in range(self.n_threads - 1):
                self._helpers.submit(shared.help)
            yield from shared.results()
        except RuntimeError:
            if self._stopped.is_set():  # closed meanwhile: it takes no helpers any more
                raise Cancelled from None
            raise
        finally:
            shared.end()

    def _run(self, task: Callable[[Item], Result], item: Item) -> Result:
        if self._stopped.is_set():
            raise Cancelled
        before = getattr(self._inside, "running", False)
        self._inside.running = True
        try:
            return task(item)
        finally:
            self._inside.running = before


class _Shared(Generic[Item, Result]):
    """The items of one `map`, which several threads fetch, and the results that wait for their turn."""

    def __init__(self, run: Callable[[Item], Result], items: Iterable[Item], most_ahead: int) -> None:
        self._run, self._items, self._most_ahead = run, iter(items), most_ahead
        self._changed = threading.Condition()
        self._done: dict[int, tuple[Result | None, BaseException | None]] = {}
        self._n_fetched = self._n_given = 0
        self._over = False

    def help(self) -> None:
        """Run items until there are none."""
        while (fetched := self._fetch(waits=True)) is not None:
            self._finish(*fetched)

    def results(self) -> Iterator[Result]:
        """The results in order; the thread that asks for them runs items while the next one is not there."""
        while (found := self._next()) is not None:
            result, error = found
            if error is not None:
                raise error
            yield result  # type: ignore[misc]

    def end(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _next(self) -> tuple[Result | None, BaseException | None] | None:
        while self._n_given not in self._done:
            fetched = self._fetch(waits=False)
            if fetched is not None:
                self._finish(*fetched)
            elif not self._awaited():
                return None
        with self._changed:
            found = self._done.pop(self._n_given)
            self._n_given += 1
            self._changed.notify_all()
        return found

    def _awaited(self) -> bool:
        """Wait until the next result is there; False where none is to come."""
        with self._changed:
            while self._n_given not in self._done and self._n_given < self._n_fetched:
                self._changed.wait()
            return self._n_given in self._done

    def _fetch(self, waits: bool) -> tuple[int, Item] | None:
        """The number of the next item, and the item; None where nothing is left to begin, or, unless it
        `waits`, not now."""
        with self._changed:
            while not self._over and self._n_fetched - self._n_given >= self._most_ahead:
                if not waits:
                    return None
                self._changed.wait()
            if self._over:
                return None
            try:
                item = next(self._items)
            except StopIteration:
                self._over = True
                return None
            except BaseException as error:  # noqa: BLE001 raised where the results are asked for
                self._done[self._n_fetched] = None, error
                self._n_fetched, self._over = self._n_fetched + 1, True
                return None
            self._n_fetched += 1
            return self._n_fetched - 1, item

    def _finish(self, number: int, item: Item) -> None:
        try:
            outcome: tuple[Result | None, BaseException | None] = self._run(item), None
        except BaseException as error:  # noqa: BLE001 raised where the results are asked for
            outcome = None, error
        with self._changed:
            self._done[number] = outcome
            self._over = self._over or outcome[1] is not None
            self._changed.notify_all()
