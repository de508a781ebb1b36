"""Files as event logs: NDJSON, CSV, Parquet, XES and web server logs become event tables, block by block."""

from xingji.govern.files.block import BLOCK_ROWS, EventBlock
from xingji.govern.files.mapping import FieldMapping, parse_mapping
from xingji.govern.files.reading import FileOptions, read_events
from xingji.govern.files.refusal import Refusal, Refusals

__all__ = [
    "BLOCK_ROWS",
    "EventBlock",
    "FieldMapping",
    "FileOptions",
    "Refusal",
    "Refusals",
    "parse_mapping",
    "read_events",
]
