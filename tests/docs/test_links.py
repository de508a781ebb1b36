"""A link between our pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shared_data import ROOT

_LINK = re.compile(r"\]\((?!\w+:)(?P<path>[^)#\s]+)(?:#[^)]*)?\)")
_FENCED = re.compile(r"^\s*```.*?^\s*```\s*$", re.MULTILINE | re.DOTALL)


def own_pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_page_lead_somewhere(page: Path) -> None:
    links = [link["path"] for link in _LINK.finditer(_FENCED.sub("", page.read_text()))]
    assert [link for link in links if not (page.parent / link).exists()] == []
