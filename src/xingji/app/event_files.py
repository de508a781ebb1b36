"""Files named on the command line, read as one log."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from xingji.app.terminal import Terminal
from xingji.govern.files.block import joined
from xingji.govern.files.file_format import FORMATS
from xingji.govern.files.mapping import FieldMapping, parse_mapping
from xingji.govern.files.reading import FileOptions, read_events
from xingji.govern.files.refusal import Refusals
from xingji.model.errors import CallerError, FieldError, InputError, QueryTooLargeError
from xingji.model.event_table import MONEY_TYPE, PREFIX, TIME_TYPE

TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "time": TIME_TYPE,
    "money": MONEY_TYPE,
}
"""What `--type` takes; money has two places, and is added up to the cent."""
_HINT = "load the files with `xingji import`, and ask the lake"


def add_file_options(parser: ArgumentParser) -> None:
    """Let a command be told how files are to be read."""
    group = parser.add_argument_group("how files are read", "only what cannot be told from a file itself")
    group.add_argument(
        "--map",
        metavar="FIELD=COLUMN",
        action="append",
        default=[],
        help="where user, event, time or event_id is; time=at:%%d/%%m/%%Y gives a form, event==visit a "
        "constant, user=# makes each row a user",
    )
    group.add_argument(
        "--type",
        metavar="NAME=TYPE",
        action="append",
        default=[],
        help=f"what a property is, where that is not to be guessed: {', '.join(TYPES)}",
    )
    group.add_argument("--input-format", metavar="F", help=", ".join(FORMATS))
    group.add_argument(
        "--encoding", metavar="E", default="utf-8", help="of texts: utf-8 (default) or gb18030"
    )
    group.add_argument("--delimiter", metavar="D", help="of CSV: , ; | tab or whitespace")
    group.add_argument("--columns", metavar="A,B,…", default="", help="names for a CSV that has no header")


def check_file(path: Path) -> None:
    """Raise InputError for a name that is no file's, before anything is begun."""
    if not path.exists():
        raise InputError(str(path), "there is no such file")
    if path.is_dir():
        raise InputError(str(path), "it is a folder; name the files in it")


def check_kept_file(path: Path) -> None:
    """Raise InputError for what can be read only once, such as a pipe: an import looks, then reads."""
    check_file(path)
    if not path.is_file():
        raise InputError(str(path), "it is no file on a disk, and an import reads it twice; save it first")


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: which column is which field, and what cannot be told from a file itself."""

    mapping: FieldMapping = field(default_factory=FieldMapping)
    options: FileOptions = field(default_factory=FileOptions)
    types: tuple[tuple[str, str], ...] = ()
    """Properties and their types, by the names of `TYPES`."""

    @classmethod
    def of(cls, arguments: Namespace) -> Reading:
        """What the command line says; raises FieldError and UnknownNameError."""
        columns = tuple(name.strip() for name in arguments.columns.split(",") if name.strip())
        options = FileOptions(arguments.input_format, arguments.encoding, arguments.delimiter, columns)
        return cls(parse_mapping(arguments.map), options, parse_types(arguments.type))

    @property
    def is_default(self) -> bool:
        """Whether nothing was said."""
        return self == Reading()

    def property_types(self) -> dict[str, pa.DataType]:
        """The types of properties that were said."""
        return {name: TYPES[kind] for name, kind in self.types}


def parse_types(pairs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What `--type` says, in order of names.

    >>> parse_types(["amount=money", "zip=text"])
    (('amount', 'money'), ('zip', 'text'))

    Raises FieldError.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, kind = pair.rpartition("=")
        if not sign or not name or kind not in TYPES:
            raise FieldError("--type", pair, f"property=type, a type being one of {', '.join(TYPES)}")
        if found.setdefault(name, kind) != kind:
            raise CallerError(f"--type gives {name} two types, {found[name]} and {kind}")
    return tuple(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Log:
    """The events of all files in order (an event table), what each file held that is no event, and the files
    that held nothing."""

    table: pa.Table
    refused: dict[str, Refusals]
    empty: tuple[str, ...]


def read_log(paths: Sequence[Path], reading: Reading, bound_bytes: int, terminal: Terminal) -> Log:
    """The files as one log, in the order they are named.

    Raises InputError for a file that cannot be read, QueryTooLargeError for more than `bound_bytes`.
    """
    tables: list[pa.Table] = []
    refused: dict[str, Refusals] = {}
    empty: list[str] = []
    done_bytes, held_bytes = 0, 0
    with terminal.progress("Reading", _total_bytes(paths), "bytes") as advance:
        for path in paths:
            own, n_rows, types = Refusals(), 0, property_types(tables) | reading.property_types()
            for block in read_events(path, reading.mapping, options=reading.options, property_types=types):
                advance(done_bytes + block.bytes_read)
                held_bytes += block.table.nbytes
                if held_bytes > bound_bytes:
                    raise QueryTooLargeError(held_bytes, bound_bytes, _HINT)
                tables.append(block.table)
                own, n_rows = own + block.refused, n_rows + len(block.table)
            refused[str(path)] = own
            empty += [] if n_rows or own.total else [str(path)]
            done_bytes += _total_bytes([path])
    return Log(joined([table for table in tables if len(table)]), refused, tuple(empty))


def _total_bytes(paths: Sequence[Path]) -> int:
    return sum(os.path.getsize(path) for path in paths if path.is_file())


def property_types(tables: Sequence[pa.Table]) -> dict[str, pa.DataType]:
    """The types that properties have in the tables read so far: a later file's fit into the same columns."""
    found: dict[str, pa.DataType] = {}
    for table in tables:
        for column in table.schema:
            if column.name.startswith(PREFIX):
                kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
                found.setdefault(column.name.removeprefix(PREFIX), kind)
    return found


def remarks(log: Log) -> Iterator[str]:
    """What is worth saying of the files beside the answer, a line each."""
    total = sum(refusals.total for refusals in log.refused.values())
    if total:
        yield f"refused {total:,} of {len(log.table) + total:,} rows: {reasons(log.refused)}"
    for file in log.empty:
        yield f"{file} holds no rows"


def reasons(refused: dict[str, Refusals]) -> str:
    """Why rows of some files were refused, the most frequent reason first, each with its first place."""
    counts: dict[str, int] = {}
    places: dict[str, str] = {}
    for file, refusals in refused.items():
        for reason, count in refusals.counts.items():
            counts[reason] = counts.get(reason, 0) + count
        for example in refusals.examples:
            name = f"{Path(file).name} row" if len(refused) > 1 else "row"
            places.setdefault(example.reason, f"{name} {example.number:,}")
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count:,} {reason} (first: {places[reason]})" for reason, count in ranked)
