from __future__ import annotations

import pyarrow as pa
import pytest

from xingji.govern.files.identity import KINDS, is_junk, strongest, without_junk

JUNK = ["", " ", "null", "NULL", "None", "undefined", "NaN", "0", "[object Object]", "\tnull\n"]
PEOPLE = ["u-1", "00", "10", "nullable", "张三", "0x0", "None of us"]


@pytest.mark.parametrize("coded", [False, True], ids=["plain", "coded"])
def test_junk_names_nobody(coded: bool) -> None:
    users = pa.array([*JUNK, *PEOPLE, None])
    cleaned = without_junk(users.dictionary_encode() if coded else users)
    assert cleaned.to_pylist() == [None] * len(JUNK) + PEOPLE + [None]


@pytest.mark.parametrize("text", JUNK + PEOPLE)
def test_one_text(text: str) -> None:
    assert is_junk(text) == (text in JUNK)


def test_the_strongest_id_that_is_no_junk_wins() -> None:
    ids = {
        "device": pa.array(["d-1", "d-2", "d-3", None]),
        "login": pa.array(["l-1", None, "undefined", "null"]),
        "nickname": pa.array(["a", "b", "c", "d"]),
    }
    found = strongest(ids.__getitem__, ids)
    assert found is not None
    assert found.to_pylist() == ["l-1", "d-2", "d-3", None]
    assert strongest(ids.__getitem__, ["nickname"]) is None


def test_order_of_strength() -> None:
    assert KINDS == ("customer_no", "login", "unionid", "openid", "mobile", "device", "anonymous")
