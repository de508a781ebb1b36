"""The gateway answers as the contract says, and 200 only for what is durable."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from xingji.adapters.sqlite_log import SqliteLog
from xingji.collect import gateway
from xingji.collect.gateway import Gateway, KeyFacts
from xingji.model.errors import StorageFullError
from xingji.ports.event_log import BackPressureError, EventLog, Form, RawBatch

NOW_US = 1_780_000_000_000_000
BODY = json.dumps({"batch": [{"event": "a"}, {"event": "b"}]}).encode()
LEAVES = b'{"batch": '
"""After this part the client is gone."""
KEYS = {"k-1": KeyFacts("id-1", "default"), "k-2": KeyFacts("id-2", "shop", ("https://bank.example",))}


class _Keys:
    def find(self, key: str) -> KeyFacts | None:
        return KEYS.get(key)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(tmp_path, writes=True)
    yield opened
    opened.close()


def ask(
    log: EventLog, *parts: bytes, method: str = "POST", query: str = "", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """The status, headers and JSON of a request whose body comes in parts."""
    sent: list[dict[str, Any]] = []
    left = list(parts or (BODY,))

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left) or part == LEAVES}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"authorization": "Bearer k-1", "content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    scope = {
        "type": "http", "method": method, "path": "/v1/track", "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
    }  # fmt: skip
    asyncio.run(Gateway(log, _Keys(), lambda: NOW_US)(scope, receive, send))
    start, body = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    assert int(found["content-length"]) == len(body["body"])
    return start["status"], found, json.loads(body["body"]) if body["body"] else None


def test_a_batch_is_durable_when_it_is_acknowledged(log: SqliteLog) -> None:
    status, _, answer = ask(log, BODY[:10], BODY[10:])
    (entry,) = log.read(0, 1 << 20)
    assert (status, answer) == (200, {"accepted": 2, "batch_id": str(entry.offset)})
    assert entry.batch == RawBatch("default", Form.JSON, NOW_US, BODY, 2, "id-1")


def test_a_packed_body_is_kept_unpacked(log: SqliteLog) -> None:
    assert ask(log, gzip.compress(BODY), content_encoding="gzip")[0] == 200
    assert log.read(0, 1 << 20)[0].batch.body == BODY


NOBODY: dict[str, Any] = {"authorization": ""}
SHOP: dict[str, Any] = {"authorization": "Bearer k-2"}
FAULTS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "broken JSON": (400, "no request", {"parts": [b"{"]}),
    "a client that leaves": (400, "ended before", {"parts": [LEAVES]}),
    "no key": (401, "missing or unknown", NOBODY),
    "an empty key": (401, "missing or unknown", {"authorization": "Bearer "}),
    "an unknown key": (401, "missing or unknown", {"authorization": "Bearer k-3"}),
    "an unknown key in the address": (401, "missing or unknown", NOBODY | {"query": "key=k-3"}),
    "another page": (403, "pages of https://evil", SHOP | {"origin": "https://evil.example"}),
    "GET": (405, "allowed: POST", {"method": "GET"}),
    "said to be long": (413, "allowed: up to", {"content_length": "99999999"}),
    "long": (413, "more than", {"parts": [bytes(3 << 20), bytes(3 << 20)]}),
    "long once unpacked": (
        413, "more than", {"parts": [gzip.compress(bytes(6 << 20))], "content_encoding": "gzip"}
    ),
    "a picture": (415, "allowed: application/json", {"content_type": "image/png"}),
    "another encoding": (415, "allowed: gzip", {"content_encoding": "br"}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "detail", "asked"), FAULTS.values(), ids=FAULTS.keys())
def test_faults(log: SqliteLog, status: int, detail: str, asked: dict[str, Any]) -> None:
    headers = {name: value for name, value in asked.items() if name != "parts"}
    found, _, answer = ask(log, *asked.get("parts", []), **headers)
    assert found == status
    assert detail in answer["detail"]
    assert log.read(0, 1 << 20) == []


def test_a_key_in_the_address(log: SqliteLog) -> None:
    assert ask(log, authorization="", query="x=1&key=k-1")[0] == 200


def test_a_page_that_the_key_serves(log: SqliteLog) -> None:
    page = "https://bank.example"
    status, headers, _ = ask(log, **SHOP, origin=page, content_type="text/plain; charset=utf-8")
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, page, "origin")
    assert log.read(0, 1 << 20)[0].batch.project == "shop"


def test_a_browser_asks_first(log: SqliteLog) -> None:
    status, headers, _ = ask(log, method="OPTIONS", authorization="", origin="https://bank.example")
    assert status == 204
    assert "authorization" in headers["access-control-allow-headers"]


class _Failing:
    """A log that takes nothing."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def submit(self, batch: RawBatch) -> Future[int]:
        if isinstance(self._fault, BackPressureError):
            raise self._fault
        future: Future[int] = Future()
        future.set_exception(self._fault)
        return future


@pytest.mark.parametrize(
    ("fault", "status", "again"),
    [(BackPressureError("full", 7), 429, "7"), (StorageFullError("/log", "keep it"), 503, "5")],
    ids=["back-pressure", "full disk"],
)
def test_a_log_that_takes_nothing(fault: Exception, status: int, again: str) -> None:
    found, headers, _ = ask(_Failing(fault))  # type: ignore[arg-type]
    assert (found, headers["retry-after"]) == (status, again)


def test_a_client_that_is_too_slow(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BODY_SECONDS", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def body() -> None:
        with pytest.raises(gateway.UnreadableError, match="did not come"):
            await gateway._body_of(never, "")

    asyncio.run(body())
