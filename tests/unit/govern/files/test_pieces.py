"""Lines that other processes decode make the same log as lines decoded here."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.govern.files.reading import Log, event, write
from xingji.adapters.processes import ProcessRunner
from xingji.govern.files import FileOptions, lines, pieces, read_events
from xingji.govern.files.reading import worth_processes
from xingji.model.errors import InputError, LostProcessError
from xingji.model.event_table import MONEY_TYPE

pytestmark = pytest.mark.slow
CHUNK_BYTES = 2_000


@pytest.fixture(scope="module")
def runner() -> Iterator[ProcessRunner]:
    with ProcessRunner(2, [pieces.DECODING]) as made:
        yield made


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "CHUNK_BYTES", CHUNK_BYTES)


def _lines(records: Iterable[Any]) -> list[str]:
    return [json.dumps(one, ensure_ascii=False) for one in records]


def _usual(n: int = 1_000) -> list[str]:
    return _lines(event(user=f"u-{at % 7}", name=f"e{at % 3}", n=at, city="渝中") for at in range(n))


def _spoilt() -> list[str]:
    found = _usual()
    found[5:5] = ["", "   ", "{", "[1]", '{"user":"u-1"}']
    found[400:400] = ['{"user":"u", "event":"e", "time":"never"}', '"text"', "{}" * 3]
    found[900:900] = [json.dumps(event(deep=json.loads("[" * 70 + "]" * 70))), '{"n": 1e999}', ""]
    return found


def _mixed() -> list[str]:
    values = [1, 2.5, "text", True, None, [1, {"a": 2}], 2**70, -(2**63), {"x": "y"}, 1e300]
    turns = [event(n=at, **{f"p{at % 23}": values[(at * at) % len(values)]}) for at in range(1_500)]
    return _lines(turns)


def _late_types() -> list[str]:
    """Properties that first come in one of several chunks under way, each time with another type."""
    found = _usual()
    for at in range(200, 1_000, 30):
        name = f"late{at // 200}"
        found[at] = json.dumps(event(n=at, **{name: [1, 0.5, "x", True, [1], 2**70][at // 30 % 6]}))
    return found


LOGS = {
    "usual": _usual,
    "spoilt": _spoilt,
    "mixed": _mixed,
    "late types": _late_types,
    "many names": lambda: _lines(event(n=at, **{f"p{at}": at, f"q{at % 90}": "x"}) for at in range(3_000)),
    "native": lambda: _lines(
        {"event": "e", "time": at, "identities": {"login": f"u{at % 9}"}, "properties": {"a": at, "b": None}}
        for at in range(1_767_576_600, 1_767_577_600)
    ),
    "blank beginning": lambda: [""] * 1_200 + _usual(),
}


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS.keys())
@pytest.mark.parametrize(("name", "end"), [("a.ndjson", "\n"), ("a.ndjson.gz", "\r\n")])
def test_processes_change_nothing(
    tmp_path: Path, runner: ProcessRunner, log: Any, name: str, end: str
) -> None:
    path = write(tmp_path / name, end.join(log()))
    here, apart = Log(path, block_rows=300), Log(path, block_rows=300, runner=runner)
    assert apart.events == here.events
    assert apart.refused == here.refused
    assert {name: apart.table.schema.field(name).type for name in apart.table.schema.names} == {
        name: here.table.schema.field(name).type for name in here.table.schema.names
    }
    assert [(len(b.table), b.rows_read, b.refused) for b in apart.blocks] == [
        (len(b.table), b.rows_read, b.refused) for b in here.blocks
    ]


def test_refusals_name_their_lines(tmp_path: Path, runner: ProcessRunner) -> None:
    found = _usual()
    for number in (3, 250, 251, 700):
        found[number - 1] = f"broken {number}"
    log = Log(write(tmp_path / "a.ndjson", "\n".join(found)), block_rows=251, runner=runner)
    told = [(one.number, one.excerpt) for block in log.blocks for one in block.refused.examples]
    assert told == [(number, f"broken {number}") for number in (3, 250, 251, 700)]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_other_encodings(tmp_path: Path, runner: ProcessRunner, encoding: str) -> None:
    text = "\n".join([_usual(1)[0].replace("渝中", "x"), *_usual()])
    path, options = write(tmp_path / "a.ndjson", text.encode("gb18030")), FileOptions(encoding=encoding)
    here, apart = Log(path, options=options), Log(path, options=options, runner=runner)
    assert (apart.events, apart.refused) == (here.events, here.refused)
    assert apart.refused.total == (0 if encoding == "gb18030" else 1_000)


def test_money_stays_exact(tmp_path: Path, runner: ProcessRunner) -> None:
    amounts = [f"{at}.{at % 100:02}" for at in range(10**14, 10**14 + 500)]
    rows = [f'{{"user":"u","event":"e","time":"2026-01-05","amount":{amount}}}' for amount in amounts]
    path = write(tmp_path / "a.ndjson", "\n".join(rows))
    log = Log(path, property_types={"amount": MONEY_TYPE}, runner=runner)
    assert [str(amount) for amount in log.column("p_amount")] == amounts


def test_reading_goes_on_after_any_block(tmp_path: Path, runner: ProcessRunner) -> None:
    path = write(tmp_path / "a.ndjson", "\n".join(_spoilt()))
    whole = Log(path, block_rows=300)
    for at, block in enumerate(whole.blocks[:-1]):
        rest = Log(path, block_rows=300, skip_rows=block.rows_read, runner=runner)
        assert [len(b.table) for b in rest.blocks] == [len(b.table) for b in whole.blocks[at + 1 :]]


def test_a_file_that_breaks_off_gives_what_is_before(tmp_path: Path, runner: ProcessRunner) -> None:
    path = write(tmp_path / "a.ndjson.gz", "\n".join(_usual(9_000)))
    path.write_bytes(path.read_bytes()[:-2_000])
    rows: list[list[int]] = []
    for given in (None, runner):
        rows.append([])
        with pytest.raises(InputError, match="ends in the middle"):
            rows[-1].extend(block.rows_read for block in read_events(path, block_rows=300, runner=given))
    assert rows[0] == rows[1] != []


def test_a_killed_process_is_one_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", "\n".join(_usual(20_000)))
    with ProcessRunner(2) as own:
        blocks = read_events(path, block_rows=300, runner=own)
        next(blocks)
        for number in own.process_ids:
            os.kill(number, signal.SIGKILL)
        with pytest.raises(LostProcessError, match="killed by signal 9"):
            list(blocks)


@pytest.mark.parametrize(("name", "worth"), [("a.ndjson", True), ("a.csv", False), ("a.ndjson.gz", True)])
def test_only_long_ndjson_is_worth_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, worth: bool
) -> None:
    path = write(tmp_path / name, "\n".join(_usual(50)))
    assert not worth_processes(path, FileOptions())
    monkeypatch.setattr("xingji.govern.files.reading.PROCESSES_FROM_BYTES", 500)
    assert worth_processes(path, FileOptions()) is worth
