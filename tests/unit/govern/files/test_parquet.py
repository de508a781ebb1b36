from __future__ import annotations

import datetime as dt
import gzip
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.govern.files.reading import Log, write
from xingji.model.errors import InputError
from xingji.model.event_table import MONEY_TYPE, TIME_TYPE


def parquet(folder: Path, columns: dict[str, Any], **more: Any) -> Path:
    """A Parquet file; user, event and time are filled in."""
    n_rows = len(next(iter(columns.values())))
    fields = {"user": ["u"] * n_rows, "event": ["e"] * n_rows, "time": [1767576600] * n_rows}
    path = folder / "a.parquet"
    pq.write_table(pa.table(fields | columns), path, **more)
    return path


NANOSECONDS = pa.array([1767576600_000_000_999], pa.timestamp("ns", "UTC"))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        pytest.param(pa.array([1, None], pa.int8()), pa.int64(), [1, None], id="int8"),
        pytest.param(pa.array([1], pa.uint32()), pa.int64(), [1], id="uint32"),
        pytest.param(pa.array([1.5], pa.float32()), pa.float64(), [1.5], id="float"),
        pytest.param(pa.array([1.5, float("nan"), float("inf")]), pa.float64(), [1.5, None, None], id="NaN"),
        pytest.param(pa.array([True]), pa.bool_(), [True], id="bool"),
        pytest.param(pa.array(["a", None, "a"]), pa.string(), ["a", None, "a"], id="text"),
        pytest.param(pa.array(["a"], pa.large_string()), pa.string(), ["a"], id="large text"),
        pytest.param(
            pa.array(["a", "b", "a"]).dictionary_encode(), pa.string(), ["a", "b", "a"], id="coded text"
        ),
        pytest.param(pa.array([b"a", b"\xe6\xb8\x9d"]), pa.string(), ["a", "渝"], id="bytes that are text"),
        pytest.param(pa.array([b"\xff"]), pa.string(), ["ff"], id="bytes that are no text"),
        pytest.param(
            pa.array([Decimal("1.5")], pa.decimal128(9, 1)), MONEY_TYPE, [Decimal("1.50")], id="decimal"
        ),
        pytest.param(
            pa.array([Decimal("1.50000")], pa.decimal128(38, 5)),
            MONEY_TYPE,
            [Decimal("1.50")],
            id="wide decimal",
        ),
        pytest.param(
            pa.array([Decimal("0.12345")], pa.decimal128(9, 5)), pa.float64(), [0.12345], id="a rate"
        ),
        pytest.param(
            NANOSECONDS, TIME_TYPE, [dt.datetime(2026, 1, 5, 1, 30, tzinfo=dt.UTC)], id="timestamp ns"
        ),
        pytest.param(
            pa.array([1767571200], pa.timestamp("s")),
            TIME_TYPE,
            [dt.datetime(2026, 1, 5, tzinfo=dt.UTC)],
            id="no zone",
        ),
        pytest.param(pa.array([dt.date(2026, 1, 5)]), pa.string(), ["2026-01-05"], id="date"),
    ],
)
def test_types(tmp_path: Path, values: pa.Array, kind: pa.DataType, expected: list[Any]) -> None:
    log = Log(parquet(tmp_path, {"x": values}))
    assert (log.type_of("x"), log.column("p_x")) == (kind, expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(pa.array([[1, 2], None]), [{"x": [1, 2]}, None], id="list"),
        pytest.param(pa.array([{"a": 1, "b": None}]), [{"x": {"a": 1, "b": None}}], id="struct"),
        pytest.param(pa.array([2**64 - 1], pa.uint64()), [{"x": 2**64 - 1}], id="beyond int64"),
    ],
)
def test_what_fits_no_column_is_json(tmp_path: Path, values: pa.Array, expected: list[Any]) -> None:
    log = Log(parquet(tmp_path, {"x": values}))
    assert [text and json.loads(text) for text in log.column("properties_json")] == expected


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array([{"city": "渝", "n": 1}, None]), id="struct"),
        pytest.param(pa.array(['{"city": "渝", "n": 1}', None]), id="JSON text"),
        pytest.param(
            pa.array([[("city", "渝"), ("n", "1")], None], pa.map_(pa.string(), pa.string())), id="map"
        ),
    ],
)
def test_a_column_of_objects_is_unfolded(tmp_path: Path, values: pa.Array) -> None:
    log = Log(parquet(tmp_path, {"properties": values}))
    assert log.column("p_city") == ["渝", None]
    assert [str(one) for one in log.column("p_n")] == ["1", "None"]


def test_declared_types_take_what_fits(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"x": [5, 6], "y": ["1.50", "many"], "z": [1, 2]})
    log = Log(path, property_types={"x": MONEY_TYPE, "y": MONEY_TYPE, "z": pa.string()})
    assert log.column("p_x") == [Decimal("5.00"), Decimal("6.00")]
    assert log.column("p_y") == [Decimal("1.50"), None]
    assert [json.loads(text) for text in log.column("properties_json")] == [{"z": 1}, {"y": "many", "z": 2}]


def test_identities_name_the_user_and_are_no_properties(tmp_path: Path) -> None:
    columns = {"event": ["e"] * 4, "time": [0] * 4, "identity.device": ["d", "d", None, "null"]}
    columns |= {"identity.login": [None, "l", None, None], "x": [1] * 4}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    log = Log(tmp_path / "a.parquet")
    assert log.column("user") == ["d", "l"]
    assert log.reasons == {"no user": 1, "junk id": 1}
    assert log.table.schema.names == ["user", "event", "time", "p_x"]


@pytest.mark.parametrize(
    "users",
    [
        pytest.param(pa.array([1, 0, None]), id="integers"),
        pytest.param(pa.array([1.0, 0.5, None]), id="fractions"),
        pytest.param(pa.array(["1", "nan", None]), id="texts"),
        pytest.param(pa.array(["1", "undefined", None]).dictionary_encode(), id="coded texts"),
    ],
)
def test_users(tmp_path: Path, users: pa.Array) -> None:
    log = Log(parquet(tmp_path, {"user": users}))
    assert (log.column("user"), log.refused.total) == (["1"], 2)
    assert [example.number for example in log.refused.examples] == [2, 3]
    assert log.refused.examples[0].excerpt.startswith("{")


def test_event_ids(tmp_path: Path) -> None:
    ids = [uuid.UUID(int=7), uuid.UUID(int=8)]
    for column in (pa.array([str(one) for one in ids]), pa.array([one.bytes for one in ids], pa.binary(16))):
        assert Log(parquet(tmp_path, {"event_id": column})).column("event_id") == [one.bytes for one in ids]


def test_blocks_and_order(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"n": list(range(1_000))}, row_group_size=300)
    log = Log(path, block_rows=128)
    assert log.column("p_n") == list(range(1_000))
    assert [block.rows_read for block in log.blocks][-1] == 1_000
    assert max(len(block.table) for block in log.blocks) <= 128
    assert (
        Log(path, block_rows=128, skip_rows=log.blocks[2].rows_read).column("p_n")[0]
        == log.blocks[2].rows_read
    )


@pytest.mark.parametrize("codes", [pa.int32(), pa.int8()], ids=["wide", "narrow"])
def test_small_row_groups_are_read_together(tmp_path: Path, codes: pa.DataType) -> None:
    """Where codes are too narrow for the texts of all groups, they stay apart."""
    names = [f"n{at}" for at in range(600)]
    texts = pa.chunked_array(
        [
            pa.array(names[at : at + 60]).dictionary_encode().cast(pa.dictionary(codes, pa.string()))
            for at in range(0, 600, 60)
        ]
    )
    path = tmp_path / "a.parquet"
    fields = {"user": ["u"] * 600, "event": ["e"] * 600, "time": [1767576600] * 600}
    with pq.ParquetWriter(path, pa.table({**fields, "name": texts}).schema) as writer:
        for at in range(0, 600, 60):
            piece = {name: column[at : at + 60] for name, column in fields.items()}
            writer.write_table(pa.table({**piece, "name": texts.chunk(at // 60)}))
    log = Log(path)
    assert log.column("p_name") == names
    if codes == pa.int32():
        assert [block.table["p_name"].num_chunks for block in log.blocks] == [1]


def test_compressed_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"n": [1, 2]})
    zipped = write(tmp_path / "b.parquet.gz", path.read_bytes())
    assert gzip.decompress(zipped.read_bytes()) == path.read_bytes()
    assert Log(zipped).column("p_n") == [1, 2]


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda data: data[:-20], id="cut"),
        pytest.param(lambda data: data[:200] + bytes(100) + data[300:], id="overwritten"),
        pytest.param(lambda data: b"PAR1" + data[4:40], id="head only"),
        pytest.param(lambda data: b"", id="empty"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, cut: Any) -> None:
    path = parquet(tmp_path, {"x": [f"value {n}" for n in range(100)]}, compression="zstd")
    write(path, cut(path.read_bytes()))
    with pytest.raises(InputError, match=r"a\.parquet: it is no whole Parquet file: "):
        Log(path)


def test_an_empty_table_is_an_empty_log(tmp_path: Path) -> None:
    log = Log(parquet(tmp_path, {"x": pa.array([], pa.int64())}))
    assert (len(log.table), len(log.blocks)) == (0, 1)


def test_needed_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"usr": ["u"], "event": ["e"], "time": [0]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r'no column "user"; the nearest: "usr"'):
        Log(tmp_path / "a.parquet")


def test_text_that_is_none_is_named(tmp_path: Path) -> None:
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
    with pytest.raises(InputError, match=r'the column "x" holds text that is not UTF-8'):
        Log(parquet(tmp_path, {"x": broken}))
