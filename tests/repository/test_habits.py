"""The habits of CONTRIBUTING.md that a linter does not know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.shared_data import ROOT

SOURCE = ROOT / "src" / "xingji"
MODULES = sorted(SOURCE.glob("**/*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base", "core", "shared"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def functions_of(module: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(module.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_module_holds_one_idea(module: Path) -> None:
    assert module.stem not in VAGUE
    assert len(module.read_text().splitlines()) < 600


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_functions_fit_on_a_screen(module: Path) -> None:
    lengths = {
        f"{f.name}, line {f.lineno}": (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions_of(module)
    }
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_every_folder_of_code_is_a_package() -> None:
    folders = {module.parent for module in MODULES}
    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
