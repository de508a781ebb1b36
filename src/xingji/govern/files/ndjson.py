"""NDJSON: one event a line, as the ingest contract writes it or as a flat object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.govern.files.assembly import RowPlaces
from xingji.govern.files.block import EMPTY_TABLE
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.lines import LONG_LINE, NOT_UTF8, LineChunk, encoding_hint
from xingji.govern.files.mapping import NATIVE_NAMES, Column, FieldMapping, Origins, resolve
from xingji.govern.files.property_columns import TOO_DEEP
from xingji.govern.files.record_rows import IDENTITIES, RecordRows
from xingji.govern.files.refusal import RefusalTally, excerpt_of
from xingji.govern.files.shaped_records import ShapedRecords
from xingji.model.errors import InputError
from xingji.model.event_table import EVENT_ID, USER

HEAD_LINES = 1_000
"""So many lines tell which columns a file has."""
BROKEN, NO_OBJECT, NUMBER_TOO_LARGE = "broken JSON", "no JSON object", "a number out of range"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NdjsonForm:
    """How a file's lines are to be read; `head`: its first lines, which tell the columns."""

    file: str
    mapping: FieldMapping
    encoding: str = "utf-8"
    head: tuple[bytes, ...] = ()
    exact: bool = False
    """Whether fractions are read from their text, since some are money."""


class NdjsonDecoder:
    """Turns chunks of NDJSON lines into event tables; a line that is no event is counted and left out."""

    def __init__(self, form: NdjsonForm, types: ColumnTypes) -> None:
        """Raises InputError if no line of the head is an object or a needed column is absent."""
        self.file, self.mapping, self.encoding = form.file, form.mapping, form.encoding
        self.types = types
        self._hook = _exact if form.exact else None
        self._decode_one = msgspec.json.Decoder(dict[str, Any], float_hook=self._hook)
        self._shaped: ShapedRecords | None = None
        self._origins = self._begun(form.head)

    @property
    def knows_columns(self) -> bool:
        """Whether the head has told which columns there are."""
        return self._origins is not None

    def _begun(self, head: Sequence[bytes]) -> Origins | None:
        tally = RefusalTally()
        found = [self._record(line, number, tally) for number, line in enumerate(head, start=1)]
        records = [record for record in found if record is not None]
        refused = tally.refusals()
        if records:
            origins = self._resolved(list(dict.fromkeys(key for record in records for key in record)))
            self._learn(origins, records)
            return origins
        if refused.total:
            first = refused.examples[0]
            reason = _barren(head, first.reason, self.encoding)
            raise InputError(self.file, reason, f"line {first.number}")
        return None

    def _resolved(self, columns: list[str]) -> Origins:
        origins = resolve(self.file, self.mapping, columns, identified=IDENTITIES in columns)
        user = origins.user or Column(NATIVE_NAMES[USER])
        return replace(origins, user=user, event_id=origins.event_id or Column(NATIVE_NAMES[EVENT_ID]))

    def table(self, chunk: LineChunk, tally: RefusalTally) -> pa.Table:
        """The events of a chunk; what is refused goes to `tally`. Raises InputError as at the beginning."""
        if chunk.overlong:
            tally.add(chunk.first_line, LONG_LINE, excerpt_of(chunk.data))
            return EMPTY_TABLE
        rows, numbers = self._rows(chunk, tally)
        if rows.n_rows == 0:
            return EMPTY_TABLE
        if self._origins is None:
            self._origins = self._resolved(list(rows.columns))
        return rows.table(self.file, self._origins, self.types, _places(chunk, numbers), tally)

    def _rows(self, chunk: LineChunk, tally: RefusalTally) -> tuple[RecordRows, Numbers | None]:
        """The objects of a chunk as columns; and their line numbers, or None where every line is one."""
        if self._shaped is not None and self.encoding == "utf-8":
            rows = self._shaped.rows(chunk.data, chunk.n_lines)
            if rows is not None:
                return rows, None
        records, numbers = self._records(chunk, tally)
        if records and self._origins is not None:
            self._learn(self._origins, records)
        return RecordRows(records), numbers

    def _learn(self, origins: Origins, records: Sequence[dict[str, Any]]) -> None:
        if self._shaped is None:
            event = origins.event.name if isinstance(origins.event, Column) else None
            self._shaped = ShapedRecords(event, self._hook)
        self._shaped.learn(records)

    def _records(self, chunk: LineChunk, tally: RefusalTally) -> tuple[list[dict[str, Any]], Numbers | None]:
        """The objects of a chunk; and their line numbers, or None where every line is one."""
        try:
            records = self._decode_one.decode_lines(self._utf8(chunk.data))
            if len(records) == chunk.n_lines:
                return records, None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        found = []
        for number, line in enumerate(chunk.lines(), start=chunk.first_line):
            record = self._record(line, number, tally)
            if record is not None:
                found.append((number, record))
        return [record for _, record in found], np.array([number for number, _ in found], dtype=np.int64)

    def _utf8(self, data: bytes) -> bytes:
        return data if self.encoding == "utf-8" else data.decode(self.encoding).encode()

    def _record(self, line: bytes, number: int, tally: RefusalTally) -> dict[str, Any] | None:
        if not line or line.isspace():
            return None
        try:
            return self._decode_one.decode(self._utf8(line))
        except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
            tally.add(number, _reason(fault), excerpt_of(line))
            return None


def _exact(text: str) -> Decimal:
    """A fraction as its text says; beyond what a double holds it is refused, as everywhere."""
    if not math.isfinite(float(text)):
        raise ValueError(NUMBER_TOO_LARGE)
    return Decimal(text)


def _reason(fault: Exception) -> str:
    if isinstance(fault, UnicodeDecodeError):
        return NOT_UTF8
    if isinstance(fault, RecursionError):
        return TOO_DEEP
    text = str(fault)
    if "out of range" in text:
        return NUMBER_TOO_LARGE
    return NO_OBJECT if isinstance(fault, msgspec.ValidationError) else BROKEN


def _barren(head: Sequence[bytes], reason: str, encoding: str) -> str:
    hint = encoding_hint(encoding) if reason == NOT_UTF8 else ""
    if head[0].lstrip().startswith(b"["):
        hint = "; an array of events must be written one event a line"
    return f"{reason}; none of the first {len(head):,} lines is a JSON object{hint}"


def _places(chunk: LineChunk, numbers: Numbers | None) -> RowPlaces:
    def number(row: int) -> int:
        return chunk.first_line + row if numbers is None else int(numbers[row])

    def excerpt(row: int) -> str:
        return excerpt_of(chunk.lines()[number(row) - chunk.first_line])

    return RowPlaces(number, excerpt)
