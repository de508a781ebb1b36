"""The port to where work on many items runs: threads, other processes, or executors of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchRunner(Protocol):
    """Runs a task for each of many items, several at a time."""

    def map(self, task: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The task's results in the order of the items.

        At most a bounded number of items is taken ahead of the results that were asked for. The first error,
        in the order of the items, is raised where its result would have been; nothing is begun after it, nor
        once the iterator is closed. Beyond this process go only tasks, items and results that can be pickled.

        Raises:
            Cancelled: the runner was told to stop.
        """
        ...
