"""CSV and its kin: fields between delimiters, quoted where they hold one, or apart by blanks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from xingji.govern.files.assembly import RowPlaces
from xingji.govern.files.block import BlockBuilder, EventBlock
from xingji.govern.files.column_rows import ColumnRows, identity_columns
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.csv_form import CsvForm
from xingji.govern.files.csv_records import CsvRecords
from xingji.govern.files.lines import LineReader
from xingji.govern.files.mapping import FieldMapping, Origins, resolve
from xingji.govern.files.refusal import excerpt_of
from xingji.govern.files.text_column import add_text_column, coded_texts, type_of_texts, used_texts
from xingji.model.errors import InputError

_PIECE_ROWS, _PIECE_CHARACTERS, _BLOCK_CHARACTERS = 16_384, 8 << 20, 256 << 20


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Some rows as columns of coded texts; `numbers`: the line each row begins in."""

    columns: dict[str, pa.DictionaryArray]
    numbers: Sequence[int]

    def places(self) -> RowPlaces:
        """Where the rows stand."""
        return RowPlaces(lambda row: self.numbers[row], self._excerpt)

    def _excerpt(self, row: int) -> str:
        return excerpt_of(
            {name: array[row].as_py() for name, array in self.columns.items() if array[row].is_valid}
        )


class CsvReader:
    """Reads a delimited file; the types of its columns are decided on its first block, and stay."""

    def __init__(
        self, lines: LineReader, form: CsvForm, mapping: FieldMapping, types: ColumnTypes, encoding: str
    ) -> None:
        """Raises InputError if a needed column is absent."""
        self.lines, self.form, self.types = lines, form, types
        self.file = lines.source.file
        present = dict.fromkeys(form.columns)
        self.origins: Origins = resolve(
            self.file, mapping, present, identified=bool(identity_columns(present))
        )
        self.records = CsvRecords(lines, form, encoding)
        self.fault: InputError | None = None
        self.at_end = False

    def blocks(self, block_rows: int) -> Iterator[EventBlock]:
        """The events, block by block. Raises InputError where the file breaks off, after what is whole."""
        source, builder, begun = self.lines.source, BlockBuilder(block_rows), False
        self.records.count_in(builder.tally)
        self.records.skip_header()
        while not (self.at_end and begun):
            for piece in self._pieces(builder):
                builder.add(self._table(piece, builder))
            if begun and not builder.has_any:
                break
            begun = True
            yield builder.finish(self.records.rows_read, source.bytes_read, source.total_bytes)
            self.records.count_in(builder.tally)
        if self.fault is not None:
            raise self.fault

    def _pieces(self, builder: BlockBuilder) -> list[TextPiece]:
        """The texts of a whole block, so that what is new in it is typed by all its values."""
        pieces: list[TextPiece] = []
        begin = self.records.characters
        while not self.at_end and (left := builder.rows_left(self.records.rows_read)):
            pieces += self._piece(left)
            if self.records.characters - begin >= _BLOCK_CHARACTERS:
                break
        for name in self.form.columns:
            if self.types.get(name) is None and name not in self.origins.column_names():
                self._decide(name, pieces)
        return pieces

    def _piece(self, most_lines: int) -> list[TextPiece]:
        rows: list[list[str]] = []
        numbers: list[int] = []
        last_line = self.records.rows_read + most_lines
        last_character = self.records.characters + _PIECE_CHARACTERS
        try:
            for number, fields in self.records:
                numbers.append(number)
                rows.append(fields)
                records = self.records
                if (
                    len(rows) >= _PIECE_ROWS
                    or records.rows_read >= last_line
                    or records.characters >= last_character
                ):
                    break
            else:
                self.at_end = True
        except InputError as fault:
            self.fault, self.at_end = fault, True
        columns = dict(zip(self.form.columns, map(coded_texts, zip(*rows))))
        return [TextPiece(columns, numbers)] if rows else []

    def _decide(self, name: str, pieces: Sequence[TextPiece]) -> None:
        distinct = [used_texts(piece.columns[name]) for piece in pieces]
        values = pa.concat_arrays(distinct).unique() if distinct else ()
        if len(values):
            self.types.decide(name, type_of_texts(values))

    def _table(self, piece: TextPiece, builder: BlockBuilder) -> pa.Table:
        rows = ColumnRows(piece.columns, len(piece.numbers))
        return rows.table(self.file, self.origins, self.types, piece.places(), builder.tally, add_text_column)
