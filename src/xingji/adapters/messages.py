"""Messages between a process and those it has started: pickled values, long bytes beside them.

A long bytearray comes as bytes.
"""

from __future__ import annotations

import io
import pickle
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LONG_BYTES = 1 << 16
_HEADER = struct.Struct("<QI")


@dataclass(frozen=True, slots=True)
class Call:
    """An item for a task; without `task` for the one of the call before."""

    item: Any
    task: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call: a result, or the error that was raised."""

    result: Any = None
    fault: Exception | None = None


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.long: list[bytes | bytearray] = []

    def persistent_id(self, value: object) -> int | None:
        """The number of long bytes, which are sent as they are."""
        if not isinstance(value, bytes | bytearray) or len(value) < _LONG_BYTES:
            return None
        self.long.append(value)
        return len(self.long) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, long: list[bytes]) -> None:
        super().__init__(io.BytesIO(content))
        self._long = long

    def persistent_load(self, number: int) -> bytes:
        """The long bytes of a number."""
        return self._long[number]


def send(channel: socket.socket, message: object) -> None:
    """Send a message. Raises OSError where nobody is left to take it."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(message)
    content = file.getvalue()
    sizes = struct.pack(f"<{len(pickler.long)}Q", *map(len, pickler.long))
    channel.sendall(_HEADER.pack(len(content), len(pickler.long)) + sizes)
    for part in (content, *pickler.long):
        channel.sendall(part)


def receive(channel: socket.socket) -> Any:
    """The next message. Raises EOFError or OSError where the other side is gone."""
    n_bytes, n_long = _HEADER.unpack(_exactly(channel, _HEADER.size))
    sizes = struct.unpack(f"<{n_long}Q", _exactly(channel, 8 * n_long))
    content = _exactly(channel, n_bytes)
    return _Unpickler(content, [_exactly(channel, size) for size in sizes]).load()


def survives_sending(fault: Exception) -> bool:
    """Whether an error can be made again of what pickling keeps of it."""
    try:
        return type(_Unpickler(pickle.dumps(fault), []).load()) is type(fault)
    except Exception:  # noqa: BLE001 an error's own code is run, which may do anything
        return False


def _exactly(channel: socket.socket, n_bytes: int) -> bytes:
    """So many bytes, taken by one call, which puts them where they stay."""
    found = channel.recv(n_bytes, socket.MSG_WAITALL) if n_bytes else b""
    while len(found) < n_bytes:
        more = channel.recv(n_bytes - len(found), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        found += more
    return found
