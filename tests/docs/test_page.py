"""How a page is read: its blocks, their lines and the directives before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import Block, find_pages, read_blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        pytest.param("only words\n", [], id="no block"),
        pytest.param("# A\n\n```sh\nmake\n```\n", [Block("sh", "make\n", 4)], id="one block"),
        pytest.param(
            "<!-- file: q.json -->\n\n```json\n{}\n```\n",
            [Block("json", "{}\n", 4, {"file": "q.json"})],
            id="directive, then an empty line",
        ),
        pytest.param(
            "<!-- skip: x -->\nwords between\n```sh\na\n```\n", [Block("sh", "a\n", 4)], id="words cut it off"
        ),
        pytest.param(
            "<!-- exit: 2 -->\n```console\n$ a\n```\n```console\n$ b\n```\n",
            [Block("console", "$ a\n", 3, {"exit": "2"}), Block("console", "$ b\n", 6)],
            id="directive serves one block",
        ),
        pytest.param(
            "1. first\n\n   ```python\n   if a:\n       b\n   ```\n",
            [Block("python", "if a:\n    b\n", 4)],
            id="inside a list",
        ),
        pytest.param("````md\n```sh\n```\n````\n", [Block("md", "```sh\n```\n", 2)], id="fence in a fence"),
    ],
)
def test_read_blocks(text: str, blocks: list[Block]) -> None:
    assert read_blocks(text) == blocks


def test_fence_left_open_is_named() -> None:
    with pytest.raises(ValueError, match="line 2: the block that is opened here is never closed"):
        read_blocks("words\n```sh\nmake\n")


def test_find_pages_takes_those_with_something_to_run(tmp_path: Path) -> None:
    guide = tmp_path / "docs" / "guide"
    guide.mkdir(parents=True)
    (tmp_path / "README.md").write_text("```console\n$ true\n```\n")
    (guide / "words.md").write_text("```sh\nmake\n```\n")
    (guide / "skipped.md").write_text("<!-- skip: no Kafka here -->\n```console\n$ true\n```\n")
    (guide / "code.md").write_text("```python\npass\n```\n")
    assert find_pages(tmp_path) == [tmp_path / "README.md", guide / "code.md"]


def test_no_pages_no_failure(tmp_path: Path) -> None:
    assert find_pages(tmp_path) == []
