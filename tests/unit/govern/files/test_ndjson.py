from __future__ import annotations

import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.govern.files.reading import Log, event, write
from xingji.govern.files import FileOptions, ndjson
from xingji.model.errors import InputError
from xingji.model.event_table import MONEY_TYPE, TIME_TYPE

NATIVE = {
    "event_id": "0193e5c8-4f6e-7000-8000-000000000001",
    "event": "apply_submit",
    "time": "2026-01-05T09:30:00.123+08:00",
    "identities": {"device": "d-1", "login": "u-88"},
    "platform": "android",
    "properties": {"product": "房快贷", "amount": 200000, "application_id": "A-1"},
}


def test_native_event(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.ndjson", [NATIVE]))
    assert log.events == [
        {
            "user": "u-88",
            "event": "apply_submit",
            "time": "2026-01-05T01:30:00.123000Z",
            "event_id": uuid.UUID(NATIVE["event_id"]).bytes,  # type: ignore[arg-type]
            "platform": "android",
            "product": "房快贷",
            "amount": 200000,
            "application_id": "A-1",
        }
    ]
    assert log.table.schema.field("time").type == TIME_TYPE
    assert log.table.schema.field("event_id").type == pa.binary(16)


def test_flat_event(tmp_path: Path) -> None:
    log = Log(
        write(tmp_path / "a.ndjson", [event(amount=5, properties={"amount": 6, "city": "渝"}, type="x")])
    )
    assert log.events == [
        {
            "user": "u-1",
            "event": "open",
            "time": "2026-01-05T09:30:00Z",
            "amount": 6,
            "city": "渝",
            "type": "x",
        }
    ]


def test_order_is_that_of_the_lines(tmp_path: Path) -> None:
    lines = [event(n=n, time=1767576600 - n // 2) for n in range(1_000)]
    assert Log(write(tmp_path / "a.ndjson", lines), block_rows=77).column("p_n") == list(range(1_000))


@pytest.mark.parametrize(
    ("record", "user"),
    [
        pytest.param({"user": "u", "identities": {"login": "l"}}, "u", id="user before identities"),
        pytest.param({"user": None, "identities": {"login": "l"}}, "l", id="null user"),
        pytest.param({"user": "undefined", "identities": {"device": "d"}}, "d", id="junk user"),
        pytest.param({"identities": {"device": "d", "customer_no": "c"}}, "c", id="strongest"),
        pytest.param({"identities": {"device": "d", "login": "0"}}, "d", id="strongest is junk"),
        pytest.param({"user": 7}, "7", id="integer"),
        pytest.param({"user": 7.0}, "7", id="integral fraction"),
    ],
)
def test_user(tmp_path: Path, record: dict[str, Any], user: str) -> None:
    rest = {"event": "open", "time": 1767576600}
    assert Log(write(tmp_path / "a.ndjson", [record | rest, event("other")])).column("user") == [
        user,
        "other",
    ]


REFUSED = [
    pytest.param('{"user": "u", "event": ', "broken JSON", id="cut"),
    pytest.param("[1, 2]", "no JSON object", id="array"),
    pytest.param("null", "no JSON object", id="null"),
    pytest.param('{"user":"u","event":"e","time":0,"x":NaN}', "broken JSON", id="NaN"),
    pytest.param('{"user":"u","event":"e","time":0,"x":1e400}', "a number out of range", id="1e400"),
    pytest.param(
        '{"user":"u","event":"e","time":0,"x":"\\ud800"}', "broken JSON", id="half a surrogate pair"
    ),
    pytest.param(
        '{"user":"u","event":"e","time":0} {"user":"v","event":"e","time":0}',
        "broken JSON",
        id="two in a line",
    ),
    pytest.param(
        json.dumps(event(x=json.loads("[" * 100 + "]" * 100))), "nested deeper than 64", id="100 levels"
    ),
    pytest.param('{"x":' + "[" * 100_000 + "]" * 100_000 + "}", "nested deeper than 64", id="100,000 levels"),
    pytest.param(
        json.dumps(event(x="y" * (5 << 20) + "y")), "a text is longer than 5 MiB", id="a text beyond 5 MiB"
    ),
    pytest.param(
        json.dumps(event(x="y" * (17 << 20))), "a line of more than 16 MiB", id="line beyond 16 MiB"
    ),
    pytest.param(json.dumps(event(**{"y" * 256: 1})), "name is empty or longer than 255", id="long name"),
    pytest.param(json.dumps(event(**{"": 1})), "name is empty or longer than 255", id="empty name"),
    pytest.param('{"event":"e","time":0}', "no user", id="no user"),
    pytest.param(json.dumps(event("[object Object]")), "junk id", id="junk user"),
    pytest.param(
        '{"event":"e","time":0,"identities":{"login":"null","device":""}}', "junk id", id="junk identities"
    ),
    pytest.param(json.dumps(event("u" * 1_025)), "a user id of more than 1,024 bytes", id="long user"),
    pytest.param('{"user":true,"event":"e","time":0}', "the user is no text or whole number", id="user true"),
    pytest.param('{"user":"u","time":0}', "no event name", id="no event"),
    pytest.param(json.dumps(event(name="")), "no event name", id="empty event"),
    pytest.param(json.dumps(event(name="e" * 256)), "an event name of more than 255 bytes", id="long event"),
    pytest.param('{"user":"u","event":{},"time":0}', "the event name is no text", id="event is an object"),
    pytest.param('{"user":"u","event":"e"}', "no time", id="no time"),
    pytest.param(json.dumps(event(time="soon")), "the time is no instant", id="no instant"),
    pytest.param(
        json.dumps(event(time="0001-01-01T00:00:00+08:00")), "the time is no instant", id="before year 1"
    ),
    pytest.param(json.dumps(event(identities=[1])), "identities is no object", id="identities"),
    pytest.param(json.dumps(event(properties="x")), "properties is no object", id="properties"),
    pytest.param(json.dumps({**NATIVE, "type": "identify"}), "no event but identify", id="identify"),
    pytest.param(json.dumps({**NATIVE, "type": "dance"}), "an unknown type", id="unknown type"),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_a_refused_line_is_counted_and_the_rest_loads(tmp_path: Path, line: str, reason: str) -> None:
    good = json.dumps(event())
    log = Log(write(tmp_path / "a.ndjson", "\n".join([good] * 3 + [line] + [good] * 2)))
    assert log.column("user") == ["u-1"] * 5
    assert log.table["user"].combine_chunks().dictionary.to_pylist() == ["u-1"]
    assert log.refused.total == 1
    assert reason in log.refused.examples[0].reason
    assert log.refused.examples[0].number == 4
    assert len(log.refused.examples[0].excerpt) <= 80


def test_wrong_encoding_refuses_its_line(tmp_path: Path) -> None:
    good = json.dumps(event()).encode()
    log = Log(write(tmp_path / "a.ndjson", b"\n".join([good, '{"user": "张"}'.encode("gb18030"), good])))
    assert (len(log.table), log.reasons) == (2, {"text in another encoding": 1})


def test_a_declared_encoding_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ndjson", json.dumps(event("张三"), ensure_ascii=False).encode("gb18030") + b"\n"
    )
    assert Log(path, options=FileOptions(encoding="gb18030")).column("user") == ["张三"]
    with pytest.raises(
        InputError, match=r"another encoding; none of the first 1 lines .* try --encoding gb18030"
    ):
        Log(path)


def test_blank_lines_and_a_byte_order_mark_are_nothing(tmp_path: Path) -> None:
    line = json.dumps(event())
    log = Log(write(tmp_path / "a.ndjson", f"\ufeff{line}\r\n\n  \n{line}"))
    assert (len(log.table), log.refused.total, log.blocks[-1].rows_read) == (2, 0, 4)


def test_only_known_types_beside_identities_are_refused(tmp_path: Path) -> None:
    lines = [{**NATIVE, "type": "track"}, NATIVE, event(type="identify")]
    log = Log(write(tmp_path / "a.ndjson", lines))
    assert log.column("p_type") == [None, None, "identify"]


@pytest.mark.parametrize(
    ("values", "kind", "left"),
    [
        pytest.param([1, 2], pa.int64(), [], id="integers"),
        pytest.param([1, 2.5], pa.float64(), [], id="a fraction widens integers seen with it"),
        pytest.param([2.5, 1], pa.float64(), [], id="an integer in a double column"),
        pytest.param(["a", 1, True, None], pa.string(), [1, 2], id="others beside text"),
        pytest.param([1, "1", True], pa.int64(), [1, 2], id="others beside integers"),
        pytest.param([True, 1, 0], pa.bool_(), [1, 2], id="others beside truth"),
        pytest.param([1, 2**63, -(2**63)], pa.int64(), [1], id="beyond 64 bits"),
        pytest.param([[1], 5], pa.int64(), [0], id="lists decide nothing"),
        pytest.param([{"a": [1]}, {"a": None}], None, [0, 1], id="objects only"),
        pytest.param([10**400, 1], pa.int64(), [0], id="10^400"),
        pytest.param(["2026-01-05T09:30:00Z"], pa.string(), [], id="times stay text"),
        pytest.param([None, None], None, [], id="nothing"),
    ],
)
def test_types_of_properties(
    tmp_path: Path, values: list[Any], kind: pa.DataType | None, left: list[int]
) -> None:
    log = Log(write(tmp_path / "a.ndjson", [event(x=value) for value in values]))
    assert [record.get("x") for record in log.events] == values
    assert kind is None or log.type_of("x") == kind
    assert (kind is None) == ("p_x" not in log.table.schema.names)
    rest = log.column("properties_json") if left else []
    assert [row for row, text in enumerate(rest) if text is not None] == left


def test_types_stay_for_the_whole_file(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.ndjson", [event(x=1), event(x=2), event(x=2.5), event(x=3)]), block_rows=2)
    assert log.column("p_x") == [1, 2, None, 3]
    assert json.loads(log.column("properties_json")[2]) == {"x": 2.5}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        pytest.param("1234567890123456.78", Decimal("1234567890123456.78"), id="eighteen digits"),
        pytest.param("0.10", Decimal("0.10"), id="cents"),
        pytest.param("7", Decimal("7.00"), id="integer"),
        pytest.param('"12.30"', Decimal("12.30"), id="text"),
        pytest.param("12.345", None, id="a third place is kept as JSON"),
        pytest.param("12345678901234567.0", None, id="too large is kept as JSON"),
        pytest.param('"NaN"', None, id="no amount"),
    ],
)
def test_money_is_read_from_its_text(tmp_path: Path, text: str, amount: Decimal | None) -> None:
    line = '{"user":"u","event":"e","time":0,"rate":0.5,"amount":%s}\n'
    log = Log(write(tmp_path / "a.ndjson", line % text + line % "1.5"), property_types={"amount": MONEY_TYPE})
    assert log.column("p_amount") == [amount, Decimal("1.50")]
    assert log.column("p_rate") == [0.5, 0.5]
    assert amount is not None or f'"amount":{text}' in log.column("properties_json")[0]


def test_a_large_text_within_the_limit_loads(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.ndjson", [event(x="y" * (5 << 20))]))
    assert len(log.column("p_x")[0]) == 5 << 20


def test_beyond_a_thousand_properties_the_rest_is_json(tmp_path: Path) -> None:
    values = {f"x{n}": n for n in range(5_000)}
    log = Log(write(tmp_path / "a.ndjson", [event(**values), event(**values)]))
    assert sum(name.startswith("p_x") for name in log.table.schema.names) == 1_000
    assert [{name: record[name] for name in values} for record in log.events] == [values, values]


def test_needed_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'a\.ndjson: there is no column "time"; the nearest: "tiime"'):
        Log(write(tmp_path / "a.ndjson", [{"user": "u", "event": "e", "tiime": 1}]))
    with pytest.raises(
        InputError, match=r"line 1: no JSON object; none of the first 2 lines .* one event a line"
    ):
        Log(write(tmp_path / "a.ndjson", "[\n{}]\n"))


def test_mapped_columns_are_no_properties(tmp_path: Path) -> None:
    lines = [{"case": "c", "activity": "a", "at": "20260105", "user": "clerk", "amount": 1}]
    log = Log(write(tmp_path / "a.ndjson", lines), ["user=case", "event=activity", "time=at:%Y%m%d"])
    assert log.table.schema.names == ["user", "event", "time", "p_user", "p_amount"]
    assert (log.column("user"), log.column("p_user")) == (["c"], ["clerk"])


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 2**70, "a", "", [1], {"b": [2]}])
)
RECORDS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"user": st.sampled_from(["u", "null", 5, None]), "event": st.sampled_from(["a", "b", "", 3])},
            optional={"time": st.sampled_from([0, "2026-01-05", "x"]), "x": SCALARS, "y": SCALARS},
        ),
        st.fixed_dictionaries(
            {
                "event": st.sampled_from(["a", "b"]),
                "time": st.just(5),
                "identities": st.dictionaries(
                    st.sampled_from(["login", "device", "nick"]), st.sampled_from(["p", "0", 7])
                ),
                "properties": st.one_of(st.none(), st.dictionaries(st.sampled_from("xyz"), SCALARS)),
            },
            optional={"type": st.sampled_from(["track", "bind"]), "platform": st.just("web")},
        ),
    ),
    max_size=40,
)


class _NoShapes:
    """Stands where the decoder of known keys does, and knows none."""

    def __init__(self, *_: object) -> None: ...

    def rows(self, *_: object) -> None: ...

    def learn(self, *_: object) -> None: ...


@given(records=RECORDS)
def test_known_keys_decode_like_dictionaries(
    tmp_path_factory: pytest.TempPathFactory, records: list[Any]
) -> None:
    begin = [event(), NATIVE | {"properties": {"x": 1}}, event("u", "b", x="t")]
    path = write(tmp_path_factory.mktemp("log") / "a.ndjson", begin + records)
    shaped = Log(path, block_rows=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "ShapedRecords", _NoShapes)
        plain = Log(path, block_rows=8)
    assert shaped.events == plain.events
    assert shaped.refused == plain.refused


@given(records=RECORDS, block_rows=st.integers(1, 50))
def test_every_line_is_an_event_or_refused(
    tmp_path_factory: pytest.TempPathFactory, records: list[Any], block_rows: int
) -> None:
    path = write(tmp_path_factory.mktemp("log") / "a.ndjson", [event(), *records])
    log = Log(path, block_rows=block_rows)
    assert len(log.table) + log.refused.total == len(records) + 1 == log.blocks[-1].rows_read
    assert all(len(block.table) + block.refused.total <= block_rows for block in log.blocks)
