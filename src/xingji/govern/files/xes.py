"""XES (IEEE 1849) event logs: a trace is a user's history, its attributes stand beside each of its events."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from xingji.govern.files.assembly import RowPlaces
from xingji.govern.files.block import BlockBuilder, EventBlock
from xingji.govern.files.column_types import DEPTH_LIMIT, ColumnTypes
from xingji.govern.files.lines import LINE_LIMIT_BYTES
from xingji.govern.files.mapping import Column, FieldMapping, Origins, resolve
from xingji.govern.files.record_rows import RecordRows
from xingji.govern.files.refusal import excerpt_of
from xingji.govern.files.source import Source
from xingji.model.errors import InputError
from xingji.model.event_table import EVENT, EVENT_ID, TIME, USER
from xingji.model.moments import parse_instant

CASE = "case:"
"""Before the keys of a trace's attributes."""
NAMES = {USER: CASE + "concept:name", EVENT: "concept:name", TIME: "time:timestamp", EVENT_ID: "identity:id"}
_READ_BYTES = 1 << 16
_PIECE_ROWS = 16_384
_PLAIN = frozenset(("string", "date", "int", "float", "boolean", "id"))
_NESTED = frozenset(("list", "container"))
_OUTSIDE = frozenset(("global", "extension", "classifier"))


class _LogHandler(ContentHandler):
    """Gathers the records of events as their elements end."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []
        self._outside = 0
        self._case: dict[str, Any] = {}
        self._event: dict[str, Any] | None = None
        self._open: list[_Attribute] = []
        self.n_elements = 0

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX calls it so
        tag = name.rpartition(":")[2]
        self.n_elements += 1
        if self._outside or tag in _OUTSIDE:
            self._outside += 1
        elif tag in _PLAIN or tag in _NESTED:
            self._open.append(_Attribute(tag, attrs.get("key", ""), attrs.get("value", "")))
            if len(self._open) > DEPTH_LIMIT:
                raise _TooDeepError
        elif tag == "trace":
            self._case = {}
        elif tag == "event":
            self._event = {}

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX calls it so
        tag = name.rpartition(":")[2]
        if self._outside:
            self._outside -= 1
        elif tag in _PLAIN or tag in _NESTED:
            self._close(self._open.pop())
        elif tag == "event" and self._event is not None:
            self.records.append(self._case | self._event)
            self._event = None
        elif tag == "trace":
            self._case = {}

    def _close(self, attribute: _Attribute) -> None:
        if self._open:
            self._open[-1].inner.append(attribute)
            return
        found = {attribute.key: attribute.value()}
        if attribute.inner and attribute.tag in _PLAIN:
            found |= {f"{attribute.key}/{one.key}": one.value() for one in attribute.inner}
        if self._event is not None:
            self._event |= found
        else:
            self._case |= {CASE + key: value for key, value in found.items()}


class _TooDeepError(Exception):
    """Attributes nested beyond the limit."""


class _Attribute:
    """An attribute and those inside it."""

    __slots__ = ("inner", "key", "tag", "text")

    def __init__(self, tag: str, key: str, text: str) -> None:
        self.tag, self.key, self.text = tag, key, text
        self.inner: list[_Attribute] = []

    def value(self) -> Any:
        """The value as its element's name says; its text where it is none of that kind; None if empty."""
        if self.tag == "list":
            return [one.value() for one in self.inner]
        if self.tag == "container":
            return {one.key: one.value() for one in self.inner}
        if not self.text:
            return None
        try:
            return _READ.get(self.tag, str)(self.text)
        except ValueError:
            return self.text


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _moment(text: str) -> dt.datetime | str:
    return parse_instant(text) or text


def _truth(text: str) -> bool | str:
    return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)


_READ: dict[str, Callable[[str], Any]] = {"int": int, "float": _fraction, "date": _moment, "boolean": _truth}


class XesReader:
    """Reads an XES file as it comes, keeping no more than the records not yet handed on.

    A document type, entities and references to other files are refused.
    """

    def __init__(self, source: Source, mapping: FieldMapping, types: ColumnTypes) -> None:
        self.source, self.mapping, self.types = source, mapping, types
        self.n_events = 0
        self._origins: Origins | None = None
        self._log = _LogHandler()
        self._parser = DefusedExpatParser(forbid_dtd=True)
        self._parser.setContentHandler(self._log)
        self._since_element = 0

    def blocks(self, block_rows: int) -> Iterator[EventBlock]:
        """The events, block by block. Raises InputError where the file breaks off, after what is whole."""
        builder, begun, fault = BlockBuilder(block_rows), False, None
        while fault is None:
            try:
                more = self._feed()
            except InputError as broken:
                more, fault = False, broken
            while len(self._log.records) >= _PIECE_ROWS or (not more and self._log.records):
                self._hand_on(builder)
                if builder.is_full(self.n_events):
                    yield self._finish(builder)
                    begun = True
            if not more:
                break
        if builder.has_any or (not begun and fault is None):
            yield self._finish(builder)
        if fault is not None:
            raise InputError(
                fault.file, f"{fault.reason}; the {self.n_events:,} events before it are whole", fault.place
            )

    def _finish(self, builder: BlockBuilder) -> EventBlock:
        return builder.finish(self.n_events, self.source.bytes_read, self.source.total_bytes)

    def _feed(self) -> bool:
        """Parse some more; False at the end. Raises InputError."""
        piece, elements = self.source.read(_READ_BYTES), self._log.n_elements
        try:
            if piece:
                self._parser.feed(piece)
            else:
                self._parser.close()
        except (SAXParseException, DefusedXmlException, _TooDeepError, ValueError, LookupError) as fault:
            raise InputError(
                self.source.file, _reason(fault), f"line {self._parser.getLineNumber():,}"
            ) from None
        self._since_element = 0 if self._log.n_elements > elements else self._since_element + len(piece)
        if self._since_element > LINE_LIMIT_BYTES:
            raise InputError(self.source.file, f"an element of more than {LINE_LIMIT_BYTES >> 20} MiB")
        return bool(piece)

    def _hand_on(self, builder: BlockBuilder) -> None:
        """Make a piece of the block of the records that wait."""
        count = max(1, min(_PIECE_ROWS, builder.rows_left(self.n_events)))
        records, self._log.records = self._log.records[:count], self._log.records[count:]
        rows, before = RecordRows(records, native=False), self.n_events
        if self._origins is None:
            self._origins = self._resolved(list(rows.columns))
        places = RowPlaces(lambda row: before + row + 1, lambda row: excerpt_of(records[row]))
        builder.add(rows.table(self.source.file, self._origins, self.types, places, builder.tally))
        self.n_events += len(records)

    def _resolved(self, columns: list[str]) -> Origins:
        origins = resolve(self.source.file, self.mapping, columns, NAMES)
        return replace(origins, event_id=origins.event_id or Column(NAMES[EVENT_ID]))


def _reason(fault: Exception) -> str:
    if isinstance(fault, SAXParseException):
        return f"broken XML: {fault.getMessage()}"
    if isinstance(fault, DefusedXmlException):
        return "the XML declares a document type or entities, which are refused"
    if isinstance(fault, _TooDeepError):
        return f"attributes nested deeper than {DEPTH_LIMIT} levels"
    return f"the XML cannot be read: {fault}"
