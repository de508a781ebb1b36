"""Access logs of web servers in NCSA common or combined form: who asked for which page, when."""

from __future__ import annotations

import re

import pyarrow as pa

from xingji.govern.files.assembly import RowPlaces
from xingji.govern.files.block import EMPTY_TABLE
from xingji.govern.files.column_rows import ColumnRows
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.lines import LONG_LINE, NOT_UTF8, LineChunk
from xingji.govern.files.mapping import Column, FieldMapping, resolve
from xingji.govern.files.refusal import RefusalTally, excerpt_of
from xingji.govern.files.text_column import add_text_column, coded_texts
from xingji.model.event_table import EVENT, EVENT_ID, TIME, USER

COLUMNS = ("address", "login", "time", "method", "path", "protocol", "status", "bytes", "referer", "agent")
NAMES = {USER: "address", EVENT: "method", TIME: "time", EVENT_ID: "event_id"}
TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"
MALFORMED = "no line of an access log"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r'(\S+) \S+ (\S+) \[([^\]]+)\] "([A-Z][A-Za-z-]*) ((?:[^"\\]|\\.)*?)(?: (HTTP/[\d.]+))?" (\d{3}) (\d+|-)'
    rf"(?: {_QUOTED} {_QUOTED})?\s*"
)


def is_access_log(line: str) -> bool:
    """Whether a line looks like one of an access log."""
    return _LINE.fullmatch(line) is not None


class AccessLogDecoder:
    """Turns chunks of lines into events: user = address, event = method, the rest properties."""

    def __init__(self, file: str, mapping: FieldMapping, types: ColumnTypes, encoding: str = "utf-8") -> None:
        """Raises InputError if the mapping names a column there is not."""
        self.file, self.types, self.encoding = file, types, encoding
        timed = mapping if mapping.time is not None else _with_time(mapping)
        self._origins = resolve(file, timed, COLUMNS, NAMES)

    def table(self, chunk: LineChunk, tally: RefusalTally) -> pa.Table:
        """The events of a chunk; what is refused goes to `tally`."""
        if chunk.overlong:
            tally.add(chunk.first_line, LONG_LINE, excerpt_of(chunk.data))
            return EMPTY_TABLE
        rows, numbers = [], []
        for number, line in enumerate(chunk.lines(), start=chunk.first_line):
            fields = self._fields(line, number, tally)
            if fields is not None:
                rows.append(fields)
                numbers.append(number)
        if not rows:
            return EMPTY_TABLE
        columns = dict(zip(COLUMNS, map(_column, zip(*rows))))
        places = RowPlaces(
            lambda row: numbers[row], lambda row: excerpt_of(" ".join(filter(None, rows[row])))
        )
        table = ColumnRows(columns, len(rows))
        return table.table(self.file, self._origins, self.types, places, tally, add_text_column)

    def _fields(self, line: bytes, number: int, tally: RefusalTally) -> tuple[str | None, ...] | None:
        if not line or line.isspace():
            return None
        try:
            found = _LINE.fullmatch(line.decode(self.encoding))
        except UnicodeDecodeError:
            tally.add(number, NOT_UTF8, excerpt_of(line))
            return None
        if found is None:
            tally.add(number, MALFORMED, excerpt_of(line))
            return None
        return found.groups()


def _with_time(mapping: FieldMapping) -> FieldMapping:
    return FieldMapping(mapping.user, mapping.event, Column(NAMES[TIME], TIME_FORMAT), mapping.event_id)


def _column(values: tuple[str | None, ...]) -> pa.DictionaryArray:
    return coded_texts(["" if value is None or value == "-" else value for value in values])
