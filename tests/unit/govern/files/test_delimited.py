from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.govern.files.reading import Log, write
from xingji.govern.files import FileOptions
from xingji.model.errors import FieldError, InputError
from xingji.model.event_table import MONEY_TYPE

HEAD = "user,event,time"
ROW = "u-1,open,2026-01-05T09:30:00Z"


def column(values: list[str], **more: Any) -> Log:
    """A file with one property column `x`; its folder is made anew each time."""
    folder: Path = more.pop("folder")
    text = "\n".join([f"{HEAD},x", *(f"{ROW},{value}" for value in values)])
    return Log(write(folder / "a.csv", text + "\n"), **more)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        pytest.param(["1", "-20", "", "0"], pa.int64(), [1, -20, None, 0], id="integers"),
        pytest.param(["1", "2.50", "1e-5", ".5"], pa.float64(), [1.0, 2.5, 1e-5, 0.5], id="fractions"),
        pytest.param(["TRUE", "false", "True"], pa.bool_(), [True, False, True], id="truth"),
        pytest.param(["007", "1"], pa.string(), ["007", "1"], id="leading zeros are text"),
        pytest.param(["+1", "1"], pa.string(), ["+1", "1"], id="a plus is text"),
        pytest.param(["3E7", "1"], pa.string(), ["3E7", "1"], id="an exponent without sign is text"),
        pytest.param(
            ["9223372036854775808"], pa.string(), ["9223372036854775808"], id="beyond 64 bits is text"
        ),
        pytest.param(["9223372036854775807"], pa.int64(), [2**63 - 1], id="the largest integer"),
        pytest.param(["NaN", "1.5"], pa.string(), ["NaN", "1.5"], id="NaN is text"),
        pytest.param(["1e+400", "1.5"], pa.string(), ["1e+400", "1.5"], id="1e400 is text"),
        pytest.param(["2026-01-05", ""], pa.string(), ["2026-01-05", None], id="dates are text"),
        pytest.param(['"a,""b"""', '"c\nd"', " e "], pa.string(), ['a,"b"', "c\nd", " e "], id="quotes"),
        pytest.param(['"5"', "6"], pa.int64(), [5, 6], id="quoted numbers are numbers"),
    ],
)
def test_types(tmp_path: Path, values: list[str], kind: pa.DataType, expected: list[Any]) -> None:
    log = column(values, folder=tmp_path)
    assert (log.type_of("x"), log.column("p_x")) == (kind, expected)
    assert log.refused.total == 0


def test_a_type_is_decided_on_the_first_block_and_misfits_stay_text(tmp_path: Path) -> None:
    log = column(["1", "2", "many", "3"], folder=tmp_path, block_rows=3)
    assert log.column("p_x") == [1, 2, None, 3]
    assert log.column("properties_json") == [None, None, '{"x":"many"}', None]


def test_an_empty_column_is_decided_when_it_has_values(tmp_path: Path) -> None:
    log = column(["", "", "", "2.5"], folder=tmp_path, block_rows=2)
    assert log.column("p_x") == [None, None, None, 2.5]


def test_declared_types(tmp_path: Path) -> None:
    log = column(["1234567890123456.78", "5", "5.005"], folder=tmp_path, property_types={"x": MONEY_TYPE})
    assert log.column("p_x") == [Decimal("1234567890123456.78"), Decimal("5.00"), None]
    assert log.column("properties_json")[2] == '{"x":"5.005"}'
    text = column(["1", "2"], folder=tmp_path, property_types={"x": pa.string()})
    assert text.column("p_x") == ["1", "2"]
    with pytest.raises(FieldError, match=r"property_types\[x\] is .*date32.*allowed"):
        column(["1"], folder=tmp_path, property_types={"x": pa.date32()})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_by_themselves(tmp_path: Path, delimiter: str) -> None:
    text = f"{HEAD},x\n{ROW},1\n{ROW},2\n".replace(",", delimiter)
    assert Log(write(tmp_path / "a.csv", text)).column("p_x") == [1, 2]


def test_a_delimiter_of_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user;event;time,x\nu;e;2026-01-05,1\n")
    log = Log(path, ["time=time,x:%Y-%m-%d,1"], FileOptions(delimiter=";"))
    assert log.column("user") == ["u"]
    with pytest.raises(FieldError, match=r"--delimiter is \":\"; allowed: ','"):
        Log(path, options=FileOptions(delimiter=":"))


def test_a_file_without_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", " 0001  19970101   2  29.33\r\n 0001 19970118 2 29.73\r\n")
    options = FileOptions(columns=("id", "date", "quantity", "amount"))
    log = Log(path, ["user=id", "event==order", "time=date:%Y%m%d"], options)
    assert log.column("user") == ["0001", "0001"]
    assert log.column("p_amount") == [29.33, 29.73]


def test_a_table_without_users_or_times(tmp_path: Path) -> None:
    path = write(tmp_path / "calls.csv.gz", "age;y\n58;no\n44;yes\n")
    log = Log(path, ["user=#", "event==contact", "time=@2012-01-01T00:00:00+08:00"])
    assert [record["user"] for record in log.events] == ["calls.csv.gz#2", "calls.csv.gz#3"]
    assert {(record["event"], record["time"]) for record in log.events} == {
        ("contact", "2011-12-31T16:00:00Z")
    }


REFUSED = [
    pytest.param("u-1,open", "another number of fields", id="too few fields"),
    pytest.param(ROW + ",1,2", "another number of fields", id="too many fields"),
    pytest.param('"u-1,open,2026', "a quote that is never closed", id="open quote"),
    pytest.param('"u-1"x,open,2026-01-05,1', "text after a closing quote", id="text after a quote"),
    pytest.param("u-1,o\rpen,2026-01-05,1", "a carriage return inside a line", id="stray return"),
    pytest.param(",open,2026-01-05,", "no user", id="no user"),
    pytest.param("null,open,2026-01-05,", "junk id", id="junk id"),
    pytest.param("u,,2026-01-05,", "no event name", id="no event"),
    pytest.param("u,open,,", "no time", id="no time"),
    pytest.param("u,open,20260105,", "the time is no instant", id="a date without format"),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_a_refused_row_is_counted_and_the_rest_loads(tmp_path: Path, line: str, reason: str) -> None:
    log = Log(write(tmp_path / "a.csv", f"{HEAD},x\n{ROW},1\n{line}\n{ROW},2\n{ROW},3\n"))
    assert log.column("p_x") == [1, 2, 3]
    assert [reason in example.reason for example in log.refused.examples] == [True]
    assert log.refused.examples[0].number == 3


def test_line_numbers_count_line_breaks_in_quotes(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.csv", f'{HEAD},x\n{ROW},"a\nb"\nu,open,never,1\n'))
    assert [(one.number, one.reason[:8]) for one in log.refused.examples] == [(4, "the time")]
    assert log.blocks[-1].rows_read == 4


def test_blank_lines_and_delimiters_at_the_end_are_nothing(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.csv", f"\ufeff{HEAD}\n\n{ROW},\n,,\n{ROW}"))
    assert (len(log.table), log.refused.total) == (2, 0)


def test_wrong_encoding_refuses_its_line(tmp_path: Path) -> None:
    text = f"{HEAD},x\n{ROW},1\n".encode() + f"{ROW},张\n".encode("gb18030") + f"{ROW},2\n{ROW},3\n".encode()
    log = Log(write(tmp_path / "a.csv", text))
    assert (log.column("p_x"), log.reasons) == ([1, 2, 3], {"text in another encoding": 1})


@pytest.mark.parametrize("header", [f"{HEAD},城市", f"{HEAD},city"], ids=["header", "rows"])
def test_a_declared_encoding_is_read(tmp_path: Path, header: str) -> None:
    path = write(tmp_path / "a.csv", f"{header}\n{ROW},重庆\n{ROW},北京\n{ROW},上海\n".encode("gb18030"))
    log = Log(path, options=FileOptions(encoding="gb18030"))
    assert log.column(f"p_{header.split(',')[-1]}") == ["重庆", "北京", "上海"]
    with pytest.raises(InputError, match=r"another encoding; it is not UTF-8 text, try --encoding gb18030"):
        Log(path)
    with pytest.raises(FieldError, match=r"--encoding is \"latin-1\"; allowed: utf-8 or gb18030"):
        Log(path, options=FileOptions(encoding="latin-1"))


def test_names_of_columns(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "a.csv", f",{HEAD},x,x\n0,{ROW},1,2\n"))
    assert log.table.schema.names == ["user", "event", "time", "p_column_1", "p_x", "p_x_2"]
    with pytest.raises(InputError, match=r'no column "user"; the nearest: "usr"; .*--map user=COLUMN'):
        Log(write(tmp_path / "b.csv", "usr,event,time\n"))


def test_properties_in_a_column_of_objects(tmp_path: Path) -> None:
    rows = f'{HEAD},properties\n{ROW},"{{""city"": ""渝"", ""n"": 1}}"\n{ROW},\n{ROW},{{\n'
    log = Log(write(tmp_path / "a.csv", rows))
    assert (log.column("p_city"), log.column("p_n")) == (["渝", None], [1, None])
    assert log.reasons == {"properties is no object": 1}


def test_empty_files_are_empty_logs(tmp_path: Path) -> None:
    assert len(Log(write(tmp_path / "a.csv", "")).table) == 0
    assert len(Log(write(tmp_path / "a.csv", f"{HEAD}\n")).table) == 0


FIELDS = st.text(st.sampled_from('ab1.,;"\n é'), max_size=6)


@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=30), st.integers(1, 40))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], block_rows: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["user", "event", "time", "x", "y"])
    writer.writerows(["u", "e", n, *row] for n, row in enumerate(rows))
    text_types = {"x": pa.string(), "y": pa.string()}
    path = write(tmp_path_factory.mktemp("log") / "a.csv", out.getvalue())
    log = Log(path, block_rows=block_rows, property_types=text_types, options=FileOptions(delimiter=","))
    assert [(record.get("x", ""), record.get("y", "")) for record in log.events] == rows
    assert log.refused.total == 0


def test_a_large_text_within_the_limit_loads(tmp_path: Path) -> None:
    log = column(["y" * (5 << 20), "y" * (5 << 20) + "y"], folder=tmp_path)
    assert [len(text) for text in log.column("p_x")] == [5 << 20]
    assert log.reasons == {"a text is longer than 5 MiB": 1}


def test_quotes_open_on_every_line_cost_their_lines_only(tmp_path: Path) -> None:
    lines = [f'"u-{n},open,2026-01-05' for n in range(5_000)]
    log = Log(write(tmp_path / "a.csv", "\n".join([HEAD, ROW, *lines, ROW])))
    assert (len(log.table), log.refused.total) == (2, 5_000)
