from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.files.instants import FIRST_US, LAST_US, instants, instants_of_values
from xingji.model.moments import EPOCH, parse_instant, to_us

TIMES = [
    ("2026-01-05T09:30:00.123+08:00", "2026-01-05T01:30:00.123000+00:00"),
    ("2026-01-05T09:30:00.123456789Z", "2026-01-05T09:30:00.123456+00:00"),
    ("2026-01-05 09:30:00", "2026-01-05T09:30:00+00:00"),
    ("2026-01-05T09:30Z", "2026-01-05T09:30:00+00:00"),
    ("2026-01-05", "2026-01-05T00:00:00+00:00"),
    ("2026-01-05T09:30:00+0530", "2026-01-05T04:00:00+00:00"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ("0001-01-01T00:00:00+08:00", None),
    ("0000-01-01T00:00:00Z", None),
    ("2026-02-30T00:00:00Z", None),
    ("2026-01-05T09Z", None),
    ("yesterday", None),
    ("", None),
    ("1767576600", "2026-01-05T01:30:00+00:00"),
    ("1767576600.5", "2026-01-05T01:30:00.500000+00:00"),
    ("1767576600123", "2026-01-05T01:30:00.123000+00:00"),
    ("1767576600123456", "2026-01-05T01:30:00.123456+00:00"),
    ("0", "1970-01-01T00:00:00+00:00"),
    ("-86400", "1969-12-31T00:00:00+00:00"),
    ("20260105", None),
    ("20260105093000", None),
    ("99999999999999999999", None),
    (1767576600, "2026-01-05T01:30:00+00:00"),
    (1767576600.25, "2026-01-05T01:30:00.250000+00:00"),
    (1767576600123, "2026-01-05T01:30:00.123000+00:00"),
    (20260105, None),
    (10**17, None),
    (10**400, None),
    (True, None),
    (["2026-01-05"], None),
    (None, None),
]
BY_ID = [pytest.param(*case, id=str(case[0])[:30] or "empty") for case in TIMES]


def iso(array: pa.Array) -> list[str | None]:
    return [None if one is None else one.isoformat() for one in array.to_pylist()]


@pytest.mark.parametrize(("value", "expected"), BY_ID)
def test_one_value(value: Any, expected: str | None) -> None:
    assert iso(instants_of_values([value])) == [expected]


@pytest.mark.parametrize(("value", "expected"), BY_ID)
def test_neighbours_change_nothing(value: Any, expected: str | None) -> None:
    values = [case[0] for case in TIMES]
    assert iso(instants_of_values([*values, value]))[-1] == expected


@pytest.mark.parametrize(("value", "expected"), [case for case in BY_ID if isinstance(case.values[0], str)])
def test_texts_of_a_column(value: str, expected: str | None) -> None:
    assert iso(instants(pa.array([value, "2026-01-05T00:00:00Z"])))[0] == expected
    assert iso(instants(pa.array([value]).dictionary_encode())) == [expected]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([1767576600], pa.timestamp("s")), id="timestamp s without zone is UTC"),
        pytest.param(pa.array([1767576600_000], pa.timestamp("ms", "Asia/Shanghai")), id="timestamp ms"),
        pytest.param(pa.array([1767576600_000_000_999], pa.timestamp("ns", "UTC")), id="timestamp ns"),
        pytest.param(pa.array([1767576600], pa.uint64()), id="uint64"),
        pytest.param(pa.array([1767576600.0]), id="double"),
        pytest.param(pa.array([1767576600]).cast(pa.decimal128(21, 2)), id="decimal"),
    ],
)
def test_typed_columns(column: pa.Array) -> None:
    assert iso(instants(column)) == ["2026-01-05T01:30:00+00:00"]


def test_typed_columns_out_of_reach_are_null() -> None:
    assert instants(pa.array([2**62], pa.timestamp("s"))).null_count == 1
    assert instants(pa.array([float("nan"), float("inf")])).null_count == 2
    assert iso(instants(pa.array([dt.date(2026, 1, 5)]))) == ["2026-01-05T00:00:00+00:00"]


def test_a_format_of_the_caller() -> None:
    assert iso(instants(pa.array(["19970131", "1997", None]), "%Y%m%d")) == [
        "1997-01-31T00:00:00+00:00",
        None,
        None,
    ]
    assert iso(instants(pa.array(["01/02/2026 +0100"]), "%d/%m/%Y %z")) == ["2026-01-31T23:00:00+00:00"]
    assert iso(instants(pa.array([19970131]), "%Y%m%d")) == ["1997-01-31T00:00:00+00:00"]


@given(st.integers(FIRST_US, LAST_US))
def test_every_instant_survives_being_written(time_us: int) -> None:
    text = (EPOCH + dt.timedelta(microseconds=time_us)).isoformat()
    assert instants(pa.array([text])).cast(pa.int64()).to_pylist() == [time_us]


@given(
    st.lists(
        st.from_regex(
            r"20\d\d-[01]\d-[0-3]\d([T ][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{1,7})?)?(Z|[+-][01]\d:?[03]0)?)?",
            fullmatch=True,
        )
    )
)
def test_columns_read_like_single_texts(texts: list[str]) -> None:
    expected = [None if (moment := parse_instant(text)) is None else to_us(moment) for text in texts]
    assert instants(pa.array(texts, pa.string())).cast(pa.int64()).to_pylist() == expected
