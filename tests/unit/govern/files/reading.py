"""What the tests of the readers share: writing a file, reading it whole, seeing its events as records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from xingji.govern.files import FileOptions, Refusals, parse_mapping, read_events
from xingji.govern.files.block import joined
from xingji.model.event_table import PREFIX, REST, TIME


class Log:
    """A file read to its end."""

    def __init__(
        self, path: Path, maps: Iterable[str] = (), options: FileOptions | None = None, **more: Any
    ) -> None:
        self.blocks = list(read_events(path, parse_mapping(maps), options=options, **more))
        self.table = joined([block.table for block in self.blocks])
        self.refused = sum((block.refused for block in self.blocks), start=Refusals())

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events as records: absent values left out, what is kept as JSON merged in, times as texts."""
        return [_record(row) for row in self.table.to_pylist()]

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were refused, by reason."""
        return dict(self.refused.counts)

    def column(self, name: str) -> list[Any]:
        """A column's values."""
        return self.table[name].to_pylist()

    def type_of(self, name: str) -> pa.DataType:
        """The type of a property's column; that of its values where they are coded."""
        kind = self.table.schema.field(PREFIX + name).type
        return kind.value_type if pa.types.is_dictionary(kind) else kind


def _record(row: dict[str, Any]) -> dict[str, Any]:
    found = {name.removeprefix(PREFIX): value for name, value in row.items() if value is not None}
    rest = json.loads(found.pop(REST, "{}"))
    found[TIME] = found[TIME].isoformat().replace("+00:00", "Z")
    return found | rest


def write(path: Path, content: str | bytes | Iterable[Any]) -> Path:
    """A file of a text, of bytes, or of records as NDJSON; gzipped if it is named so."""
    if not isinstance(content, str | bytes):
        content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in content)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def event(
    user: str = "u-1", name: str = "open", time: Any = "2026-01-05T09:30:00Z", **properties: Any
) -> dict[str, Any]:
    """A flat record."""
    return {"user": user, "event": name, "time": time, **properties}
