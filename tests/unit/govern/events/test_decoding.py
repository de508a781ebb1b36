"""Every event of a request is decoded as the contract says, or quarantined under the rule that it breaks."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from xingji.govern.events.columns import to_event_table
from xingji.govern.events.decoding import Decoded, Decoder
from xingji.govern.events.event import Kind, Place
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.event_ids import event_id_bytes
from xingji.ports.event_log import Form, LogEntry, RawBatch

RECEIVED_US = 1_780_000_000_000_000
RECEIVED = "2026-05-28T20:26:40Z"
GOOD: dict[str, Any] = {
    "event_id": "01930000-0000-7000-8000-000000000001",
    "event": "apply_submit",
    "time": RECEIVED,
    "identities": {"device": "d-1", "login": "u-88"},
    "platform": "android",
    "properties": {"product": "房快贷", "amount": 200000},
}


def decoded(*events: Any, sent_at: Any = None, body: bytes | None = None) -> Decoded:
    """What a request of these events becomes."""
    document = {"batch": list(events)} | ({} if sent_at is None else {"sent_at": sent_at})
    raw = json.dumps(document, ensure_ascii=False).encode() if body is None else body
    return Decoder().decode([LogEntry(7, RawBatch("p", Form.JSON, RECEIVED_US, raw, len(events)))])


def test_an_event() -> None:
    (event,) = decoded(GOOD).events
    assert event.place == Place(7, 0)
    assert event.event_id == UUID(GOOD["event_id"]).bytes
    assert (event.kind, event.name) == (Kind.TRACK, "apply_submit")
    assert (event.time_us, event.received_us) == (RECEIVED_US, RECEIVED_US)
    assert event.identities == (("login", "u-88"), ("device", "d-1"))
    assert event.all_properties() == GOOD["properties"] | {"platform": "android", "$received_delay_ms": 0}


@pytest.mark.parametrize("kind", list(Kind))
def test_kinds(kind: Kind) -> None:
    (event,) = decoded(GOOD | {"type": kind.value, "user_properties": {"visits": 3}}).events
    assert (event.kind, event.name) == (kind, "apply_submit" if kind is Kind.TRACK else "")
    assert event.user_properties == {"visits": None if kind is Kind.PROFILE_UNSET else 3}


BAD: dict[str, tuple[Any, str, str]] = {
    "a number": (3, "no_object", "the event is 3; allowed: an object"),
    "an unknown type": (GOOD | {"type": "trak"}, "unknown_type", "allowed: track"),
    "no name": (GOOD | {"event": None}, "no_event_name", "allowed: a name"),
    "an empty name": (GOOD | {"event": ""}, "no_event_name", "allowed: a name"),
    "a name that is a number": (GOOD | {"event": 5}, "bad_event_name", "event is 5"),
    "a long name": (GOOD | {"event": "名" * 86}, "bad_event_name", "255 bytes"),
    "a name with a NUL": (GOOD | {"event": "a\0b"}, "nul_character", "event.event is"),
    "a list as id": (GOOD | {"event_id": []}, "bad_event_id", "256 bytes"),
    "a long id": (GOOD | {"event_id": "x" * 257}, "bad_event_id", "256 bytes"),
    "no time that is one": (GOOD | {"time": "yesterday"}, "bad_time", "ISO 8601"),
    "the year 1": (GOOD | {"time": "0001-01-01T00:00:00Z"}, "implausible_time", "5 years"),
    "six years ago": (GOOD | {"time": "2020-05-01T00:00:00Z"}, "implausible_time", "5 years"),
    "in two hours": (GOOD | {"time": RECEIVED_US // 1000 + 7_200_000}, "implausible_time", "1 hour"),
    "no identities": (GOOD | {"identities": None}, "no_identity", "identities is null; allowed: one id"),
    "junk": (GOOD | {"identities": {"login": "null", "device": " 0 "}}, "no_identity", "no junk"),
    "an unknown kind": (GOOD | {"identities": {"devise": "d"}}, "unknown_identity_kind", "nearest: device"),
    "an id that is a list": (GOOD | {"identities": {"login": ["u"]}}, "bad_identity", "identities.login"),
    "properties that are a list": (GOOD | {"properties": [1]}, "bad_properties", "an object"),
    "501 properties": (
        GOOD | {"properties": {f"p{at}": 1 for at in range(501)}}, "too_many_properties", "up to 500",
    ),
    "an empty property name": (GOOD | {"properties": {"": 1}}, "bad_property_name", "1 to 255"),
    "user properties": (GOOD | {"user_properties": "x"}, "bad_properties", "user_properties is"),
    "a time that is true": (GOOD | {"time": True}, "bad_time", "time is true"),
    "a day as a number": (GOOD | {"time": 20260528}, "bad_time", "time is 20260528"),
    "a platform that is a number": (GOOD | {"platform": 7}, "bad_platform", "platform is 7"),
    "a platform with a line's end": (GOOD | {"platform": "a\n"}, "bad_platform", "control"),
    "an id with a tab": (GOOD | {"identities": {"login": "a\tb"}}, "bad_identity", "control"),
    "an id of many characters": (GOOD | {"identities": {"login": "名" * 342}}, "bad_identity", "1024 bytes"),
    "an event's id of many characters": (GOOD | {"event_id": "名" * 86}, "bad_event_id", "256 bytes"),
    "a long property name": (GOOD | {"properties": {"名" * 256: 1}}, "bad_property_name", "255 characters"),
    "a long text": (GOOD | {"properties": {"x": "长" * 65_537}}, "text_too_long", "up to 65536"),
    "a long text inside": (GOOD | {"properties": {"x": [{"y": "a" * 65_537}]}}, "text_too_long", "ties.x is"),
    "a NUL in a value": (GOOD | {"properties": {"x": "a\0"}}, "nul_character", "event.properties.x is"),
    "a NUL in a name": (GOOD | {"properties": {"x\0": 1}}, "nul_character", "a name in event.properties"),
    "a NUL deep inside": (GOOD | {"properties": {"x": [{"y": "\0"}]}}, "nul_character", "without NUL"),
    "text to increment": (
        GOOD | {"type": "profile_increment", "properties": {"visits": "1"}},
        "bad_properties", "properties.visits is \"1\"; allowed: a number",
    ),
    "names to unset that are none": (
        GOOD | {"type": "profile_unset", "user_properties": [1]}, "bad_properties", "names",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("event", "reason", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_event(event: Any, reason: str, message: str) -> None:
    """It alone is quarantined, as the bytes it came as."""
    found = decoded(GOOD, event, GOOD)
    assert [one.place.index for one in found.events] == [0, 2]
    (bad,) = found.quarantined
    assert (bad.place, bad.reason) == (Place(7, 1), reason)
    assert message in bad.message
    assert json.loads(bad.body) == event


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"1e400", "number_out_of_range"),
        (b"[" * 70 + b"]" * 70, "too_deep"),
        (b"[" * 3_000 + b"]" * 3_000, "unreadable"),
        (b"9" * 5_000, "number_out_of_range"),
        (rb'"a\ud83d"', "lone_surrogate"),
        (rb'["\udc00"]', "lone_surrogate"),
    ],
    ids=["a number too large", "deep", "too deep for anybody", "a whole number too large", "half a character",
         "the other half"],
)  # fmt: skip
def test_values_that_no_column_holds(text: bytes, reason: str) -> None:
    body = b'{"batch": [{"event": "a", "identities": {"login": "u"}, "properties": {"x": ' + text + b"}}]}"
    (bad,) = decoded(body=body).quarantined
    assert bad.reason == reason
    assert bad.body == (body if bad.is_entry else body[11:-2])


def test_good_values() -> None:
    """What looks odd and is nothing to refuse."""
    given = {
        "list": [1, [2, {"a": None}]],
        "none": None,
        "long": "长" * 65_536,
        "big": 2**70,
        "\\u0000": "\\u0000",
    }
    good = GOOD | {
        "properties": given,
        "event_id": 12,
        "identities": {"login": 88, "device": None, "mobile": "0"},
    }
    (event,) = decoded(good | {"type": None, "platform": "", "unknown": {"deep": []}}).events
    assert event.identities == (("login", "88"),)
    assert event.event_id == event_id_bytes("12")
    kept = {name: value for name, value in given.items() if value is not None}
    assert event.all_properties() == kept | {"$received_delay_ms": 0}


def test_what_a_client_says_of_the_servers_own_properties() -> None:
    forged = {"$received_delay_ms": -5, "$clock_shift_ms": 7, "platform": "watch"}
    found = decoded(GOOD | {"properties": forged})
    assert found.events[0].all_properties() == {"$received_delay_ms": 0, "platform": "watch"}
    table = to_event_table(found.events, ["u"], ColumnTypes())
    assert table["p_$received_delay_ms"].to_pylist() == [0]
    assert table["p_platform"].to_pylist() == ["watch"]
    assert "p_$clock_shift_ms" not in table.schema.names


def test_imports_are_as_old_as_they_are() -> None:
    body = json.dumps(GOOD | {"time": "1998-05-01T00:00:00Z"}).encode()
    entry = LogEntry(1, RawBatch("p", Form.JSON, RECEIVED_US, body, 1))
    assert Decoder().decode([entry]).quarantined[0].reason == "implausible_time"
    assert len(Decoder(bounds_times=False).decode([entry]).events) == 1


def test_entries_of_a_lot_keep_their_order() -> None:
    """Also where some are no requests, and times are written in every way."""
    times = [
        RECEIVED,
        RECEIVED_US,
        RECEIVED_US // 1_000,
        RECEIVED_US / 1e6,
        "2026-05-29T04:26:40+08:00",
        None,
    ]
    bodies = [json.dumps({"batch": [GOOD | {"time": time}, 3]}).encode() for time in times]
    entries = [LogEntry(at, RawBatch("p", Form.JSON, RECEIVED_US, body, 2)) for at, body in enumerate(bodies)]
    entries.insert(3, LogEntry(50, RawBatch("p", Form.CONTROL, RECEIVED_US, b"{}", 0)))
    entries.insert(2, LogEntry(51, RawBatch("p", Form.JSON, RECEIVED_US, b"?", 9)))
    found = Decoder().decode(entries)
    assert [event.place for event in found.events] == [Place(at, 0) for at in range(6)]
    assert [event.time_us for event in found.events] == [RECEIVED_US] * 6
    assert sorted((one.place.offset, one.n_events) for one in found.quarantined) == [
        (0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (51, 9),
    ]  # fmt: skip
    assert found.controls == [entries[4]]
    assert found.n_events == 6 * 2 + 9


def test_a_request_that_no_gateway_lets_in() -> None:
    (bad,) = decoded(body=b"{").quarantined
    assert (bad.place, bad.reason, bad.body) == (Place(7, 0), "unreadable", b"{")


@pytest.mark.parametrize(
    ("sent_at", "time", "expected_s", "shift_ms"),
    [
        pytest.param(None, "2026-05-28T20:00:00Z", -1_600, None, id="no sending time: believed"),
        pytest.param("2026-05-28T20:26:00Z", "2026-05-28T20:25:00Z", -100, None, id="40 s off: believed"),
        pytest.param("2026-05-28T19:26:40Z", "2026-05-28T19:26:30Z", -10, 3_600_000, id="an hour behind"),
        pytest.param("2026-05-29T20:26:40Z", "2026-05-29T20:26:30Z", -10, -86_400_000, id="a day ahead"),
        pytest.param(
            "2016-05-28T20:26:40Z", "2016-05-28T20:26:30Z", -10, 315_532_800_000, id="ten years behind"
        ),
        pytest.param("soon", "2026-05-28T20:26:30Z", -10, None, id="a sending time that is none"),
        pytest.param("2026-05-28T19:26:40Z", None, 0, None, id="no time: when it was received"),
    ],
)
def test_clocks(sent_at: Any, time: Any, expected_s: int, shift_ms: int | None) -> None:
    (event,) = decoded(GOOD | {"time": time}, sent_at=sent_at).events
    assert event.time_us == RECEIVED_US + expected_s * 1_000_000
    assert event.all_properties()["$received_delay_ms"] == max(-expected_s * 1_000, 0)
    assert event.all_properties().get("$clock_shift_ms") == shift_ms


def test_ids_that_are_missing_are_made_of_the_request_and_the_place() -> None:
    without = {name: value for name, value in GOOD.items() if name != "event_id"}
    first, again, other = (
        decoded(without, without),
        decoded(without, without),
        decoded(without, without, GOOD),
    )
    ids = [event.event_id for event in first.events]
    assert len(set(ids)) == 2
    assert [event.event_id for event in again.events] == ids
    assert not {event.event_id for event in other.events} & set(ids)


def test_events_as_columns() -> None:
    events = decoded(GOOD, GOOD | {"event": "view", "properties": {"amount": "12", "tags": ["a"]}}).events
    table = to_event_table(events, ["login:u-88", "login:u-88"], ColumnTypes({"amount": pa.int64()}))
    assert table["user"].to_pylist() == ["login:u-88"] * 2
    assert table["event"].to_pylist() == ["apply_submit", "view"]
    assert table["p_amount"].to_pylist() == [200000, None]
    assert [json.loads(text) if text else None for text in table["properties_json"].to_pylist()] == [
        None, {"amount": "12", "tags": ["a"]},
    ]  # fmt: skip
    assert table["received_at"].cast(pa.int64()).to_pylist() == [RECEIVED_US] * 2


def test_a_changed_request_loses_no_event() -> None:
    """Thousands of events, each spoilt in a few places: every one is decoded or quarantined."""
    dice = random.Random(3)
    whole = json.dumps(GOOD, ensure_ascii=False).encode()
    outcomes = [0, 0]
    for _ in range(4_000):
        body = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(body))
            body[at : at + dice.randrange(3)] = dice.choice(
                [b"", b'"', b"\\", b"9", b"null", b"{}", bytes([dice.randrange(256)])]
            )
        found = decoded(body=b'{"batch": [' + bytes(body) + b"]}")
        assert found.n_events >= 1
        outcomes[0] += len(found.events)
        outcomes[1] += len(found.quarantined)
    assert min(outcomes) > 100
