"""The locks pin everything, name no host, and agree with each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shared_data import ROOT

LOCKS = [ROOT / "requirements" / name for name in ("runtime.txt", "dev.txt")]
_PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; [^\\]+)? \\\n    --hash=sha256:", re.MULTILINE
)


def read_pins(lock: Path) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in _PIN.finditer(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_host_and_no_folder(lock: Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("    --hash=sha256:")]
    assert [line for line in lines if "://" in line or re.match(r"\s*(--|-[a-z] )", line)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_a_hash(lock: Path) -> None:
    required = [line for line in lock.read_text().splitlines() if re.match(r"[a-zA-Z]", line)]
    assert len(read_pins(lock)) == len(required) > 0


def test_development_runs_the_versions_that_users_run() -> None:
    runtime, development = (read_pins(lock) for lock in LOCKS)
    assert {name: development.get(name) for name in runtime} == runtime
