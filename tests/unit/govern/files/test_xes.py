from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.govern.files.reading import Log, write
from xingji.model.errors import InputError
from xingji.model.event_table import TIME_TYPE

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="unknown"/></global>
  <classifier name="Activity" keys="concept:name"/>
  <string key="concept:name" value="loans"/>
  {traces}
</log>
"""
EVENT = """<event>
  <string key="concept:name" value="{name}"/><date key="time:timestamp" value="{time}"/>{more}
</event>"""


def trace(case: str, *events: str) -> str:
    """One case."""
    attributes = f'<string key="concept:name" value="{case}"/><int key="amount" value="200"/>'
    return f"<trace>{attributes}{''.join(events)}</trace>"


def event(name: str, time: str = "2026-01-05T09:30:00.123+08:00", more: str = "") -> str:
    """One event."""
    return EVENT.format(name=name, time=time, more=more)


def xes(folder: Path, *traces: str, name: str = "a.xes") -> Path:
    """A file of traces."""
    return write(folder / name, LOG.format(traces="".join(traces)))


@pytest.mark.parametrize("name", ["a.xes", "a.xes.gz", "a.xml"])
def test_traces_are_users(tmp_path: Path, name: str) -> None:
    log = Log(
        xes(tmp_path, trace("c-1", event("open"), event("开户")), trace("c-2", event("open")), name=name)
    )
    assert [(one["user"], one["event"], one["case:amount"]) for one in log.events] == [
        ("c-1", "open", 200),
        ("c-1", "开户", 200),
        ("c-2", "open", 200),
    ]
    assert log.events[0]["time"] == "2026-01-05T01:30:00.123000Z"


def test_attributes_have_types(tmp_path: Path) -> None:
    more = (
        '<int key="n" value="7"/><float key="rate" value="0.5"/><boolean key="ok" value="true"/>'
        '<date key="due" value="2026-02-01T00:00:00Z"/><id key="ref" value="x-1"/>'
        '<string key="note" value=""/>'
        '<float key="nan" value="NaN"/><int key="bad" value="many"/>'
        '<string key="a"><int key="b" value="1"/></string>'
        '<list key="l"><values><int key="" value="1"/><int key="" value="2"/></values></list>'
        '<container key="c"><string key="k" value="v"/></container>'
    )
    log = Log(xes(tmp_path, trace("c", event("open", more=more))))
    found = {
        name: value for name, value in log.events[0].items() if name not in ("user", "event", "time", "due")
    }
    assert found == {
        "case:amount": 200, "n": 7, "rate": 0.5, "ok": True, "ref": "x-1", "nan": "NaN", "bad": "many",
        "a/b": 1,        "l": [1, 2], "c": {"k": "v"},
    }  # fmt: skip
    assert log.type_of("due") == TIME_TYPE
    assert log.type_of("n") == pa.int64()


def test_blocks_keep_the_order(tmp_path: Path) -> None:
    traces = [trace(f"c-{n}", *(event(f"e-{n}-{k}") for k in range(7))) for n in range(50)]
    log = Log(xes(tmp_path, *traces), block_rows=100)
    assert log.column("event") == [f"e-{n}-{k}" for n in range(50) for k in range(7)]
    assert [block.rows_read for block in log.blocks] == [100, 200, 300, 350]


def test_other_names_by_mapping(tmp_path: Path) -> None:
    more = '<string key="org:resource" value="clerk"/>'
    log = Log(xes(tmp_path, trace("c", event("open", more=more))), ["user=org:resource"])
    assert (log.column("user"), log.column("p_case:concept:name")) == (["clerk"], ["c"])


def test_events_that_are_none_are_counted(tmp_path: Path) -> None:
    log = Log(
        xes(
            tmp_path,
            trace("c", event("open"), event("open", time="never"), event("")),
            trace("null", event("x")),
        )
    )
    assert log.reasons == {
        "the time is no instant of the years 1 to 9999": 1,
        "no event name": 1,
        "junk id": 1,
    }
    assert [example.number for example in log.refused.examples] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            LOG.format(traces=trace("c", event("e")))[:-40],
            r"line \d+: broken XML.*the 0 events before it",
            id="cut",
        ),
        pytest.param("<log><trace></log>", r"line 1: broken XML: mismatched tag", id="tags"),
        pytest.param(
            '<!DOCTYPE log [<!ENTITY a "b">]><log>&a;</log>',
            r"declares a document type or entities",
            id="entities",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="nonsense"?><log/>',
            r"broken XML: unknown encoding|cannot be read",
            id="encoding",
        ),
        pytest.param("<log><trace><event>" + '<list key="a">' * 100, r"nested deeper than 64", id="nesting"),
        pytest.param('<log><trace a="' + "b" * (17 << 20), r"an element of more than 16 MiB", id="element"),
        pytest.param(
            '<log><trace><event><string key="a" value="b"/></event></trace></log>',
            r'no column "case:concept:name"',
            id="columns",
        ),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Log(write(tmp_path / "a.xes", text))


def test_what_stands_before_the_break_is_handed_on(tmp_path: Path) -> None:
    from xingji.govern.files import read_events

    whole = LOG.format(traces="".join(trace(f"c-{n}", event("e")) for n in range(1_000)))
    blocks = read_events(write(tmp_path / "a.xes", whole[: len(whole) // 2]))
    assert 400 < len(next(blocks).table) < 500
    with pytest.raises(InputError, match=r"the 4\d\d events before it are whole"):
        next(blocks)
