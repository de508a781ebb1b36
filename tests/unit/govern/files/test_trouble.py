"""Files that are broken, cut, mislabelled or made to hurt: one clear message each, and bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.govern.files.reading import Log, event, write
from xingji.govern.files import FileOptions, read_events
from xingji.govern.files import lines as lines_module
from xingji.govern.files.file_format import FORMATS
from xingji.govern.files.lines import LineReader
from xingji.govern.files.source import Source
from xingji.model.errors import FieldError, InputError, XingjiError

LINE = json.dumps(event())


def many_lines(n_lines: int) -> bytes:
    """Lines that hardly compress."""
    return "".join(json.dumps(event(f"u-{n * 7919 % 100_003}", n=n)) + "\n" for n in range(n_lines)).encode()


def parquet_bytes() -> bytes:
    """A small Parquet file."""
    out = io.BytesIO()
    columns = {"user": ["u"] * 9, "event": ["e"] * 9, "time": [0] * 9, "x": [f"v{n}" for n in range(9)]}
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_files_read_alike_whatever_their_name(tmp_path: Path, kind: str) -> None:
    data = many_lines(5_000)
    path = tmp_path / "log.ndjson"
    path.write_bytes(COMPRESS[kind](data[:100_007]) + COMPRESS[kind](data[100_007:]))
    log = Log(path)
    assert log.column("p_n") == list(range(5_000))
    assert log.blocks[-1].bytes_read == log.blocks[-1].total_bytes == path.stat().st_size


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize(
    ("name", "options"), [("a.ndjson", None), ("a.csv", FileOptions(format="csv"))], ids=["ndjson", "csv"]
)
def test_a_file_that_breaks_off_gives_what_is_whole_and_says_where(
    tmp_path: Path, kind: str, name: str, options: FileOptions | None
) -> None:
    data = many_lines(50_000) if name == "a.ndjson" else b"user,event,time\n" + b"".join(
        f"u-{n * 7919 % 100_003},e,{n}\n".encode() for n in range(50_000)
    )  # fmt: skip
    packed = COMPRESS[kind](data)
    path = tmp_path / name
    path.write_bytes(packed[: len(packed) // 2])
    blocks = read_events(path, options=options)
    first = next(blocks)
    assert 5_000 < len(first.table) < 50_000
    assert first.refused.total == 0
    with pytest.raises(
        InputError, match=rf"{name}, byte [\d,]+ of [\d,]+: the file ends in the middle .* lines before it"
    ):
        list(blocks)


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(many_lines(50_000))
    path = tmp_path / "a.ndjson"
    path.write_bytes(packed[:100_000] + bytes(1_000) + packed[101_000:])
    with pytest.raises(InputError, match=r"the gzip compression is damaged"):
        list(read_events(path))


def test_what_unfolds_without_end_is_refused_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "BOMB_BYTES", 256 << 20)
    path = tmp_path / "bomb.ndjson.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(LINE.encode() + b"\n")
        for _ in range(320):
            out.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    blocks = read_events(path)
    assert len(next(blocks).table) == 1
    with pytest.raises(InputError, match=r"line 2: a line of more than"):
        list(blocks)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_a_long_line_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson.gz", f"{LINE}\n{{" + "x" * (40 << 20) + f"}}\n{LINE}\n")
    log = Log(path)
    assert (len(log.table), log.reasons) == (2, {"a line of more than 16 MiB": 1})
    assert log.refused.examples[0].number == 2


@pytest.mark.parametrize("max_lines", [1, 3, 1_000])
def test_lines_are_cut_at_their_ends(tmp_path: Path, max_lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 10)
    texts = [b"a" * n for n in range(20)] + [b"", b"z"]
    path = write(tmp_path / "a.txt", b"\r\n".join(texts))
    with Source(path) as source:
        reader, found = LineReader(source), []
        while (chunk := reader.take(max_lines)) is not None:
            assert chunk.first_line == len(found) + 1
            assert chunk.n_lines == len(chunk.lines()) <= max_lines
            found += chunk.lines()
    assert found == texts


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, r"there is no such file", id="absent"),
        pytest.param(lambda path: path.mkdir(), r"it is a folder", id="folder"),
        pytest.param(
            lambda path: path.write_bytes(LINE.encode("utf-16")),
            r"the text is UTF-16; save it as UTF-8",
            id="UTF-16",
        ),
        pytest.param(lambda path: path.write_bytes(b"\x1f\x8b rest"), r"compress", id="no gzip after all"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "a.ndjson"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        list(read_events(path))


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.csv", "a.tsv", "a.xes", "a.log", "a"])
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_an_empty_text_is_an_empty_log(tmp_path: Path, name: str, zipped: bool) -> None:
    log = Log(write(tmp_path / (name + ".gz" * zipped), ""))
    assert (len(log.table), log.refused.total, len(log.blocks)) == (0, 0, 1)
    assert log.table.schema.names == ["user", "event", "time"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.txt", LINE, id="NDJSON by its contents"),
        pytest.param("a.txt", "user,event,time\nu-1,open,2026-01-05\n", id="CSV by its contents"),
        pytest.param("events", "user\tevent\ttime\nu-1\topen\t2026-01-05\n", id="tabs"),
    ],
)
def test_formats_are_told_by_their_contents(tmp_path: Path, name: str, text: str) -> None:
    assert Log(write(tmp_path / name, text)).column("user") == ["u-1"]


def test_a_format_of_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LINE)
    assert Log(path, options=FileOptions(format="ndjson")).column("user") == ["u-1"]
    with pytest.raises(
        FieldError, match=r"--input-format is \"xml\"; allowed: ndjson, csv, parquet, xes, access_log"
    ):
        Log(path, options=FileOptions(format="xml"))


def test_times_at_both_ends_and_mixed_offsets(tmp_path: Path) -> None:
    times = [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-03-29T01:59:59+01:00",
        "2026-03-29T03:00:00+02:00",
    ]
    log = Log(write(tmp_path / "a.ndjson", [event(time=time) for time in times]))
    assert [record["time"] for record in log.events] == [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-03-29T00:59:59Z",
        "2026-03-29T01:00:00Z",
    ]


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv"])
def test_reading_goes_on_after_any_block(tmp_path: Path, name: str) -> None:
    data = many_lines(1_000).decode() if name == "a.ndjson" else "user,event,time,n\n" + "".join(
        f"u-{n % 17},e,{n + 1},{n}\n" for n in range(1_000)
    )  # fmt: skip
    path = write(tmp_path / name, data)
    whole = list(read_events(path, block_rows=100))
    for at, block in enumerate(whole[:-1]):
        rest = list(read_events(path, block_rows=100, skip_rows=block.rows_read))
        assert [one.table for one in rest] == [one.table for one in whole[at + 1 :]]
        assert [one.rows_read for one in rest] == [one.rows_read for one in whole[at + 1 :]]
    assert list(read_events(path, block_rows=100, skip_rows=whole[-1].rows_read)) == []


def test_lines_that_end_in_carriage_returns_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lines end in carriage returns; save it with line feeds"):
        Log(write(tmp_path / "a.csv", "user,event,time\ru,e,0\r"))


def message_of(path: Path, options: FileOptions | None = None) -> str | None:
    """What a file's reader says of it; None if it could read it."""
    try:
        Log(path, options=options)
    except XingjiError as fault:
        return str(fault)
    return None


SEEDS = {
    "a.ndjson": many_lines(3),
    "a.csv": b'user,event,time,x\nu,e,2026-01-05,"a""b\nc"\nu,e,0,1\n',
    "a.xes": b'<log><trace><string key="concept:name" value="c"/><event>'
    b'<string key="concept:name" value="e"/>'
    b'<date key="time:timestamp" value="2026-01-05T00:00:00Z"/></event></trace></log>',
    "a.log": b'1.1.1.1 - - [17/May/2015:10:05:03 +0200] "GET / HTTP/1.1" 200 5\n' * 2,
    "a.ndjson.gz": gzip.compress(many_lines(3), mtime=0),
    "a.ndjson.zst": zstandard.compress(many_lines(3)),
    "a.parquet": parquet_bytes(),
}


@pytest.mark.parametrize("name", SEEDS)
@given(edits=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3)), max_size=3))
def test_whatever_is_in_a_file_the_message_is_clear(
    tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[int, bytes]]
) -> None:
    data = SEEDS[name]
    for at, piece in edits:
        at %= len(data) + 1
        data = data[:at] + piece + data[at + len(piece) + (len(piece) == 0) :]
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(data)
    said = message_of(path)
    assert said is None or (said.startswith(name) and "\n" not in said)


@pytest.mark.parametrize("kind", FORMATS)
@given(data=st.binary(max_size=200))
def test_whatever_a_file_is_taken_for_the_message_is_clear(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a"
    path.write_bytes(data)
    said = message_of(path, FileOptions(format=kind))
    assert said is None or (said.startswith("a") and "\n" not in said)
