from __future__ import annotations

import pytest

from xingji.govern.files.mapping import (
    Column,
    Constant,
    FieldMapping,
    Moment,
    RowNumber,
    parse_mapping,
    resolve,
)
from xingji.model.errors import CallerError, InputError


@pytest.mark.parametrize(
    ("pair", "mapping"),
    [
        pytest.param("user=customer", FieldMapping(user=Column("customer")), id="column"),
        pytest.param("user=case:concept:name", FieldMapping(user=Column("case:concept:name")), id="colons"),
        pytest.param(
            "time=time:timestamp", FieldMapping(time=Column("time:timestamp")), id="time with colon"
        ),
        pytest.param("time=date:%Y%m%d", FieldMapping(time=Column("date", "%Y%m%d")), id="format"),
        pytest.param("time=a:b:%d:%H", FieldMapping(time=Column("a:b", "%d:%H")), id="colons and format"),
        pytest.param(
            "time=@timestamp", FieldMapping(time=Column("@timestamp")), id="column named @timestamp"
        ),
        pytest.param("time=@1970-01-02", FieldMapping(time=Moment(86_400_000_000)), id="constant instant"),
        pytest.param("event==contact", FieldMapping(event=Constant("contact")), id="constant event"),
        pytest.param("event===", FieldMapping(event=Constant("=")), id="constant equals sign"),
        pytest.param("user=#", FieldMapping(user=RowNumber()), id="row number"),
        pytest.param("event_id=a=b", FieldMapping(event_id=Column("a=b")), id="equals sign in a name"),
    ],
)
def test_parse_mapping(pair: str, mapping: FieldMapping) -> None:
    assert parse_mapping([pair]) == mapping


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        pytest.param(["user"], r"--map is \"user\"; allowed: field=column", id="no equals sign"),
        pytest.param(["user="], r"allowed: field=column", id="no column"),
        pytest.param(["usr=x"], r"unknown field .* \"usr\"; the nearest: user", id="unknown field"),
        pytest.param(["user=a", "user=b"], r"names the field user twice", id="twice"),
        pytest.param(["event=#"], r"--map user=#", id="row number of an event"),
        pytest.param(["time==x"], r"user or event as a constant", id="constant time as text"),
        pytest.param(["event=="], r"event as a constant", id="empty constant"),
        pytest.param(["time=@2026-13-01"], r"--map time is .*ISO 8601", id="no instant"),
    ],
)
def test_wrong_mapping(pairs: list[str], message: str) -> None:
    with pytest.raises(CallerError, match=message):
        parse_mapping(pairs)


@pytest.mark.parametrize(
    ("pairs", "columns", "message"),
    [
        pytest.param(
            [],
            ["usr", "event", "time"],
            'no column "user"; the nearest: "usr"; its columns are "usr"',
            id="near",
        ),
        pytest.param([], ["a", "event", "time"], r"--map user=COLUMN", id="hint"),
        pytest.param(
            ["time=tim"], ["user", "event", "time"], r'no column "tim" \(mapped to time\)', id="mapped"
        ),
        pytest.param(
            ["event_id=x"], ["user", "event", "time"], r"mapped to event_id", id="optional but mapped"
        ),
        pytest.param([], [], r"the file has no columns", id="no columns"),
    ],
)
def test_missing_column(pairs: list[str], columns: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve("log.csv", parse_mapping(pairs), columns)


def test_identities_stand_for_a_user() -> None:
    origins = resolve("log.ndjson", FieldMapping(), ["event", "time"], identified=True)
    assert origins.user is None
