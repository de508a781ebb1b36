"""What is extreme in a file is the same in a file and in a lake, before and after a compaction."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.command import Commands

TREND: dict[str, Any] = {"kind": "trend", "series": [{"event": "*"}], "interval": "total"}
ROW = '{{"user": "u{n}", "event": "view", "time": "{time}", "x": {x}}}\n'
NOON = "2026-01-05T12:00:00Z"
WIDE = json.dumps({"user": "u", "event": "view", "time": NOON} | {f"p{n}": n for n in range(5_000)}) + "\n"
EXTREMES: dict[str, tuple[str, str]] = {
    "the years 1 and 9999": (
        ROW.format(n=1, time="0001-01-01T00:00:00Z", x=1) + ROW.format(n=1, time="9999-12-31T23:59:59Z", x=2),
        "x",
    ),
    "mixed offsets": (
        ROW.format(n=1, time="2026-01-31T23:30:00-01:00", x=1)
        + ROW.format(n=1, time="2026-02-01T01:30:00+08:00", x=2),
        "x",
    ),
    "what JSON cannot hold": (
        "".join(ROW.format(n=n, time=NOON, x=x) for n, x in enumerate(["NaN", "1e400", "9" * 400, "2.5"])),
        "x",
    ),
    "deep nesting": (
        "".join(ROW.format(n=n, time=NOON, x="[" * depth + "]" * depth) for n, depth in ((1, 100), (2, 60))),
        "x",
    ),
    "a text of 5 MiB": (ROW.format(n=1, time=NOON, x=json.dumps("y" * (5 << 20))), "x"),
    "5,000 properties, a column": (WIDE, "p7"),
    "5,000 properties, none": (WIDE, "p4999"),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_what_is_extreme_in_a_file_is_the_same_in_the_lake(name: str, xingji: Commands) -> None:
    text, asked = EXTREMES[name]
    xingji.write("log.ndjson", text)
    question = TREND | {"breakdown": [f"event.{asked}"], "breakdown_limit": 100}
    done = xingji.here("query", "-", "--events", "log.ndjson", stdin=json.dumps(question))
    imported = xingji.here("import", "log.ndjson", "--json").json
    assert imported["stored"] == sum(line["total"] for line in done.json["series"]) > 0
    assert imported["stored"] + imported["refused"] == len(text.splitlines())
    assert xingji.ask(question) == done.json
    assert xingji.here("compact").status == 0
    assert xingji.ask(question) == done.json
    assert xingji.here("doctor", "--deep").status == 0
