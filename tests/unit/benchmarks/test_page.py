"""The page of results: its tables come from the result files, and only from them."""

from __future__ import annotations

import re

from benchmarks.page import PAGE, TABLES, filled


def test_every_table_of_the_page_has_a_source_and_every_source_a_table() -> None:
    assert sorted(re.findall(r"<!-- (\w+) -->", PAGE.read_text())) == sorted(
        [*TABLES, *["end"] * len(TABLES)]
    )


def test_filling_the_page_twice_changes_nothing_more() -> None:
    once = filled(PAGE.read_text())
    assert filled(once) == once


def test_text_outside_the_tables_stays() -> None:
    page = "before\n\n<!-- times -->\n\n| old |\n\n<!-- end -->\n\nafter\n"
    made = filled(page)
    assert made.startswith("before\n\n<!-- times -->\n\n| question")
    assert made.endswith("<!-- end -->\n\nafter\n")
    assert "old" not in made
