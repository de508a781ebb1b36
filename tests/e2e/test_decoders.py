"""Long NDJSON is decoded in other processes: nobody sees it, and none of them stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.command import TIMEOUT_SECONDS, Commands
from xingji.app import importing
from xingji.govern.files import reading
from xingji.lake.bulk_import import RUN_ROWS
from xingji.model.errors import LostProcessError

N_LINES = RUN_ROWS + 200_000
RUNS = "projects/default/lake/sessions/**/*.arrow"
TOTAL = {"kind": "trend", "series": [{"event": "*"}], "interval": "total"}
THREADS = {"XINGJI_THREADS": "2"}


def _long_log(folder: Path) -> str:
    line = '{"user":"u%d","event":"e%d","time":%d,"event_id":"%d","n":%d,"text":"' + "t" * 60 + '"}\n'
    with (folder / "log.ndjson").open("w") as file:
        for at in range(N_LINES):
            file.write(line % (at % 9_999, at % 5, 1_767_225_600 + at, at, at))
    return "log.ndjson"


def _begun(xingji: Commands, file: str, pattern: str) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """An import under way: the command once a file of the pattern is in the home, and its processes."""
    process, home = xingji.start("import", "--json", file, **THREADS), xingji.folder / "home"
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not list(home.glob(pattern)) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process, psutil.Process(process.pid).children()


def _none_left(children: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(children, timeout=20)
    return not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def _total(xingji: Commands) -> Any:
    return xingji.ask(TOTAL)["series"][0]["total"]


def test_a_killed_import_leaves_no_process_and_goes_on(xingji: Commands) -> None:
    file = _long_log(xingji.folder)
    process, children = _begun(xingji, file, RUNS)
    assert len(children) == 2
    process.kill()
    process.communicate()
    assert _none_left(children)
    again = xingji("import", "--json", file, **THREADS)
    assert (again.status, again.json["stored"], again.json["repeated"]) == (0, N_LINES, 0)
    assert _total(xingji) == N_LINES


@pytest.mark.parametrize(
    ("hit", "number", "said", "status"),
    [
        pytest.param("import", signal.SIGINT, "cancelled", 130, id="Ctrl-C"),
        pytest.param("decoder", signal.SIGKILL, "killed by signal 9", 1, id="decoder killed"),
    ],
)
def test_an_import_that_fails_says_one_sentence(
    xingji: Commands, hit: str, number: signal.Signals, said: str, status: int
) -> None:
    file = _long_log(xingji.folder)
    process, children = _begun(xingji, file, "projects/default/lake/sessions/*")
    os.kill(process.pid if hit == "import" else children[0].pid, number)
    _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, len(told.splitlines())) == (status, 1)
    assert said in told.decode()
    assert _none_left(children)
    assert xingji("import", "--json", file, **THREADS).json["stored"] == N_LINES


def test_a_short_file_starts_no_process(xingji: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise LostProcessError(1)

    monkeypatch.setattr(importing, "ProcessRunner", refuse)
    line = json.dumps({"user": "u", "event": "e", "time": 1_767_225_600}) + "\n"
    for name, limit, status in (("short.ndjson", reading.PROCESSES_FROM_BYTES, 0), ("long.ndjson", 10, 1)):
        monkeypatch.setattr(reading, "PROCESSES_FROM_BYTES", limit)
        xingji.write(name, line * (1 + status))
        assert xingji.here("import", name, **THREADS).status == status
        assert xingji.here("query", "-", "--events", name, stdin=json.dumps(TOTAL)).status == 0
