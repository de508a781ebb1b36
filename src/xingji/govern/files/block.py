"""Blocks of events: what a reader hands on at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from xingji.govern.files.refusal import Refusals, RefusalTally
from xingji.model.event_table import EVENT, TIME, TIME_TYPE, USER

BLOCK_ROWS = 262_144
BLOCK_BYTES = 128 << 20
"""A block ends early once its columns take this much memory."""


@dataclass(frozen=True, slots=True)
class EventBlock:
    """Some of a file's events, in the order of the file.

    `table`: an event table (see `model/event_table.py`), its columns in several pieces that may each have a
    dictionary of their own. `refused`: the rows of this stretch that are no events. `rows_read`: rows of the
    file (lines, Parquet rows, XES events) consumed up to the end of this block, the refused ones included:
    reading can go on from there. `bytes_read` of `total_bytes`: of the file itself.
    """

    table: pa.Table
    refused: Refusals
    rows_read: int
    bytes_read: int
    total_bytes: int


EMPTY_TABLE = pa.table(
    {USER: pa.array([], pa.string()), EVENT: pa.array([], pa.string()), TIME: pa.array([], TIME_TYPE)}
)


@dataclass(slots=True)
class BlockBuilder:
    """Gathers pieces of a file until they make a block."""

    block_rows: int = BLOCK_ROWS
    first_row: int = 0
    """Rows consumed before this block."""
    tables: list[pa.Table] = field(default_factory=list)
    size_bytes: int = 0
    """Of the tables, added up as they come: to ask each of them again after every piece is quadratic."""
    tally: RefusalTally = field(default_factory=RefusalTally)

    def add(self, table: pa.Table) -> None:
        """Take the events of one more piece."""
        if len(table):
            self.tables.append(table)
            self.size_bytes += table.nbytes

    def rows_left(self, rows_read: int) -> int:
        """How many more rows of the file this block takes."""
        return max(0, self.block_rows - (rows_read - self.first_row))

    @property
    def has_any(self) -> bool:
        """Whether there is an event or a refusal to hand on."""
        return bool(self.tables) or self.tally.any

    def is_full(self, rows_read: int) -> bool:
        """Whether the block is to be handed on."""
        return self.rows_left(rows_read) == 0 or self.size_bytes >= BLOCK_BYTES

    def finish(self, rows_read: int, bytes_read: int, total_bytes: int) -> EventBlock:
        """The block; what follows begins the next one."""
        block = EventBlock(stacked(self.tables), self.tally.refusals(), rows_read, bytes_read, total_bytes)
        self.first_row, self.tables, self.size_bytes, self.tally = rows_read, [], 0, RefusalTally()
        return block


def stacked(tables: list[pa.Table]) -> pa.Table:
    """Event tables as one, without copying; properties that some of them lack are missing there."""
    return pa.concat_tables(_alike(tables), promote_options="default") if tables else EMPTY_TABLE


def joined(tables: list[pa.Table]) -> pa.Table:
    """Event tables as one, every column in one piece."""
    whole = stacked(tables)
    # Column by column: Table.combine_chunks takes nine times as long for dictionaries.
    return pa.table([column.combine_chunks() for column in whole.columns], names=whole.column_names)


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    """A property of a column that is coded in one piece and plain in another becomes plain in both."""
    kinds: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for column in table.schema:
            kinds.setdefault(column.name, set()).add(column.type)
    mixed = {name for name, found in kinds.items() if len(found) > 1}
    if not mixed:
        return tables
    return [_plain(table, mixed) for table in tables]


def _plain(table: pa.Table, names: set[str]) -> pa.Table:
    for at, column in enumerate(table.schema):
        if column.name in names and pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table[column.name].cast(column.type.value_type))
    return table
