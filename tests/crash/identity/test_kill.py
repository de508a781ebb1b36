"""kill -9 between lots and inside them: a store stands at a whole lot, and going on answers the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.crash.identity.work import ERASED, N_LOTS, do_rest, log, open_store, standing
from tests.reference.identity import ReferenceLog, ReferencePersons
from tests.shared_data import ROOT
from xingji.govern.identity.directory import Directory
from xingji.govern.identity.kinds import Limits, identity_of
from xingji.govern.identity.resolver import Resolved, Resolver

pytestmark = pytest.mark.slow

POINTS = 24
"""At so many statements, from the first to the last, a process is killed."""
BY_KIND = {kind: getattr(Limits(), kind) for kind in Limits.__struct_fields__}


def run(folder: Path, number: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.identity.child", str(folder), str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def n_statements(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    done = run(tmp_path_factory.mktemp("statements"), 0)
    assert done.returncode == 0, done.stderr
    until_erasure, in_all = map(int, done.stdout.split())
    return until_erasure, in_all


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[int, Resolved], dict[int, Any]]:
    """Every lot's answer, and how the store stood after it, where nothing happened."""
    store = open_store(tmp_path_factory.mktemp("undisturbed"))
    answers: dict[int, Resolved] = {}
    stood = {0: standing(store)}

    def hear(number: int, resolved: Resolved) -> None:
        answers[number] = resolved
        stood.setdefault(number - 1, standing(store))

    do_rest(store, hear)
    stood[N_LOTS] = standing(store)
    store.close()
    return answers, stood


@cache
def expected() -> dict[Any, Any]:
    return ReferencePersons(ReferenceLog(log()), BY_KIND).parent


def test_the_work_is_worth_being_killed_in(undisturbed: tuple[dict[int, Resolved], dict[int, Any]]) -> None:
    answers, stood = undisturbed
    assert all(stood[lot] != stood[lot + 1] for lot in range(N_LOTS))
    assert any(to is None for resolved in answers.values() for _, to in resolved.changes)
    assert any(resolved.refusals for resolved in answers.values())
    names, persons = stood[N_LOTS][2], set(stood[N_LOTS][4].values())
    bound = {
        identity_of(names[number]): identity_of(names[person.numbers[parent]])
        for person in persons
        for number, parent in list(zip(person.numbers, person.parents, strict=True))[1:]
    }
    assert bound == expected()


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_in_a_lot(
    tmp_path: Path,
    point: int,
    n_statements: tuple[int, int],
    undisturbed: tuple[dict[int, Resolved], dict[int, Any]],
) -> None:
    answers, stood = undisturbed
    killed = run(tmp_path, 1 + (n_statements[0] - 1) * point // (POINTS - 1))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = open_store(tmp_path)
    # Before the first lot only what rules persons are made by may or may not be there.
    assert standing(store) == stood[store.lot]
    heard: dict[int, Resolved] = {}
    do_rest(store, heard.__setitem__)
    assert heard == {number: answers[number] for number in heard}
    assert standing(store) == stood[N_LOTS]
    store.close()


def test_killed_in_an_erasure(tmp_path: Path, n_statements: tuple[int, int]) -> None:
    until_erasure, in_all = n_statements
    assert in_all > until_erasure
    for number in range(until_erasure + 1, in_all + 1):
        folder = tmp_path / str(number)
        killed = run(folder, number)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        store = open_store(folder)
        Resolver(store).erase(ERASED)
        assert Directory(store).ids_of(ERASED) == []
        assert [path.name for path in folder.iterdir() if ERASED[1].encode() in path.read_bytes()] == []
        store.close()
