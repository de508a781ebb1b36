"""Settings are read once, and say what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xingji.app.settings import ALL, read_settings, unknown_variables
from xingji.model.errors import CallerError


def test_defaults() -> None:
    settings = read_settings({})
    assert settings.home == Path.cwd() / ".xingji"
    assert (settings.memory_mib, settings.buckets) == (2048, 16)
    assert settings.threads == len(os.sched_getaffinity(0))


def test_given() -> None:
    settings = read_settings({"XINGJI_HOME": "/data/x", "XINGJI_MEMORY_MIB": "512", "XINGJI_THREADS": " 3 "})
    assert (settings.home, settings.memory_bytes, settings.threads) == (Path("/data/x"), 512 << 20, 3)


def test_home_may_be_that_of_the_user() -> None:
    assert read_settings({"XINGJI_HOME": "~/x"}).home == Path.home() / "x"


@pytest.mark.parametrize("variable", ["XINGJI_MEMORY_MIB", "XINGJI_THREADS", "XINGJI_BUCKETS"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "٣", "1e3", "9" * 30])
def test_bad_numbers_are_named(variable: str, value: str) -> None:
    with pytest.raises(CallerError) as fault:
        read_settings({variable: value})
    assert str(fault.value).startswith(f'{variable} is "{value}"; allowed: a whole number of ')


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(CallerError, match="which is a file"):
        read_settings({"XINGJI_HOME": str(tmp_path / "home")})


def test_every_field_has_a_meaning_and_a_unit() -> None:
    shown = read_settings({}).items()
    assert [setting for setting, _ in shown] == list(ALL)
    assert all(setting.meaning and setting.unit for setting in ALL)


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        pytest.param("XINGJI_HOME", [], id="a setting"),
        pytest.param("HOME", [], id="another's"),
        pytest.param(
            "XINGJI_THREAD",
            ["XINGJI_THREAD is no setting and does nothing; did you mean XINGJI_THREADS?"],
            id="misspelt",
        ),
        pytest.param(
            "XINGJI_QQQQQQQQ", ["XINGJI_QQQQQQQQ is no setting and does nothing"], id="like nothing"
        ),
    ],
)
def test_variables_that_do_nothing_are_told(name: str, sentences: list[str]) -> None:
    assert unknown_variables({name: "1"}) == sentences
