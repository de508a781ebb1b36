"""The suite of the port BatchRunner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.contract.batch_runner import tasks
from xingji.adapters.processes import ProcessRunner
from xingji.adapters.threads import ThreadRunner
from xingji.model.errors import Cancelled
from xingji.ports.batch_runner import BatchRunner

RUNNERS: dict[str, Callable[[], ThreadRunner]] = {
    "one thread": lambda: ThreadRunner(1),
    "two threads": lambda: ThreadRunner(2),
    "seven threads": lambda: ThreadRunner(7),
}
PROCESSES = pytest.param(lambda: ProcessRunner(2), id="two processes", marks=pytest.mark.slow)
WAIT_SECONDS = 20


@pytest.fixture(params=[*(pytest.param(made, id=name) for name, made in RUNNERS.items()), PROCESSES])
def any_runner(request: pytest.FixtureRequest) -> Iterator[BatchRunner]:
    """Those that only take tasks that can be sent as well."""
    with request.param() as made:
        yield made


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS.keys())
def runner(request: pytest.FixtureRequest) -> Iterator[ThreadRunner]:
    with request.param() as made:
        yield made


def test_results_come_in_the_order_of_the_items(runner: BatchRunner) -> None:
    first_may_end = threading.Event()

    def task(item: int) -> int:
        if item == 0 and getattr(runner, "n_threads", 1) > 1:
            assert first_may_end.wait(WAIT_SECONDS)
        first_may_end.set()
        return item * item

    assert list(runner.map(task, range(50))) == [item * item for item in range(50)]


@pytest.mark.parametrize("n_items", [0, 1, 3, 50])
def test_results_of_sent_tasks_come_in_the_order_of_the_items(any_runner: BatchRunner, n_items: int) -> None:
    assert list(any_runner.map(tasks.square, range(n_items))) == [item * item for item in range(n_items)]


@pytest.mark.parametrize("n_items", [0, 1, 3])
def test_few_items(runner: BatchRunner, n_items: int) -> None:
    assert list(runner.map(str, range(n_items))) == [str(item) for item in range(n_items)]


def test_the_first_error_is_raised_in_its_place(any_runner: BatchRunner) -> None:
    results = any_runner.map(tasks.fail_at_three_and_five, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)


def test_nothing_is_begun_after_an_error(runner: BatchRunner) -> None:
    begun: list[int] = []

    def task(item: int) -> int:
        begun.append(item)
        raise ValueError(str(item))

    with pytest.raises(ValueError, match="0"):
        list(runner.map(task, range(10_000)))
    runner.close()  # type: ignore[attr-defined]
    assert len(begun) <= 20


def test_items_are_taken_a_bounded_number_ahead(any_runner: BatchRunner) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(10_000):
            taken.append(item)
            yield item

    results = any_runner.map(tasks.square, items())
    assert next(results) == 0
    assert len(taken) <= 16


def test_a_task_may_map_over_parts_of_its_own(runner: BatchRunner) -> None:
    def task(item: int) -> int:
        return sum(runner.map(lambda part: part * item, range(4)))

    assert list(runner.map(task, range(20))) == [6 * item for item in range(20)]


def test_cancel_stops_what_has_not_begun(runner: ThreadRunner) -> None:
    begun: list[int] = []

    def task(item: int) -> int:
        begun.append(item)
        runner.cancel()
        return item

    with pytest.raises(Cancelled):
        list(runner.map(task, range(10_000)))
    assert len(begun) <= runner.n_threads


def test_several_callers_at_once(runner: BatchRunner) -> None:
    answers: dict[int, list[int]] = {}

    def caller(number: int) -> None:
        answers[number] = list(runner.map(lambda item: item + number, range(200)))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join(WAIT_SECONDS)
    assert answers == {number: [item + number for item in range(200)] for number in range(4)}
