"""Users' values are those of the last lot; the last lot may be asked, and committed, again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.adapters.sqlite_user_values import SqliteUserValues
from xingji.model.errors import FieldError


@pytest.fixture
def values(tmp_path: Path) -> SqliteUserValues:
    return SqliteUserValues(tmp_path / "values.db")


def test_nothing_is_known_of_strangers(values: SqliteUserValues) -> None:
    assert values.before(1, ["a"]) == {}
    assert values.lot == 0


def test_the_next_lot_finds_what_the_last_one_left(values: SqliteUserValues) -> None:
    values.commit(1, {"a": {"level": 3, "tags": ["x"]}})
    values.commit(4, {"b": {"名": "乙"}})
    assert values.before(5, ["a", "b", "c"]) == {"a": {"level": 3, "tags": ["x"]}, "b": {"名": "乙"}}


def test_a_lot_that_comes_again_finds_what_it_found(values: SqliteUserValues) -> None:
    values.commit(1, {"a": {"n": 1}})
    values.commit(2, {"a": {"n": 2}, "b": {"n": 1}})
    assert values.before(2, ["a", "b"]) == {"a": {"n": 1}}
    values.commit(2, {"a": {"n": 99}})
    assert values.before(3, ["a", "b"]) == {"a": {"n": 2}, "b": {"n": 1}}


def test_an_earlier_lot_is_refused(values: SqliteUserValues) -> None:
    values.commit(2, {})
    with pytest.raises(FieldError, match="2, the last one committed, or above"):
        values.commit(1, {"a": {}})


def test_who_is_forgotten_is_in_no_byte_of_the_files(tmp_path: Path) -> None:
    values = SqliteUserValues(tmp_path / "values.db")
    values.commit(1, {"login:somebody-77": {"mark": "secret-55"}, "b": {}})
    values.forget(["login:somebody-77"])
    assert values.before(2, ["login:somebody-77", "b"]) == {"b": {}}
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"somebody-77" not in held
    assert b"secret-55" not in held
    values.close()


@given(
    lots=st.lists(
        st.tuples(
            st.booleans(),
            st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.just("n"), st.integers(0, 9))),
        ),
        max_size=6,
    )
)
def test_crashes_between_lots_change_nothing(
    lots: list[tuple[bool, dict[str, dict[str, int]]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A keeper that is opened anew, and told a lot twice, is as one that lived on."""
    path = tmp_path_factory.mktemp("values") / "values.db"
    kept, model = SqliteUserValues(path), dict[str, dict[str, int]]()
    for number, (crashes, changed) in enumerate(lots, start=1):
        assert kept.before(number, "abc") == model
        kept.commit(number, changed)
        if crashes:
            kept.close()
            kept = SqliteUserValues(path)
            assert kept.before(number, "abc") == model
            kept.commit(number, changed)
        model |= changed
    assert kept.before(len(lots) + 1, "abc") == model
    kept.close()
