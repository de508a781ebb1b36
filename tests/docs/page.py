"""A Markdown page as the list of its fenced blocks, each with the directives in the comments before it.

<!-- file: q.json -->      the next block is written to this file of the page's folder
<!-- exit: 2 -->           the next block's last command ends with this status, not 0
<!-- output -->            the next block is what the Python block before it prints
<!-- skip: needs Kafka --> the next block is not run, for this reason
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<ticks>`{3,})\s*(?P<language>[\w+-]*)\s*$")
_DIRECTIVE = re.compile(r"^\s*<!--\s*(?P<name>file|exit|output|skip)\s*(?::\s*(?P<value>.*?)\s*)?-->\s*$")
_RUN = ("console", "python")


@dataclass(frozen=True)
class Block:
    """One fenced block: `line` is that of its first line of text, counted from 1."""

    language: str
    text: str
    line: int
    directives: dict[str, str] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        """Whether the runner has something to do for it."""
        if "skip" in self.directives:
            return False
        return self.language in _RUN or "file" in self.directives or "output" in self.directives


def read_blocks(text: str) -> list[Block]:
    """
    Every fenced block of a page, in order; a block inside a list is read without its indent.

    Raises:
        ValueError: a fence is opened and never closed.
    """
    blocks: list[Block] = []
    directives: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if opening := _FENCE.match(line):
            body = _read_body(lines, opening, number)
            blocks.append(Block(opening["language"], body, number + 1, directives))
            directives = {}
        elif directive := _DIRECTIVE.match(line):
            directives[directive["name"]] = directive["value"] or ""
        elif line.strip():
            directives = {}
    return blocks


def find_pages(root: Path) -> list[Path]:
    """The pages under `root` that users read first, without those that have nothing to run."""
    pages = [root / "README.md", root / "README.zh-CN.md"]
    for folder in ("docs/guide", "docs/reference"):
        pages += sorted((root / folder).glob("**/*.md"))
    return [page for page in pages if page.is_file() and any(b.is_run for b in read_blocks(page.read_text()))]


def _read_body(lines: Iterator[tuple[int, str]], opening: re.Match[str], opened_at: int) -> str:
    body: list[str] = []
    closing = re.compile(rf"^\s*`{{{len(opening['ticks'])},}}\s*$")
    for _, line in lines:
        if closing.match(line):
            return "".join(f"{each.removeprefix(opening['indent'])}\n" for each in body)
        body.append(line)
    raise ValueError(f"line {opened_at}: the block that is opened here is never closed")
