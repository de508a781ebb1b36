"""Instants, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.model.moments import from_us, iso, parse_instant, to_us

READ = [
    ("1970-01-01T00:00:00Z", 0),
    ("1970-01-01T08:00:00+08:00", 0),
    ("1970-01-01 08:00:00 +0800", 0),
    ("1970-01-01", 0),
    ("1970-01-01T00:00", 0),
    ("1970-01-01T00:00:00.000001Z", 1),
    ("1970-01-01T00:00:00,5z", 500_000),
    ("1970-01-01T00:00:00.123456789Z", 123_456),
    ("1969-12-31T23:59:59.999999Z", -1),
]
NOT_READ = [
    "", "now", "1970-01-01T24:30:00Z", "1970-02-30", "1970-01-01T00:00:00+25:00", "19700101", "1970-01-01T",
    "0001-01-01T00:00:00+08:00", "1970-01-01T00:00:00Z extra", "１９７０-01-01T00:00:00 ",
]  # fmt: skip


@pytest.mark.parametrize(("text", "time_us"), READ, ids=[text for text, _ in READ])
def test_read(text: str, time_us: int) -> None:
    moment = parse_instant(text)
    assert moment is not None
    assert to_us(moment) == time_us


@pytest.mark.parametrize("text", NOT_READ, ids=repr)
def test_not_read(text: str) -> None:
    assert parse_instant(text) is None


@given(st.integers(to_us(from_us(-62_135_596_800_000_000)), 253_402_300_799_999_999))
def test_written_and_read_again(time_us: int) -> None:
    text = iso(time_us)
    moment = parse_instant(text)
    assert moment is not None
    assert to_us(moment) == time_us
    assert text.endswith("Z")
    assert not text.endswith("0Z") or "." not in text
