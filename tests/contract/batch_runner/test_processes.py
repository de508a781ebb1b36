"""What ProcessRunner promises beyond the port: processes keep a task, fail clearly, never stay behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.contract.batch_runner import tasks
from xingji.adapters.processes import ProcessRunner
from xingji.model.errors import LostProcessError

WAIT_SECONDS = 20
pytestmark = pytest.mark.slow


@pytest.fixture
def runner() -> Iterator[ProcessRunner]:
    with ProcessRunner(2) as made:
        yield made


def test_long_bytes_arrive_whole(runner: ProcessRunner) -> None:
    items = [bytes([number]) * size + b"!" for number, size in enumerate([0, 65_534, 65_535, 9_000_000])]
    assert list(runner.map(tasks.echo_long_bytes, items)) == [item[::-1] for item in items]


def test_a_task_stays_in_each_process(runner: ProcessRunner) -> None:
    calls: dict[int, list[int]] = {}
    for process, number in runner.map(tasks.Counting(), range(20)):
        calls.setdefault(process, []).append(number)
    assert sum(map(len, calls.values())) == 20
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in calls.values())


def test_each_map_has_its_own_task(runner: ProcessRunner) -> None:
    assert list(runner.map(tasks.square, range(4))) == [0, 1, 4, 9]
    assert list(runner.map(tasks.echo_long_bytes, [b"ab"])) == [b"ba"]


def test_an_error_that_cannot_be_sent_is_told(runner: ProcessRunner) -> None:
    with pytest.raises(RuntimeError, match="UnlikeItsText: a7"):
        list(runner.map(tasks.fail_oddly, [7]))


def test_a_killed_process_is_one_clear_error(runner: ProcessRunner) -> None:
    results = runner.map(tasks.nap, [0.0, 60.0, 60.0])
    next(results)
    for child in psutil.Process().children():
        if "process_worker" in " ".join(child.cmdline()):
            child.kill()
    with pytest.raises(LostProcessError, match="killed by signal 9"):
        next(results)


def test_close_does_not_wait_for_what_runs() -> None:
    with ProcessRunner(2) as runner:
        results = runner.map(tasks.nap, [0.0, 600.0, 600.0])
        next(results)
    assert not any(map(psutil.pid_exists, runner.process_ids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_no_process_outlives_the_one_that_started_it(number: signal.Signals) -> None:
    code = (
        "import time; from xingji.adapters.processes import ProcessRunner\n"
        "with ProcessRunner(2) as runner:\n"
        "    for _ in runner.map(time.sleep, [0, 0, 600, 600]): print('begun', flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"begun\n"
    children = psutil.Process(parent.pid).children()
    assert len(children) == 2
    parent.send_signal(number)
    parent.communicate(timeout=WAIT_SECONDS)
    _, alive = psutil.wait_procs(children, timeout=WAIT_SECONDS)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
