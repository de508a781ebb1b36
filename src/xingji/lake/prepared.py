"""Prepared columns: for each immutable base file the numbers its kernels read, mapped, made at first use.

Every one of them can be made again from the file, so any of them may be damaged or evicted at any time.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import RLock

import pyarrow as pa
import xxhash

from xingji.lake.arrow_columns import int64s, whole
from xingji.lake.column_file import (
    Column,
    map_column,
    read_dictionary,
    read_note,
    write_column,
    write_note,
)
from xingji.lake.data_file import column_names, own_users, read_rows
from xingji.lake.dictionary import encode_column, event_numbers, overlay
from xingji.lake.leftovers import by_name, of_name
from xingji.lake.order import starts_of
from xingji.lake.part import Coded, Dictionary, EventNumbers, Int64s
from xingji.model.event_table import EVENT, PREFIX, REST, TIME
from xingji.ports.lake_store import OWN, SEQ, USER_ID, LakeFile, LakeStore

CORE = (USER_ID, TIME, EVENT)
"""The columns of a file that its core is made of."""
_LEFTOVERS = "leftovers"
EventCodes = Mapping[str, int]


def core_columns(rows: pa.Table, event_codes: EventCodes) -> dict[str, Column]:
    """The columns every query reads, from rows sorted by user."""
    users, time_us = int64s(rows[USER_ID]), int64s(rows[TIME])
    offsets = starts_of(users)
    return {
        "user_ids": users[offsets[:-1]],
        "user_offsets": offsets,
        "time": time_us,
        "event": event_numbers(rows[EVENT], event_codes),
    }


class PreparedPart:
    """One base file as a part (see `xingji.lake.part.Part`), columns mapped while they are held."""

    def __init__(self, folder: Path, store: LakeStore, file: LakeFile, event_codes: EventCodes) -> None:
        self._folder, self._store, self._file, self._event_codes = folder, store, file, event_codes
        self._mine = RLock()
        self._columns: dict[str, Column] = {}

    @property
    def key(self) -> str:
        return self._folder.name

    @property
    def n_rows(self) -> int:
        return self._file.rows

    @property
    def first_us(self) -> int:
        return self._file.first_us

    @property
    def last_us(self) -> int:
        return self._file.last_us

    @property
    def path(self) -> str:
        """The file behind the part."""
        return self._file.path

    @property
    def user_ids(self) -> Int64s:
        return self._kept("user_ids")

    @property
    def user_offsets(self) -> Int64s:
        return self._kept("user_offsets")

    def time(self) -> Int64s:
        return self._column("time")

    def seq(self) -> Int64s:
        return self._column("seq")

    def event(self) -> EventNumbers:
        return self._column("event")

    def own(self) -> Int64s | None:
        """The own user of every row, 0 where the same; None where it always is.

        Raises:
            DamagedFileError: it is not there, and the file it is made of is damaged.
        """
        with self._mine:
            note = read_note(self._folder, OWN)
            if note is not None and note.get("absent"):
                return None
            mapped = self._map(OWN)
            return self._make_own() if mapped is None else mapped

    def _make_own(self) -> Int64s | None:
        own = own_users(read_rows(self._store, self._file, [USER_ID, OWN]))
        if own is None:
            self._note_absent(OWN)
            return None
        return self._keep(OWN, own)

    def _note_absent(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_note(self._folder, name, absent=True)

    def _kept(self, name: str) -> Column:
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def _column(self, name: str) -> Column:
        """A column; made again when it is not there or not whole.

        Raises:
            DamagedFileError: it is not there, and the file it is made of is damaged.
        """
        with self._mine:
            mapped = self._map(name)
            return self._make(name) if mapped is None else mapped

    def _map(self, name: str) -> Column | None:
        note = read_note(self._folder, name)
        return None if note is None else map_column(self._folder, name, note)

    def _make(self, name: str) -> Column:
        if name == "seq":
            made = {"seq": int64s(read_rows(self._store, self._file, [SEQ])[SEQ])}
        else:
            made = core_columns(read_rows(self._store, self._file, CORE), self._event_codes)
        return {other: self._keep(other, values) for other, values in made.items()}[name]

    def _keep(self, name: str, values: Column, dictionary: Sequence[pa.Array] = ()) -> Column:
        """Store a column and map it; where the disk has no room, it stays in memory."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_column(self._folder, name, values, dictionary)
            mapped = self._map(name)
            return values if mapped is None else mapped
        return values

    def coded(self, name: str) -> Coded | None:
        """A property as codes; None where no row has it.

        Raises:
            DamagedFileError: it is not there, and the file it is made of is damaged.
        """
        with self._mine:
            return self._load_property(name)

    def _load_property(self, name: str) -> Coded | None:
        stem = f"p-{xxhash.xxh3_64_hexdigest(name.encode())}"
        note = read_note(self._folder, stem)
        if note is not None and note.get("absent"):
            return None
        if note is not None and "dictionary_xxh3" in note:
            codes = map_column(self._folder, stem, note)
            chunks = read_dictionary(self._folder, stem, note)
            if codes is not None and chunks is not None:
                return Coded(codes, Dictionary(chunks))
        return self._make_property(name, stem)

    def _make_property(self, name: str, stem: str) -> Coded | None:
        coded = self._encode(name)
        if coded is None or len(coded.dictionary) == 1:
            self._note_absent(stem)
            return None
        return Coded(self._keep(stem, coded.codes, coded.dictionary.chunks), coded.dictionary)

    def _encode(self, name: str) -> Coded | None:
        stored = column_names(self._store, self._file)
        base = None
        if PREFIX + name in stored:
            base = encode_column(read_rows(self._store, self._file, [PREFIX + name])[PREFIX + name])
        if REST not in stored:
            return base
        rows, values = of_name(self._leftovers(), name)
        return overlay(base, rows, values, self.n_rows)

    def _leftovers(self) -> pa.Table:
        path = self._folder / f"{_LEFTOVERS}.arrow"
        digest = read_note(self._folder, _LEFTOVERS)
        with contextlib.suppress(OSError, pa.ArrowException):
            content = path.read_bytes()
            if digest and digest.get("xxh3") == xxhash.xxh3_64_hexdigest(content):
                return pa.ipc.open_file(content).read_all()
        table = by_name(whole(read_rows(self._store, self._file, [REST])[REST]))
        with contextlib.suppress(OSError):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
            content = sink.getvalue().to_pybytes()
            path.write_bytes(content)
            write_note(self._folder, _LEFTOVERS, xxh3=xxhash.xxh3_64_hexdigest(content))
        return table


class PreparedColumns:
    """The prepared columns of a lake, in a folder of their own, shared by all snapshots of a process."""

    def __init__(self, folder: Path, store: LakeStore, open_parts: int = 4096) -> None:
        self._folder, self._store, self._open_parts = folder, store, open_parts
        self._parts: OrderedDict[str, PreparedPart] = OrderedDict()
        self._mine = RLock()

    def part(self, file: LakeFile, event_codes: EventCodes) -> PreparedPart:
        """The part of a base file."""
        with self._mine:
            if file.path not in self._parts:
                place = self._place(file.path)
                self._parts[file.path] = PreparedPart(place, self._store, file, event_codes)
            self._parts.move_to_end(file.path)
            while len(self._parts) > self._open_parts:
                self._parts.popitem(last=False)
            return self._parts[file.path]

    def put(self, file: LakeFile, rows: pa.Table, event_codes: EventCodes) -> None:
        """Make the core of a file from its rows, while they are in memory."""
        folder = self._place(file.path)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            for name, values in core_columns(rows, event_codes).items():
                write_column(folder, name, values)

    def _place(self, path: str) -> Path:
        return self._folder / path.rsplit("/", 1)[-1].removesuffix(".parquet")

    def keep_only(self, files: Sequence[LakeFile]) -> None:
        """Remove what was prepared for other files."""
        kept = {self._place(file.path).name for file in files}
        with self._mine:
            for path in [path for path in self._parts if self._place(path).name not in kept]:
                del self._parts[path]
        for folder in self._folders():
            if folder.name not in kept:
                remove_folder(folder)

    def _folders(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (path for path in self._folder.iterdir() if path.is_dir())

    def size(self) -> int:
        """The bytes of all prepared columns."""
        return sum(size_of(path) for folder in self._folders() for path in folder.iterdir())

    def evict(self, budget_bytes: int) -> int:
        """Remove columns, least recently used first, until the rest fits; gives the bytes freed."""
        excess = self.size() - budget_bytes
        freed = 0
        notes = [path for folder in self._folders() for path in folder.glob("*.json")]
        for note in sorted(notes, key=last_use):
            if freed >= excess:
                break
            freed += remove_column(note)
        return freed


def last_use(note: Path) -> float:
    """When a column was mapped last."""
    try:
        return note.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def size_of(path: Path) -> int:
    """The bytes a file takes on the disk (holes are free)."""
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def remove_column(note: Path) -> int:
    """Remove a column and its note; those who have mapped it keep it."""
    freed = 0
    for path in note.parent.glob(f"{note.stem}.*"):
        freed += size_of(path)
        path.unlink(missing_ok=True)
    return freed


def remove_folder(folder: Path) -> None:
    """Remove the columns of one file."""
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
