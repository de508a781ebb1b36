"""The page on the command line names every command and option there is."""

from __future__ import annotations

import re

import pytest

from tests.shared_data import ROOT
from xingji.app.commands import COMMANDS, Command
from xingji.app.main import _parser_of
from xingji.app.settings import ALL, read_settings

PAGE = (ROOT / "docs" / "reference" / "command-line.md").read_text()
_SECTIONS = dict(zip(*[iter(re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))
SECTIONS = {name: text for heading, text in _SECTIONS.items() for name in heading.split(", ")}
READING = {"--map", "--type", "--input-format", "--encoding", "--delimiter", "--columns"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_option_is_explained_where_its_command_is(command: Command) -> None:
    options = {option for action in _parser_of(command)._actions for option in action.option_strings}
    page = SECTIONS[command.name] + (SECTIONS["query"] if command.name == "import" else "")
    missing = [option for option in options - {"-h", "--help", "--debug"} if option not in page]
    assert missing == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_no_option_is_explained_that_is_none(command: Command) -> None:
    options = {option for action in _parser_of(command)._actions for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", SECTIONS[command.name]))
    assert named - READING - ({"--into"} if command.name == "unmerge" else set()) <= options


def test_every_setting_is_explained_with_its_unit_and_default() -> None:
    page = (ROOT / "docs" / "guide" / "operating.md").read_text()
    values = {setting.variable: value for setting, value in read_settings({}).items()}
    for setting in ALL:
        (row,) = re.findall(rf"^\| `{setting.variable}` \|(.*)$", page, re.MULTILINE)
        unit, default = (cell.strip(" `") for cell in row.split("|")[:2])
        assert unit == setting.unit
        assert default in (values[setting.variable], ".xingji", "as many as there are cores")
