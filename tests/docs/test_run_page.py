"""A page that tells the truth passes, and one that does not fails at the line that lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs.run_page import PageError, run_page


def write_page(folder: Path, text: str) -> tuple[Path, Path]:
    page, work = folder / "page.md", folder / "work"
    page.write_text(text)
    work.mkdir()
    return page, work


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("```console\n$ echo one\none\n```\n", id="output as shown"),
        pytest.param("```console\n$ echo one\n```\n", id="output not shown"),
        pytest.param("```console\n$ seq 9\n1\n...\n9\n```\n", id="lines left out"),
        pytest.param("```console\n$ echo took 12 ms\ntook ... ms\n```\n", id="text left out"),
        pytest.param("```console\n$ echo no >&2\nno\n```\n", id="both streams"),
        pytest.param("```console\n$ echo a \\\n> b\na b\n$ echo c\nc\n```\n", id="continued, then another"),
        pytest.param("<!-- exit: 2 -->\n```console\n$ echo bad; exit 2\nbad\n```\n", id="expected status"),
        pytest.param(
            "<!-- file: a/q.txt -->\n```\nyes\n```\n```console\n$ cat a/q.txt\nyes\n```\n", id="file"
        ),
        pytest.param("```console\n$ touch f\n```\n```console\n$ ls\nf\n```\n", id="one folder for the page"),
        pytest.param("```python\na = 1\n```\n```python\nassert a == 1\n```\n", id="names are shared"),
        pytest.param(
            "```python\n>>> 1 + 1\n2\n>>> b = 3\n```\n```python\nassert b == 3\n```\n", id="doctest"
        ),
        pytest.param("```python\nprint(1)\n```\n<!-- output -->\n```text\n1\n```\n", id="printed by python"),
        pytest.param(
            "```python\nimport os\nos.mkdir('x')\n```\n```console\n$ ls\nx\n```\n",
            id="python works in the folder",
        ),
        pytest.param(
            '```console\n$ case "$XINGJI_HOME" in "$PWD"/*) echo own;; esac\nown\n```\n', id="home of its own"
        ),
        pytest.param("<!-- skip: absent -->\n```console\n$ false\n```\n```python\npass\n```\n", id="skipped"),
    ],
)
def test_true_page_passes(text: str, tmp_path: Path) -> None:
    assert run_page(*write_page(tmp_path, text)) > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("```console\n$ echo one\ntwo\n```\n", "page.md:2: the page shows\n\ntwo", id="output"),
        pytest.param("```console\n$ seq 3\n1\n2\n```\n", "page.md:2: the page shows", id="more is printed"),
        pytest.param("```console\n$ seq 2\n1\n...\n3\n```\n", "page.md:2", id="after what is left out"),
        pytest.param(
            "```console\n$ true\n$ false\n```\n", "page.md:3: `false` ended with 1, not 0", id="status"
        ),
        pytest.param("```console\n$ false | true\n```\n", "ended with 1", id="status within a pipe"),
        pytest.param("<!-- exit: 2 -->\n```console\n$ true\n```\n", "ended with 0, not 2", id="no failure"),
        pytest.param(
            "<!-- exit: 1 -->\n```console\n$ false\n$ false\n```\n", "page.md:3", id="exit is for the last"
        ),
        pytest.param("```console\n$ make test\n```\n", "make is not run from a page", id="set-up"),
        pytest.param("```console\nxingji\n```\n", "line 2: a console block begins with a command", id="no $"),
        pytest.param("words\n\n```python\nx = 1\n1 / 0\n```\n", "page.md:4: ZeroDivisionError", id="python"),
        pytest.param("```python\n>>> 1 + 1\n3\n```\n", "Expected:\n    3", id="doctest"),
        pytest.param(
            "```python\nprint(1)\n```\n<!-- output -->\n```text\n2\n```\n", "page.md:6", id="printed"
        ),
        pytest.param(
            "<!-- file: ../f -->\n```\nx\n```\n", "lies outside the page's folder", id="file outside"
        ),
    ],
)
def test_page_that_lies_fails(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PageError) as fault:
        run_page(*write_page(tmp_path, text))
    assert message in str(fault.value)


def test_python_leaves_the_surroundings_alone(tmp_path: Path) -> None:
    before = Path.cwd()
    page, work = write_page(tmp_path, "```python\nimport os; os.environ['LEFT'] = '1'; os.chdir('/')\n```\n")
    run_page(page, work)
    assert (Path.cwd(), os.environ.get("LEFT")) == (before, None)
