"""Which format a file is in, told from its first bytes and, where those leave it open, from its name."""

from __future__ import annotations

from pathlib import PurePath

from xingji.govern.files.access_log import is_access_log
from xingji.govern.files.source import Source
from xingji.model.errors import FieldError

NDJSON, CSV, PARQUET, XES, ACCESS_LOG = "ndjson", "csv", "parquet", "xes", "access_log"
FORMATS = (NDJSON, CSV, PARQUET, XES, ACCESS_LOG)
_OF_ENDING = {
    ".ndjson": NDJSON, ".jsonl": NDJSON, ".json": NDJSON, ".parquet": PARQUET, ".pq": PARQUET,
    ".xes": XES, ".csv": CSV, ".tsv": CSV, ".tab": CSV,
}  # fmt: skip
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_HEAD_BYTES = 4_096


def file_format(source: Source, given: str | None = None) -> str:
    """One of `FORMATS`. Raises FieldError for a `given` one that is none of them."""
    if given is not None:
        if given not in FORMATS:
            raise FieldError("--input-format", given, ", ".join(FORMATS))
        return given
    head = source.head(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return PARQUET
    by_name = _OF_ENDING.get(_ending(source.file))
    return by_name or _of_text(head)


def _ending(file: str) -> str:
    path = PurePath(file.lower())
    return path.with_suffix("").suffix if path.suffix in _COMPRESSED else path.suffix


def _of_text(head: bytes) -> str:
    if head.startswith(b"{"):
        return NDJSON
    if head.startswith(b"<"):
        return XES
    first = head.split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r")
    return ACCESS_LOG if is_access_log(first) else CSV
