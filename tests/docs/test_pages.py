"""Every command and every piece of code that the pages show is run, and prints what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import find_pages
from tests.docs.run_page import run_page
from tests.shared_data import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("page", find_pages(ROOT), ids=lambda page: str(page.relative_to(ROOT)))
def test_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    assert run_page(page, tmp_path) > 0
