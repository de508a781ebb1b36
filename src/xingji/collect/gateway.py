"""The gateway: an ASGI application that answers 200 once a batch is durable, and not before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs

from xingji.collect.body import MOST_BYTES, unpacked
from xingji.collect.faults import (
    ForbiddenError,
    KeyMissingError,
    RequestFault,
    TooLargeError,
    UnreadableError,
)
from xingji.collect.requests import check_request, form_of
from xingji.model.errors import TransientError
from xingji.ports.event_log import BackPressureError, EventLog, RawBatch

PATH = "/v1/track"
BODY_SECONDS = 30.0
"""How long a client may take to send its body."""
_RETRY_SECONDS = 5
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a write key stands for; `origins`: the pages it serves, empty for all."""

    key_id: str
    project: str
    origins: tuple[str, ...] = ()


class Keys(Protocol):
    """The write keys in force."""

    def find(self, key: str) -> KeyFacts | None:
        """What a key stands for; None where nobody knows it, or it was revoked."""
        ...


class Gateway:
    """Takes batches for an event log; `now_us` is the server's clock."""

    def __init__(self, log: EventLog, keys: Keys, now_us: Callable[[], int]) -> None:
        self._log, self._keys, self._now_us = log, keys, now_us

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request to `PATH`."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        origin = headers.get("origin", "")
        try:
            if scope["method"] == "OPTIONS":
                await _answer(send, 204, None, _cors(origin) + _PREFLIGHT)
                return
            if scope["method"] != "POST":
                await _answer(send, 405, {"detail": "allowed: POST"}, [(b"allow", b"POST, OPTIONS")])
                return
            accepted = await self._accept(scope, headers, receive)
            await _answer(send, 200, accepted, _cors(origin))
        except RequestFault as fault:
            await _answer(send, fault.status, {"detail": str(fault)}, _cors(origin))
        except BackPressureError as fault:
            again = [(b"retry-after", str(fault.retry_after_s).encode())]
            await _answer(send, 429, {"detail": str(fault)}, _cors(origin) + again)
        except TransientError as fault:
            again = [(b"retry-after", str(_RETRY_SECONDS).encode())]
            await _answer(send, 503, {"detail": str(fault)}, _cors(origin) + again)

    async def _accept(self, scope: Message, headers: dict[str, str], receive: Receive) -> dict[str, object]:
        facts = self._facts(scope, headers)
        content_type = headers.get("content-type", "")
        form = form_of(content_type)
        raw = await _body_of(receive, headers.get("content-length", ""))
        received_us = self._now_us()
        body = unpacked(raw, headers.get("content-encoding", ""))
        n_events = check_request(body, content_type)
        batch = RawBatch(facts.project, form, received_us, body, n_events, facts.key_id)
        offset = await asyncio.wrap_future(self._log.submit(batch))
        return {"accepted": n_events, "batch_id": str(offset)}

    def _facts(self, scope: Message, headers: dict[str, str]) -> KeyFacts:
        """Whose key it is; an origin is asked for where the key names any and a browser says one."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        facts = self._keys.find(key.strip()) if key.strip() else None
        if facts is None:
            raise KeyMissingError("the write key is missing or unknown; send Authorization: Bearer KEY")
        origin = headers.get("origin", "")
        if origin and facts.origins and origin not in facts.origins:
            raise ForbiddenError(f"the write key does not serve pages of {origin[:100]}")
        return facts


_PREFLIGHT = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding"),
    (b"access-control-max-age", b"86400"),
]
"""Which page may send is decided by its key, which a browser does not show before it sends."""


def _cors(origin: str) -> list[tuple[bytes, bytes]]:
    if not origin:
        return []
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin")]


async def _body_of(receive: Receive, length: str) -> bytes:
    """The body as it was sent, within its bounds of size and time."""
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise TooLargeError(f"the body takes {length} bytes; allowed: up to {MOST_BYTES}")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise UnreadableError("the connection ended before the body did")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BYTES:
                    raise TooLargeError(f"the body takes more than {MOST_BYTES} bytes")
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise UnreadableError(f"the body did not come within {BODY_SECONDS:.0f} s") from None


async def _answer(
    send: Send, status: int, document: object | None, headers: list[tuple[bytes, bytes]]
) -> None:
    body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
    sent = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
