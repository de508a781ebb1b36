"""Everything that can be wrong with a question or a file: one clear sentence, status 2, nothing on stdout."""

from __future__ import annotations

import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.command import Commands

LOG = "user,event,time,channel\nu1,view,2026-01-05T09:00:00Z,app\nu1,apply,2026-01-05T09:02:00Z,app\n"
FUNNEL: dict[str, Any] = {"kind": "funnel", "steps": [{"event": "view"}, {"event": "apply"}]}
NESTED = '{"not":' * 100 + "{}" + "}" * 100


def told(xingji: Commands, *words: str, stdin: str | bytes = b"", **variables: str) -> str:
    """The one sentence of a command that is at fault."""
    done = xingji.here(*words, stdin=stdin, **variables)
    assert (done.status, done.out) == (2, ""), done.err
    (sentence,) = done.err.splitlines()
    assert sentence.startswith("error: ")
    return sentence.removeprefix("error: ")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        pytest.param("", "the query is not JSON: Expecting value at line 1, column 1", id="nothing"),
        pytest.param("{", "the query is not JSON", id="broken"),
        pytest.param(b'{"kind": "\xff"}', "the query is not UTF-8 text", id="wrong encoding"),
        pytest.param("[]", "the document is []; allowed: a query such as", id="no object"),
        pytest.param('{"kind": "funnel", "kind": "trend"}', 'names "kind" twice', id="a name twice"),
        pytest.param("[" * 100_000, "nested too deeply", id="nested"),
        pytest.param(
            json.dumps(FUNNEL)[:-1] + f', "filter": {NESTED}}}',
            "nested too deeply; at most 64",
            id="deep filter",
        ),
        pytest.param('{"kind": "funel"}', 'kind is "funel"; allowed: trend | funnel', id="kind"),
        pytest.param(FUNNEL | {"wndow": 1}, 'unknown field "wndow"; the nearest: window', id="field"),
        pytest.param(FUNNEL | {"steps": []}, "steps has 0 items; allowed: 1 to 30", id="no steps"),
        pytest.param(
            FUNNEL | {"steps": [{"event": "a"}] * 10_000}, "steps has 10000 items", id="10,000 steps"
        ),
        pytest.param(
            FUNNEL | {"window": {"value": 0, "unit": "day"}}, "window.value is 0", id="window of zero"
        ),
        pytest.param(FUNNEL | {"window": "7d"}, 'window is "7d"', id="wrong type"),
        pytest.param(
            FUNNEL | {"exclusions": [{"event": "x", "from_step": 1, "to_step": 9}]},
            "exclusions[0].to_step is 9; allowed: a whole number from 2 to 2",
            id="exclusion outside the steps",
        ),
        pytest.param(
            FUNNEL | {"breakdown": ["event.chanel"]},
            'names the unknown event property "event.chanel"; the nearest: event.channel',
            id="unknown property",
        ),
        pytest.param(
            FUNNEL | {"filter": {"property": "event.channel", "op": "regex", "value": "(a{1000}){1000}"}},
            "filter.value is",
            id="exploding regex",
        ),
        pytest.param(
            FUNNEL | {"filter": {"property": "event.channel", "op": "=", "value": "\ud800"}},
            "half of a surrogate pair",
            id="half a character",
        ),
        pytest.param(FUNNEL | {"timezone": "Asia/Shangai"}, "the nearest: Asia/Shanghai", id="timezone"),
        pytest.param(FUNNEL | {"date_from": "2026-02-30"}, "date_from is", id="no such day"),
        pytest.param(
            FUNNEL | {"date_from": "2026-01-02", "date_to": "2026-01-01"},
            "is before date_from",
            id="turned round",
        ),
        pytest.param(FUNNEL | {"breakdown_limit": 10**30}, "breakdown_limit is", id="huge number"),
        pytest.param(
            {
                "kind": "trend",
                "series": [{"event": "*"}],
                "interval": "minute",
                "date_from": "2000-01-01",
                "date_to": "2026-01-01",
            },
            "interval",
            id="too many buckets",
        ),
        pytest.param(
            {"kind": "trend", "series": [{"event": "*"}], "formula": "A / B"}, "formula is", id="formula"
        ),
    ],
)
def test_questions(question: Any, sentence: str, xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    text = json.dumps(question) if isinstance(question, dict) else question
    assert sentence in told(xingji, "query", "-", "--events", "log.csv", stdin=text)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("a.csv", b"x,y\n1,2\n", 'a.csv: there is no column "user"', id="no columns of ours"),
        pytest.param(
            "a.csv.gz", gzip.compress(LOG.encode() * 50)[:-30], "in the middle", id="truncated gzip"
        ),
        pytest.param("a.parquet", b"PAR1 and no more", "it is no whole Parquet file", id="truncated Parquet"),
        pytest.param("a.xes", b"<log><trace>", "a.xes", id="truncated XES"),
    ],
)
def test_files(name: str, content: bytes, sentence: str, xingji: Commands) -> None:
    xingji.write(name, content)
    assert sentence in told(xingji, "query", "-", "--events", name, stdin=json.dumps(FUNNEL))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["--map", "user"], '--map is "user"; allowed: field=column', id="no column"),
        pytest.param(["--map", "usr=a"], "the nearest: user", id="no field"),
        pytest.param(["--map", "user=custmer"], 'there is no column "custmer"', id="no such column"),
        pytest.param(["--type", "amount=euro"], "--type is", id="no type"),
        pytest.param(["--type", "a=text", "--type", "a=money"], "--type gives a two types", id="two types"),
        pytest.param(["--encoding", "latin1"], "--encoding is", id="encoding"),
        pytest.param(["--input-format", "xlsx"], "--input-format is", id="format"),
        pytest.param(["--format", "xml"], "--format: invalid choice", id="output"),
        pytest.param(["--evnts"], "unrecognized arguments: --evnts", id="unknown option"),
    ],
)
def test_options(words: list[str], sentence: str, xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    assert sentence in told(xingji, "query", "-", "--events", "log.csv", *words, stdin=json.dumps(FUNNEL))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["qery"], "there is no command 'qery'; the nearest: query", id="command"),
        pytest.param(["query"], "the following arguments are required: Q.json", id="no question"),
        pytest.param(
            ["query", "absent.json"], "absent.json: the question cannot be read", id="no such question"
        ),
        pytest.param(["query", "."], ".: the question cannot be read", id="a folder as question"),
        pytest.param(
            ["query", "q.json", "--events", "absent.csv"], "absent.csv: there is no such file", id="log"
        ),
        pytest.param(["query", "q.json", "--events", "."], ".: it is a folder", id="a folder as log"),
        pytest.param(["query", "q.json"], "holds no project 'default'", id="nothing loaded"),
        pytest.param(["query", "q.json", "--map", "user=a"], "belong to --events", id="mapping of a lake"),
        pytest.param(["query", "q.json", "--project", "../x"], '--project is "../x"', id="project name"),
        pytest.param(
            ["query", "q.json", "--project", "X" * 50], "1 to 40 of the letters", id="project length"
        ),
        pytest.param(["import"], "xingji import needs a file", id="nothing to import"),
        pytest.param(["import", "absent.csv"], "absent.csv: there is no such file", id="import of nothing"),
        pytest.param(["compact"], "holds no project 'default'", id="compact"),
        pytest.param(["erase"], "--user", id="erase whom"),
        pytest.param(["erase", "--user", "u1"], "holds no project 'default'", id="erase from nothing"),
        pytest.param(
            ["simulate", "--events", "10"], "--events is 10; allowed: 20000 to", id="too few events"
        ),
        pytest.param(["simulate", "--today", "soon"], '--today is "soon"', id="today"),
        pytest.param(["simulate", "--out", "bank.xlsx"], "a name that ends in .parquet", id="output format"),
        pytest.param(["simulate", "--out", "no/bank.csv"], "no: there is no such folder", id="output folder"),
        pytest.param(["simulate", "--users", "no/u.csv"], "no: there is no such folder", id="users' folder"),
        pytest.param(
            ["simulate", "--truth", "no/t.json"], "no: there is no such folder", id="truth's folder"
        ),
        pytest.param(
            ["simulate", "--out", "a.csv", "--truth", "."], ".: it is a folder", id="a folder as truth"
        ),
        pytest.param(
            ["simulate", "--out", "a.csv", "--users", "./a.csv"],
            "must be different files",
            id="one over another",
        ),
        pytest.param(["simulate", "--seed", "-1"], "--seed is -1; allowed: 0 to", id="seed"),
        pytest.param(
            ["simulate", "--today", "0001-01-01"], "--today is 0001-01-01; allowed: 1990", id="year 1"
        ),
        pytest.param(["import", "/dev/null"], "it is no file on a disk", id="import of a device"),
    ],
)
def test_commands(words: list[str], sentence: str, xingji: Commands) -> None:
    xingji.write("q.json", json.dumps(FUNNEL))
    assert sentence in told(xingji, *words)
    assert [path.name for path in xingji.folder.iterdir() if path.name != "home"] == ["q.json"]


def test_it_is_the_same_in_a_process_of_its_own(xingji: Commands) -> None:
    done = xingji("query", "-", stdin="{")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: the query is not JSON")


def test_a_question_without_end_is_not_read(xingji: Commands) -> None:
    assert "a question of more than 16 MiB" in told(xingji, "query", "-", stdin=b" " * (17 << 20))


def test_a_pipe_is_imported_by_nobody_and_asked_by_all(xingji: Commands) -> None:
    pipe = xingji.folder / "pipe.csv"
    os.mkfifo(pipe)
    assert "an import reads it twice; save it first" in told(xingji, "import", "pipe.csv")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pipe.write_text, LOG)
        answer = xingji.ask(FUNNEL, "--events", "pipe.csv")
    assert [step["count"] for step in answer["groups"][0]["steps"]] == [1, 1]


def test_settings(xingji: Commands) -> None:
    assert told(xingji, "version", XINGJI_THREADS="all").startswith('XINGJI_THREADS is "all"; allowed:')


def test_a_log_beyond_the_memory_bound_is_refused(xingji: Commands) -> None:
    row = "u{n},a,2026-01-01T00:00:00Z," + "{n:0400}\n"
    xingji.write("log.csv", "user,event,time,x\n" + "".join(row.format(n=n) for n in range(200_000)))
    sentence = told(
        xingji, "query", "-", "--events", "log.csv", stdin=json.dumps(FUNNEL), XINGJI_MEMORY_MIB="64"
    )
    assert "its bound is 64 MiB; load the files with `xingji import`" in sentence


def test_a_broken_line_in_the_middle_is_left_out_and_told(xingji: Commands) -> None:
    lines = [
        '{"user": "u1", "event": "view", "time": 1}',
        "{broken",
        '{"user": "u1", "event": "apply", "time": 2}',
    ]
    xingji.write("log.ndjson", "\n".join(lines) + "\n")
    done = xingji.here("query", "-", "--events", "log.ndjson", stdin=json.dumps(FUNNEL))
    assert done.status == 0
    assert [step["count"] for step in done.json["groups"][0]["steps"]] == [1, 1]
    assert done.err.startswith("note: refused 1 of 3 rows: ")
    assert "row 2" in done.err


@pytest.mark.parametrize("value", ["\\u0000", "\\ud83d\\ude00", "x" * 9_000])
def test_strange_texts_are_only_values(value: str, xingji: Commands) -> None:
    xingji.write("log.csv", LOG)
    question = (
        json.dumps(FUNNEL)[:-1]
        + f', "filter": {{"property": "event.channel", "op": "=", "value": "{value}"}}}}'
    )
    done = xingji.here("query", "-", "--events", "log.csv", stdin=question)
    assert done.status == 0, done.err
    assert [step["count"] for step in done.json["groups"][0]["steps"]] == [0, 0]
