"""Files of user properties: `user`, `time` since when they hold, and a column for each property."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from xingji.app.event_files import Reading, read_log
from xingji.app.terminal import Terminal
from xingji.govern.files.mapping import Constant, FieldMapping
from xingji.model.event_table import PREFIX, REST, TIME, USER

USERS = Reading(FieldMapping(event=Constant("profile")))
"""Such a file is read as events that all bear one name."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_users(path: Path, bound_bytes: int, terminal: Terminal) -> pa.Table:
    """The changes of a file as columns `user`, `time`, `properties_json`, a row for each change.

    Raises InputError for a file that cannot be read, QueryTooLargeError for more than `bound_bytes`.
    """
    table = read_log([path], USERS, bound_bytes, terminal).table
    names = [name for name in table.schema.names if name.startswith(PREFIX)]
    rows = zip(*(table[name].to_pylist() for name in names), strict=True) if names else [()] * len(table)
    rest = table[REST].to_pylist() if REST in table.schema.names else [None] * len(table)
    texts = [_object(names, row, more) for row, more in zip(rows, rest, strict=True)]
    return pa.table({USER: table[USER], TIME: table[TIME], REST: pa.array(texts, pa.string())})


def _object(names: list[str], values: tuple[Any, ...], rest: str | None) -> str:
    found = {
        name.removeprefix(PREFIX): value
        for name, value in zip(names, values, strict=True)
        if value is not None
    }
    if rest:
        found |= msgspec.json.decode(rest)
    return _encode(found).decode()
