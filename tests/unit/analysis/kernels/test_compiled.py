"""Kernels are compiled ahead of first use, for all that queries bring, also in a read-only package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.answers import snapshot_of
from tests.reference.dice import SeededDice
from tests.reference.random_logs import make_log
from tests.reference.random_queries import KINDS
from tests.shared_data import ROOT
from xingji.analysis.engine import run_query
from xingji.analysis.kernels.compiled import cache_folder
from xingji.model.errors import UnknownNameError
from xingji.model.parse import parse_query

compiling = import_module("xingji.analysis.kernels.__main__")
N_LOGS = 15


@pytest.fixture(scope="module")
def kernels() -> list[Any]:
    """Every kernel, compiled as `python -m xingji.analysis.kernels` does it."""
    compiling.compile_kernels()
    return compiling.kernels()  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("wide", [False, True], ids=["few names", "many names"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_query_brings_columns_that_were_not_compiled_for(
    kind: str, wide: bool, kernels: list[Any]
) -> None:
    """Each query finds the machine code of its kernels in the cache, as a new process would."""
    for seed in range(N_LOGS):
        dice = SeededDice(seed)
        log = make_log(dice, n_users=8, n_events=30)
        query = parse_query(json.dumps(KINDS[kind](dice, log.anchor_us)))
        snapshot = snapshot_of(log.events, log.users, 2)
        before = {each: sum(each.stats.cache_misses.values()) for each in kernels}
        for each in kernels:
            each._reset_overloads()
        try:
            run_query(query, compiling.WideSnapshot(snapshot) if wide else snapshot)
        except UnknownNameError:
            continue
        missed = [each for each in kernels if sum(each.stats.cache_misses.values()) > before[each]]
        assert [(each.py_func.__name__, each.signatures) for each in missed] == []


def test_a_package_that_can_be_written_keeps_its_own_cache(tmp_path: Path) -> None:
    assert cache_folder(tmp_path, {"HOME": str(tmp_path)}) is None


def test_a_cache_that_was_chosen_is_left_alone(tmp_path: Path) -> None:
    assert cache_folder(tmp_path / "absent", {"NUMBA_CACHE_DIR": "/chosen"}) is None


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        pytest.param({"HOME": "{tmp}/home"}, "home/.cache/xingji", id="home"),
        pytest.param({"HOME": "{tmp}/home", "XDG_CACHE_HOME": "{tmp}/cache"}, "cache/xingji", id="xdg"),
    ],
)
def test_a_package_that_cannot_be_written_uses_the_users_cache(
    environment: dict[str, str], folder: str, tmp_path: Path
) -> None:
    given = {name: value.format(tmp=tmp_path) for name, value in environment.items()}
    found = cache_folder(tmp_path / "absent", given)
    assert found is not None
    assert found.parent == tmp_path / folder
    assert found.stat().st_mode & 0o077 == 0


_AS_READ_ONLY = """
import os, sys
package, may = sys.argv[1], os.access
os.access = lambda path, mode: not (mode == os.W_OK and str(path).startswith(package)) and may(path, mode)
from xingji.app.main import main
sys.exit(main(["query", "-", "--events", "log.csv"]))
"""


@pytest.mark.slow
def test_what_was_compiled_at_installation_serves_those_who_may_not_write_it(tmp_path: Path) -> None:
    """A question of a package that may not be written compiles nothing, and writes nothing into it."""
    package, home = tmp_path / "site", tmp_path / "home"
    shutil.copytree(ROOT / "src" / "xingji", package / "xingji", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(package), "HOME": str(home)}
    subprocess.run([sys.executable, "-m", "xingji.analysis.kernels"], env=environment, check=True)
    (tmp_path / "log.csv").write_text("user,event,time\nu,a,2026-01-01T00:00:00Z\n")
    done = subprocess.run(
        [sys.executable, "-c", _AS_READ_ONLY, str(package)],
        input='{"kind": "funnel", "steps": [{"event": "a"}]}',
        cwd=tmp_path,
        env=environment | {"NUMBA_DEBUG_CACHE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"[cache] data loaded from '{home}/.cache/xingji" in done.stdout
    assert "data saved to" not in done.stdout
