"""Properties that fit no column, as JSON text: one object a row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from xingji.lake.part import Int64s


def value_text(value: object) -> str:
    """A property's value as JSON; times as ISO text in UTC, infinities as numbers that overflow."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if isinstance(value, datetime):
        return json.dumps(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    return json.dumps(value, ensure_ascii=False)


def add_to_objects(objects: pa.Array, name: str, rows: Int64s, values: Sequence[object]) -> pa.Array:
    """`objects` (JSON objects or null) with one more member in the given rows."""
    texts = objects.to_pylist()
    key = json.dumps(name, ensure_ascii=False)
    for row, value in zip(rows.tolist(), values, strict=True):
        member = f"{key}:{value_text(value)}"
        before = (texts[row] or "{}").strip()
        texts[row] = f"{{{member}}}" if before[1:-1].strip() == "" else f"{before[:-1]},{member}}}"
    return pa.array(texts, pa.string())


def members(objects: pa.Array) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows that have an object, each with it."""
    valid = np.flatnonzero(objects.is_valid().to_numpy(zero_copy_only=False))
    for row, text in zip(valid.tolist(), objects.drop_null().to_pylist(), strict=True):
        yield row, json.loads(text)


def names_in(objects: pa.Array, limit: int) -> list[str]:
    """The names of members, in order of first sight, at most `limit`."""
    seen: dict[str, None] = {}
    for _, found in members(objects):
        if not found.keys() <= seen.keys():
            seen.update(dict.fromkeys(found))
        if len(seen) >= limit:
            break
    return list(seen)[:limit]
