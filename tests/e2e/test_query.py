"""Questions of files: the answers, the formats, and what is said beside them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.command import Commands
from xingji.app.terminal import Terminal
from xingji.lake.memory import MemorySnapshot

LOG = """\
user,event,time,channel,amount
u1,view,2026-01-05T09:00:00+08:00,app,
u1,apply,2026-01-05T09:02:00+08:00,app,1000.50
u1,submit,2026-01-06T10:00:00+08:00,app,1000.50
u2,view,2026-01-05T11:00:00+08:00,h5,
u2,apply,2026-01-05T11:05:00+08:00,h5,200
u3,view,2026-01-06T11:00:00+08:00,h5,
"""
FUNNEL = {"kind": "funnel", "steps": [{"event": "view"}, {"event": "apply"}, {"event": "submit"}]}
TREND = {"kind": "trend", "series": [{"event": "*"}], "interval": "total"}


def counts(result: dict[str, object]) -> list[int]:
    (group,) = result["groups"]  # type: ignore[misc]
    return [step["count"] for step in group["steps"]]  # type: ignore[index]


def as_ndjson(log: str) -> str:
    names, *rows = (line.split(",") for line in log.splitlines())
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("log.csv", LOG.encode(), id="CSV"),
        pytest.param("log.csv.gz", gzip.compress(LOG.encode()), id="CSV, gzipped"),
        pytest.param("log.ndjson", as_ndjson(LOG).encode(), id="NDJSON"),
        pytest.param("log.jsonl.gz", gzip.compress(as_ndjson(LOG).encode()), id="NDJSON, gzipped"),
        pytest.param("log", LOG.replace(",", "\t").encode(), id="no ending, tabs"),
    ],
)
def test_formats(name: str, content: bytes, xingji: Commands) -> None:
    xingji.write(name, content)
    assert counts(xingji.ask(FUNNEL, "--events", name)) == [3, 2, 1]


def test_several_files_are_one_log(xingji: Commands) -> None:
    head, *rows = LOG.splitlines(keepends=True)
    first = xingji.write("1.csv", head + "".join(rows[:4]))
    second = xingji.write("2.csv", head + "".join(rows[4:]))
    assert counts(xingji.ask(FUNNEL, "--events", first, second)) == [3, 2, 1]


def test_the_question_in_a_file(xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    xingji.write("q.json", json.dumps(FUNNEL))
    done = xingji("query", "q.json", "--events", "log.csv")
    assert (done.status, done.err, counts(done.json)) == (0, "", [3, 2, 1])


def test_mapping(xingji: Commands) -> None:
    xingji.write("log.csv", "case;what;at\nA;view;05/01/2026 09:00\nA;apply;05/01/2026 10:00\n")
    words = ("--map", "user=case", "--map", "event=what", "--map", "time=at:%d/%m/%Y %H:%M")
    steps = {"steps": [{"event": "view"}, {"event": "apply"}]}
    assert counts(xingji.ask(FUNNEL | steps, "--events", "log.csv", *words)) == [1, 1]


def test_decimals_are_exact(xingji: Commands) -> None:
    amounts = [Decimal("0.10"), Decimal("0.20"), Decimal("9999999999999999.99")] * 3
    columns = {
        "user": ["u"] * 9,
        "event": ["pay"] * 9,
        "time": list(range(9)),
        "amount": pa.array(amounts, pa.decimal128(18, 2)),
    }
    pq.write_table(pa.table(columns), xingji.folder / "log.parquet")
    question = TREND | {"series": [{"event": "pay", "measure": {"sum": "event.amount"}}]}
    assert xingji.ask(question, "--events", "log.parquet")["series"][0]["total"] == sum(amounts)


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        pytest.param(["0.10"] * 3 + ["0.20"], Decimal("0.5"), id="cents"),
        pytest.param(["9999999999999999.99", "0.01"], Decimal(10**16), id="more than a double holds"),
    ],
)
def test_money_of_a_csv_adds_up(amounts: list[str], total: Decimal, xingji: Commands) -> None:
    rows = "".join(f"u,pay,{at},{amount}\n" for at, amount in enumerate(amounts))
    xingji.write("log.csv", "user,event,time,amount\n" + rows)
    question = TREND | {"series": [{"event": "pay", "measure": {"sum": "event.amount"}}]}
    words = ("--type", "amount=money")
    assert xingji.ask(question, "--events", "log.csv", *words)["series"][0]["total"] == total
    assert xingji.here("import", "log.csv", *words).status == 0
    assert xingji.ask(question)["series"][0]["total"] == total


def test_the_lake_keeps_the_types_it_has(xingji: Commands) -> None:
    xingji.write("1.csv", "user,event,time,amount\nu,pay,1,0.5\n")
    xingji.write("2.csv", "user,event,time,amount\nu,pay,2,0.5\n")
    xingji.here("import", "1.csv")
    done = xingji.here("import", "2.csv", "--type", "amount=money")
    assert (done.status, done.out) == (2, "")
    assert "--type amount differs from what the lake holds it as, double" in done.err


def test_properties_of_users(xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    users = xingji.write(
        "users.csv", "user,time,city\nu1,2026-01-01T00:00:00Z,重庆\nu2,2026-01-01T00:00:00Z,北京\n"
    )
    question = TREND | {"breakdown": ["user.city"]}
    series = xingji.ask(question, "--events", "log.csv", "--users", users)["series"]
    assert [(line["breakdown"], line["total"]) for line in series] == [
        (["重庆"], 3),
        (["北京"], 2),
        ([None], 1),
    ]


def test_an_empty_log_has_an_answer(xingji: Commands) -> None:
    xingji.write("log.csv", "user,event,time\n")
    done = xingji.here("query", "-", "--events", "log.csv", stdin=json.dumps(FUNNEL))
    assert (done.status, counts(done.json)) == (0, [0, 0, 0])


def test_refused_rows_are_told_in_one_line(xingji: Commands) -> None:
    xingji.write("log.csv", LOG + "u4,view,yesterday,app,\nu4,view,,app,\n,view,2026-01-05T11:00:00Z,app,\n")
    done = xingji.here("query", "-", "--events", "log.csv", stdin=json.dumps(FUNNEL))
    assert (done.status, counts(done.json)) == (0, [3, 2, 1])
    (told,) = done.err.splitlines()
    assert told.startswith("note: refused 3 of 9 rows: ")
    assert "1 no time" in told


def test_an_event_that_nobody_did_is_told(xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    question = TREND | {"series": [{"event": "aply"}]}
    done = xingji.here("query", "-", "--events", "log.csv", stdin=json.dumps(question))
    assert (done.status, done.json["series"][0]["total"]) == (0, 0)
    assert done.err == 'note: no event is named "aply"; the nearest: apply\n'


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        pytest.param(FUNNEL, "1 view", id="funnel"),
        pytest.param(FUNNEL | {"view": "time_to_convert"}, "1 converted", id="time to convert"),
        pytest.param(FUNNEL | {"view": "trend"}, "2026-01-05", id="funnel trend"),
        pytest.param(FUNNEL | {"view": "users", "step": 2}, "1 to 2 of 2 users", id="users"),
        pytest.param(TREND, "2026-01-05   6", id="trend"),
        pytest.param(
            {"kind": "retention", "start": {"event": "view"}, "return": {"event": "*"}}, "all", id="retention"
        ),
        pytest.param({"kind": "paths"}, "1_view", id="paths"),
    ],
)
def test_tables_for_people(question: object, shown: str, xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    done = xingji.here("query", "-", "--events", "log.csv", "--format", "table", stdin=json.dumps(question))
    assert (done.status, done.err) == (0, "")
    assert shown in done.out
    assert "\x1b" not in done.out


def test_a_reader_that_leaves_is_no_error(xingji: Commands) -> None:
    xingji.write("log.csv", "user,event,time\n" + "".join(f"u{n},a,{n}\n" for n in range(100_000)))
    question = {"kind": "funnel", "steps": [{"event": "a"}], "users_of": {"limit": 100_000}}
    process = xingji.start("query", xingji.write("q.json", json.dumps(question)), "--events", "log.csv")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()
    process.stderr.close()


def test_a_bar_stands_while_events_are_put_in_order(
    xingji: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    doing: list[str] = []
    build = MemorySnapshot.from_table

    @contextmanager
    def progress(_: Terminal, what: str, *__: object) -> Iterator[Callable[[float], None]]:
        doing.append(what)
        yield lambda _: None
        doing.remove(what)

    def from_table(*given: object) -> MemorySnapshot:
        assert doing == ["Putting events in order"]
        return build(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Terminal, "progress", progress)
    monkeypatch.setattr(MemorySnapshot, "from_table", from_table)
    xingji.write("log.csv", LOG)
    assert counts(xingji.ask(FUNNEL, "--events", "log.csv")) == [3, 2, 1]


def test_a_file_without_rows_is_told(xingji: Commands) -> None:
    xingji.write("log.csv", "")
    done = xingji.here("query", "-", "--events", "log.csv", stdin=json.dumps(TREND))
    assert (done.status, done.err) == (0, "note: log.csv holds no rows\n")
