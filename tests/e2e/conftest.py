"""A folder of its own for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import Commands


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these starts other processes."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def xingji(tmp_path: Path) -> Commands:
    """The command line, in an empty folder."""
    return Commands(tmp_path, {})
