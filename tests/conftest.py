"""What every test stands on: the same random examples each time, a home of its own, and the shared data."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.shared_data import ABSENT, SHARED_DATA

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# For a night's search for trouble: pytest --hypothesis-profile=search
settings.register_profile("search", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile("ci")

# Tests that run in the background ignore SIGINT, and so would the programs that they interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder `../shared` beside the checkout, or the reason why a test that reads it cannot run."""
    if not SHARED_DATA.is_dir():
        pytest.skip(ABSENT)
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lake for this run only, so that no test reads or writes the one of whoever runs it."""
    home = tmp_path_factory.mktemp("xingji_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XINGJI_HOME", str(home))
        yield home
