"""A version of the lake as queries read it: a bucket's base, tail and merged users' rows, in one view."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import RLock
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import read_rows
from xingji.lake.forest import survivors_now
from xingji.lake.gathered import JoinedPart
from xingji.lake.memory import MemoryPart
from xingji.lake.overrides import NO_OVERRIDES, Overrides, read_overrides
from xingji.lake.part import Coded, EventNumbers, Int64s, Part, PropertyInfo, StoredPart
from xingji.lake.prepared import EventCodes, PreparedColumns, PreparedPart
from xingji.lake.tail import bucket_slices
from xingji.lake.user_history import UserHistories
from xingji.lake.view import View, compose_views
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import LakeFile, LakeStore, LakeTable, LakeVersion, Pin, Subject

KEPT_VIEWS = 3
"""Of each bucket so many views are kept: questions over other ranges of time may read other files."""
Answer = TypeVar("Answer")
_Span = tuple[int | None, int | None]


class TailParts:
    """Files of the tail in memory, one part for each bucket, shared by all snapshots of a process."""

    def __init__(self, store: LakeStore, open_files: int = 64) -> None:
        self._store, self._open_files = store, open_files
        self._files: OrderedDict[str, dict[int, MemoryPart]] = OrderedDict()
        self._mine = RLock()

    def parts(self, file: LakeFile, n_buckets: int, event_codes: EventCodes) -> dict[int, MemoryPart]:
        """The parts of a file by bucket.

        Raises:
            DamagedFileError: the file is damaged.
        """
        with self._mine:
            if file.path not in self._files:
                slices = bucket_slices(read_rows(self._store, file), n_buckets)
                self._files[file.path] = {
                    bucket: MemoryPart.from_sorted_table(f"{file.path}-{bucket}", rows, event_codes)
                    for bucket, rows in slices.items()
                }
            self._files.move_to_end(file.path)
            while len(self._files) > self._open_files:
                self._files.popitem(last=False)
            return self._files[file.path]

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._mine:
            self._files.clear()


class GuardedPart:
    """A base part that goes on without what a damaged file does not give any more; `warnings` say so."""

    def __init__(self, part: PreparedPart) -> None:
        self._part = part
        self.warnings: dict[str, None] = {}
        self.key, self.n_rows = part.key, part.n_rows
        self.first_us, self.last_us = part.first_us, part.last_us
        self.user_ids: Int64s = part.user_ids
        self.user_offsets: Int64s = part.user_offsets

    def time(self) -> Int64s:
        return self._part.time()

    def event(self) -> EventNumbers:
        return self._part.event()

    def seq(self) -> Int64s:
        missing = np.zeros(self.n_rows, np.int64)
        return self._try(self._part.seq, missing, "the order of its events at equal times is lost")

    def own(self) -> Int64s | None:
        return self._try(
            self._part.own, None, "its rows of users who were set apart again stay where they are"
        )

    def coded(self, name: str) -> Coded | None:
        lost = f"property {name} of its {self.n_rows} events reads as missing"
        return self._try(lambda: self._part.coded(name), None, lost)

    def _try(self, read: Callable[[], Answer], otherwise: Answer, lost: str) -> Answer:
        try:
            return read()
        except DamagedFileError as error:
            self.warnings[f"{error}; {lost}"] = None
            return otherwise


class JoinedParts:
    """Months of a bucket joined into one part, shared by all snapshots of a process.

    Those used least recently are let go when all take more than `budget_bytes` of memory.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._parts: OrderedDict[str, JoinedPart] = OrderedDict()
        self._mine = RLock()

    def join(self, parts: Sequence[Part]) -> Part:
        """The parts as one; as it was joined before, where none of its files turned out damaged since."""
        key = "+".join(part.key for part in parts)
        with self._mine:
            known = self._parts.get(key)
            if known is None or any(guard.warnings for guard in guards_of(known)):
                known = self._parts[key] = JoinedPart(parts)
            self._parts.move_to_end(key)
            held = sum(part.n_bytes for part in self._parts.values())
            while held > self._budget_bytes and len(self._parts) > 1:
                held -= self._parts.popitem(last=False)[1].n_bytes
            return known

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._mine:
            self._parts.clear()


def guards_of(part: Part) -> list[GuardedPart]:
    """The parts of files that a part is made of."""
    parts = part.parts if isinstance(part, JoinedPart) else [part]
    return [each for each in parts if isinstance(each, GuardedPart)]


@dataclass
class Bucket:
    """What a snapshot has made ready of one bucket: views by the files they are of, the latest last."""

    lock: RLock = field(default_factory=RLock)
    views: OrderedDict[frozenset[str], tuple[View, ...]] = field(default_factory=OrderedDict)
    histories: UserHistories | None = None


class LakeSnapshot:
    """See `xingji.lake.part.Snapshot`; holds its version until closed."""

    def __init__(
        self, pin: Pin, store: LakeStore, prepared: PreparedColumns, tails: TailParts, joined: JoinedParts,
        as_of_us: int | None = None,
    ) -> None:  # fmt: skip
        self._pin, self._store, self._prepared = pin, store, prepared
        self._tails, self._joined = tails, joined
        self._lake: LakeVersion = pin.version
        self._codes: EventCodes = {name: code for code, name in enumerate(self._lake.event_names)}
        self._warnings: dict[str, None] = {}
        self._guards: list[GuardedPart] = []
        self._chosen: tuple[_Span, list[LakeFile], frozenset[str]] | None = None
        self._buckets = [Bucket() for _ in range(self._lake.n_buckets)]
        self._overrides = self._read_overrides()
        self.as_of_us = self._last_us() if as_of_us is None else as_of_us
        self.event_properties = self._properties(Subject.EVENT)
        self.user_properties = self._properties(Subject.USER)

    def close(self) -> None:
        """Let go of the version's files."""
        self._pin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def version(self) -> str:
        return f"{self._store.location}@{self._lake.number}"

    @property
    def event_names(self) -> Sequence[str]:
        return self._lake.event_names

    @property
    def n_buckets(self) -> int:
        return self._lake.n_buckets

    @property
    def n_events(self) -> int:
        return sum(file.rows for file in self._lake.of(LakeTable.EVENTS, LakeTable.EVENTS_TAIL))

    @property
    def warnings(self) -> Sequence[str]:
        of_parts = (text for guard in tuple(self._guards) for text in guard.warnings)
        return tuple(dict.fromkeys((*self._warnings, *of_parts)))

    def views(self, bucket: int, first_us: int | None = None, last_us: int | None = None) -> tuple[View, ...]:
        wanted, key = self._files_of(first_us, last_us)
        own = self._buckets[bucket]
        with own.lock:  # buckets are made ready side by side, each of them once
            if key not in own.views:
                own.views[key] = self._compose(bucket, wanted)
            own.views.move_to_end(key)
            while len(own.views) > KEPT_VIEWS:
                own.views.popitem(last=False)
            return own.views[key]

    def _files_of(self, first_us: int | None, last_us: int | None) -> tuple[list[LakeFile], frozenset[str]]:
        """The files with events in a range of time, and what names them all."""
        span, known = (first_us, last_us), self._chosen
        if known is None or known[0] != span:
            files = [file for file in self._lake.files if _overlaps(file, first_us, last_us)]
            known = self._chosen = span, files, frozenset(file.path for file in files)
        return known[1:]

    def _compose(self, index: int, files: list[LakeFile]) -> tuple[View, ...]:
        stored = self._overrides.stored
        hidden = stored[bucket_of(stored, self.n_buckets) == index]
        base, loose = list(self._base_parts(files, index)), list(self._tail_parts(files, index))
        moved = list(self._moved_parts(files, index))
        own = self._buckets[index]
        if own.histories is None:
            own.histories = UserHistories(self._store, self._lake, self._overrides, index)
        return compose_views(base, loose, moved, hidden, own.histories.history, self._join)

    def _join(self, parts: Sequence[Part]) -> Part:
        joined = self._joined.join(parts)
        self._guards += guards_of(joined)
        return joined

    def _base_parts(self, files: list[LakeFile], index: int) -> Iterator[StoredPart]:
        for file in files:
            if file.table is LakeTable.EVENTS and file.bucket == index:
                try:
                    part = GuardedPart(self._prepared.part(file, self._codes))
                except DamagedFileError as error:
                    self._warn(f"{error}; its {file.rows} events are missing")
                else:
                    self._guards.append(part)
                    yield part

    def _tail_parts(self, files: list[LakeFile], index: int) -> Iterator[StoredPart]:
        for file in files:
            if file.table is LakeTable.EVENTS_TAIL:
                try:
                    parts = self._tails.parts(file, self.n_buckets, self._codes)
                except DamagedFileError as error:
                    self._warn(f"{error}; its {file.rows} events are missing")
                else:
                    yield from (part for bucket, part in parts.items() if bucket == index)

    def _moved_parts(self, files: list[LakeFile], index: int) -> Iterator[Part]:
        """The rows, wherever they are stored, that the overrides give to users of the bucket."""
        for bucket, users in self._overrides.sources_of(index, self.n_buckets):
            for part in (*self._base_parts(files, bucket), *self._tail_parts(files, bucket)):
                moved = self._overrides.rows_in(part, users, index, self.n_buckets)
                if moved is not None:
                    yield moved

    def _read_overrides(self) -> Overrides:
        try:
            return read_overrides(self._store, self._lake)
        except DamagedFileError as error:
            self._warn(f"{error}; users count as they did at the last compaction")
            return NO_OVERRIDES

    def _last_us(self) -> int:
        events = self._lake.of(LakeTable.EVENTS, LakeTable.EVENTS_TAIL)
        return max((file.last_us for file in events), default=0)

    def _properties(self, subject: Subject) -> dict[str, PropertyInfo]:
        types: dict[str, list[str]] = {}
        for p in self._lake.properties:
            if p.subject is subject:
                types.setdefault(p.name, []).append(p.type)
        return {name: PropertyInfo(name, tuple(dict.fromkeys(kinds))) for name, kinds in types.items()}

    def _warn(self, text: str) -> None:
        self._warnings[text] = None

    def user_ids_of(self, names: Sequence[str]) -> Int64s:
        ids = self._store.find_users(names)
        return np.unique(survivors_now(self._store, np.unique(ids[ids > 0]), self._lake.number))

    def user_names_of(self, user_ids: Int64s) -> list[str]:
        return self._store.user_names(user_ids)


def _overlaps(file: LakeFile, first_us: int | None, last_us: int | None) -> bool:
    if file.table not in (LakeTable.EVENTS, LakeTable.EVENTS_TAIL):
        return False
    return (first_us is None or file.last_us >= first_us) and (last_us is None or file.first_us <= last_us)
