"""The records of a delimited file with their line numbers; broken ones are counted and passed over."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from xingji.govern.files.csv_form import WHITESPACE, CsvForm
from xingji.govern.files.lines import LINE_LIMIT_BYTES, LONG_LINE, NOT_UTF8, LineReader
from xingji.govern.files.refusal import RefusalTally, excerpt_of

RECORD_LINES = 1_000
"""A quoted text with more line breaks is taken for a quote that was never closed."""
OPEN_QUOTE, WRONG_WIDTH = "a quote that is never closed", "another number of fields than columns"
BROKEN_QUOTES, STRAY_RETURN = "text after a closing quote", "a carriage return inside a line"
_TAKEN_LINES = 16_384
# The csv module's own limit, 128 KiB, is process-wide; lines are bounded before they come to it.
csv.field_size_limit(LINE_LIMIT_BYTES + 1)


class _OpenQuoteError(Exception):
    """A record goes on where it cannot."""


class _Feed:
    """Lines one by one for the csv module; those of the record at hand can be given out again."""

    def __init__(self, lines: LineReader, encoding: str) -> None:
        self._lines, self._encoding = lines, encoding
        self._waiting: Iterator[tuple[int, str]] = iter(())
        self._again: list[tuple[int, str]] = []
        self.tally = RefusalTally()
        self.record: list[tuple[int, str]] = []
        self.number = 0
        """The line given out last."""
        self.characters = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.record) >= RECORD_LINES:
            raise _OpenQuoteError
        line = self._next()
        if line is None:
            if self.record:
                raise _OpenQuoteError
            raise StopIteration
        self.number = line[0]
        self.characters += len(line[1])
        self.record.append(line)
        return line[1]

    def _next(self) -> tuple[int, str] | None:
        if self._again:
            return self._again.pop()
        for line in self._waiting:
            return line
        while (chunk := self._lines.take(_TAKEN_LINES)) is not None:
            if chunk.overlong:
                self.tally.add(chunk.first_line, LONG_LINE, excerpt_of(chunk.data))
                continue
            self._waiting = iter(self._decoded(chunk.data, chunk.first_line))
            for line in self._waiting:
                return line
        return None

    def _decoded(self, data: bytes, first_line: int) -> list[tuple[int, str]]:
        try:
            lines = data.decode(self._encoding).split("\n")
        except UnicodeDecodeError:
            return self._decoded_one_by_one(data, first_line)
        if not lines[-1]:
            lines.pop()
        return [(number, line + "\n") for number, line in enumerate(lines, start=first_line)]

    def _decoded_one_by_one(self, data: bytes, first_line: int) -> list[tuple[int, str]]:
        found = []
        for number, line in enumerate(data.splitlines(keepends=True), start=first_line):
            try:
                found.append((number, line.decode(self._encoding)))
            except UnicodeDecodeError:
                self.tally.add(number, NOT_UTF8, excerpt_of(line))
        return found

    def retry_after_first(self) -> None:
        """Give out the lines of this record again, without its first."""
        self._again.extend(reversed(self.record[1:]))


class CsvRecords:
    """Iterates over records of the right width: `(line number, fields)`."""

    def __init__(self, lines: LineReader, form: CsvForm, encoding: str) -> None:
        self._form, self._feed = form, _Feed(lines, encoding)
        self._reader = self._new_reader()
        self._width = len(form.columns)

    def skip_header(self) -> None:
        """Pass over the record that holds the names."""
        if self._form.has_header:
            next(self._reader, None)

    def _new_reader(self) -> Iterator[list[str]]:
        if self._form.delimiter == WHITESPACE:
            return (line.split() for line in self._feed)
        return csv.reader(self._feed, delimiter=self._form.delimiter, strict=True)

    @property
    def rows_read(self) -> int:
        """Lines consumed so far."""
        return self._feed.number

    @property
    def characters(self) -> int:
        """How much text was consumed so far."""
        return self._feed.characters

    def count_in(self, tally: RefusalTally) -> None:
        """Count refusals there from now on."""
        self._feed.tally = tally

    def __iter__(self) -> CsvRecords:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        while True:
            fields = self._next_fields()
            number = self._feed.record[0][0]
            if len(fields) == self._width and (fields[0] or any(fields)):
                return number, fields
            if any(fields):
                if len(fields) > self._width and not any(fields[self._width :]):
                    return number, fields[: self._width]
                self._refuse_first_line(WRONG_WIDTH)

    def _next_fields(self) -> list[str]:
        """The next record. Raises StopIteration at the end, InputError where the file is broken."""
        while True:
            self._feed.record.clear()
            try:
                return next(self._reader)
            except _OpenQuoteError:
                self._refuse_first_line(OPEN_QUOTE)
            except csv.Error as fault:
                self._refuse_first_line(STRAY_RETURN if "new-line" in str(fault) else BROKEN_QUOTES)

    def _refuse_first_line(self, reason: str) -> None:
        number, line = self._feed.record[0]
        self._feed.tally.add(number, reason, excerpt_of(line))
        if len(self._feed.record) > 1:
            self._feed.retry_after_first()
        self._reader = self._new_reader()
