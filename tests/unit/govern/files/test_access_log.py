from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.govern.files.reading import Log, write

REQUEST = '83.149.9.216 - frank [17/May/2015:10:05:03 +0200] "GET /a?b=c%20d HTTP/1.1" 200 203023'
COMBINED = REQUEST + ' "http://example.com/" "Mozilla/5.0 (\\"X\\")"'


def test_combined_form(tmp_path: Path) -> None:
    assert Log(write(tmp_path / "access.log", COMBINED + "\n")).events == [
        {
            "user": "83.149.9.216",
            "event": "GET",
            "time": "2015-05-17T08:05:03Z",
            "login": "frank",
            "path": "/a?b=c%20d",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": 203023,
            "referer": "http://example.com/",
            "agent": 'Mozilla/5.0 (\\"X\\")',
        }
    ]


def test_common_form_and_absent_values(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "access.log.gz", REQUEST.replace("203023", "-").replace("frank", "-") + "\n"))
    assert set(log.events[0]) == {"user", "event", "time", "path", "protocol", "status"}


def test_other_names_by_mapping(tmp_path: Path) -> None:
    log = Log(write(tmp_path / "access.log", COMBINED), ["user=login", "event=path"])
    assert (log.column("user"), log.column("event")) == (["frank"], ["/a?b=c%20d"])
    assert log.column("time")[0].isoformat() == "2015-05-17T08:05:03+00:00"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(COMBINED[:-1], id="open quote"),
        pytest.param(REQUEST.replace('"GET /a?b=c%20d HTTP/1.1"', '"-"'), id="no request"),
        pytest.param("hello", id="anything else"),
        pytest.param(REQUEST.replace("17/May", "32/May"), id="no such day"),
    ],
)
def test_a_malformed_line_is_counted(tmp_path: Path, line: str) -> None:
    log = Log(write(tmp_path / "access.log", "\n".join([COMBINED, line, COMBINED])))
    assert (len(log.table), log.refused.total, log.refused.examples[0].number) == (2, 1, 2)
