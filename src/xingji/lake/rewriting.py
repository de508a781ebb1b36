"""Building base files: rows from anywhere, put in order user by user, in files of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s, whole
from xingji.lake.data_file import field_ids, own_users, read_rows, subject_of, write_rows
from xingji.lake.fitting import Fitting
from xingji.lake.month import months_of
from xingji.lake.order import repeated_rows, starts_of, user_order
from xingji.lake.overrides import Overrides
from xingji.lake.part import Int64s
from xingji.lake.wide import Wide, stack_wide
from xingji.model.event_table import EVENT_ID, TIME
from xingji.ports.lake_store import SEQ, USER_ID, LakeFile, LakeStore, LakeTable, LakeVersion, WorkSession

MAX_FILE_ROWS = 1_000_000
"""More rows than this of one bucket and month become several files, each with users of its own."""
_ALL_USERS = 1 << 62


class Source(Protocol):
    """Rows of one bucket and month, sorted by user."""

    @property
    def n_rows(self) -> int: ...
    def users(self) -> Int64s:
        """The user of every row, rising."""
        ...

    def rows(self, first_user: int, end_user: int) -> Wide:
        """The rows of users from `first_user` up to, not including, `end_user`."""
        ...


class RowSource:
    """Rows in memory."""

    def __init__(self, rows: Wide) -> None:
        self._rows, self._users = rows, int64s(rows.dense[USER_ID])
        self.n_rows = rows.n_rows

    def users(self) -> Int64s:
        return self._users

    def rows(self, first_user: int, end_user: int) -> Wide:
        begin, end = np.searchsorted(self._users, [first_user, end_user]).tolist()
        return self._rows if end - begin == self.n_rows else self._rows.slice(begin, end)


class FileSource:
    """The rows of a base file, less those that overrides give to others."""

    def __init__(self, store: LakeStore, file: LakeFile, without: Overrides | None = None) -> None:
        self._store, self.file, self._without = store, file, without
        self.n_rows = file.rows

    @property
    def loses_rows(self) -> bool:
        """Whether rows of the file are left out."""
        return self._without is not None

    def users(self) -> Int64s:
        return int64s(read_rows(self._store, self.file, [USER_ID])[USER_ID])

    def rows(self, first_user: int, end_user: int) -> Wide:
        table = read_rows(self._store, self.file)
        if self._without is not None:
            kept = ~self._without.leaving(table)
            table = table if kept.all() else table.filter(pa.array(kept))
        return RowSource(Wide.of(table)).rows(first_user, end_user)


@dataclass
class Rewritten:
    """New base files, those they replace, and how many repeated events were dropped."""

    add: list[LakeFile] = field(default_factory=list)
    remove: list[LakeFile] = field(default_factory=list)
    repeated: int = 0


Written = Callable[[LakeFile, pa.Table], None]


class Rewriter:
    """Writes base files of one session, for one version's columns."""

    def __init__(
        self, store: LakeStore, session: WorkSession, version: LakeVersion, written: Written | None = None
    ) -> None:
        self._store, self._session, self._version, self._written = store, session, version, written

    def merge(
        self,
        table: LakeTable,
        bucket: int,
        month: int | None,
        old: Sequence[FileSource],
        new: Sequence[Source],
    ) -> Rewritten:
        """Put `new` rows to the `old` files of a bucket and month; files that nothing changes stay."""
        done = Rewritten()
        for first, end, file in _ranges(old):
            sources: list[Source] = [s for s in new if _has_users(s, first, end)]
            if file is not None and (sources or file.loses_rows):
                done.remove.append(file.file)
                sources.insert(0, file)
            for low, high in _cuts(sources, first, end):
                self._write(done, table, (bucket, month), [s.rows(low, high) for s in sources])
        return done

    def build(self, bucket: int, pieces: Sequence[Wide]) -> dict[int, Rewritten]:
        """Files of new events of a bucket, by month, for months that have none: put in order all at once."""
        rows, repeated = in_order(stack_wide(pieces), by_month=True)
        fitted, months = self._fitted(LakeTable.EVENTS, rows), months_of(int64s(rows.dense[TIME]))
        edges = starts_of(months)
        built = {int(months[begin]): Rewritten() for begin in edges[:-1].tolist()}
        for month in repeated.tolist():
            built[month].repeated += 1
        for (begin, end), (month, done) in zip(pairwise(edges.tolist()), built.items(), strict=True):
            self._store_file(done, LakeTable.EVENTS, (bucket, month), fitted.slice(begin, end))
        return built

    def _write(
        self, done: Rewritten, table: LakeTable, place: tuple[int, int | None], pieces: list[Wide]
    ) -> None:
        pieces = [piece for piece in pieces if piece.n_rows]
        if not pieces:
            return
        rows, repeated = in_order(stack_wide(pieces))
        done.repeated += len(repeated)
        self._store_file(done, table, place, self._fitted(table, rows))

    def _store_file(
        self, done: Rewritten, table: LakeTable, place: tuple[int, int | None], rows: Wide
    ) -> None:
        path = self._session.new_path(table, *place)
        file = write_rows(self._store, path, table, rows, field_ids(table, self._version), *place)
        done.add.append(file)
        if self._written:
            self._written(file, rows.dense)

    def _fitted(self, table: LakeTable, rows: Wide) -> Wide:
        fitting = Fitting(subject_of(table), self._version)
        return rows if fitting.fits(rows) else fitting.fit(rows)


def _ranges(old: Sequence[FileSource]) -> Iterator[tuple[int, int, FileSource | None]]:
    """The ranges of users that the files of a bucket and month divide; one range where there is no file."""
    files = sorted(old, key=lambda source: source.file.first_user)
    starts = [0, *(source.file.first_user for source in files[1:])]
    for at, first in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else _ALL_USERS
        yield first, end, files[at] if files else None


def _has_users(source: Source, first: int, end: int) -> bool:
    if not source.n_rows:
        return False
    if (first, end) == (0, _ALL_USERS):
        return True
    begin, stop = np.searchsorted(source.users(), [first, end])
    return bool(stop > begin)


def _cuts(sources: Sequence[Source], first: int, end: int) -> Iterator[tuple[int, int]]:
    """The range of users, cut where the rows of one file would become too many; no user is cut."""
    if not sources:
        return
    if sum(source.n_rows for source in sources) <= MAX_FILE_ROWS:
        yield first, end
        return
    users = np.sort(np.concatenate([source.users() for source in sources]))
    users = users[np.searchsorted(users, first) : np.searchsorted(users, end)]
    n_files = -(-len(users) // MAX_FILE_ROWS)
    cuts = np.unique(users[[len(users) * at // n_files for at in range(1, n_files)]]).tolist()
    yield from zip([first, *cuts], [*cuts, end], strict=True)


def in_order(rows: Wide, *, by_month: bool = False) -> tuple[Wide, Int64s]:
    """Rows sorted by (user_id, time, seq) without repeated events of one own user, and the months of those.

    `by_month`: by the month of their time first.
    """
    users, time_us, seq = (int64s(rows.dense[name]) for name in (USER_ID, TIME, SEQ))
    order = user_order(_within_months(users, months_of(time_us)) if by_month else users, time_us, seq)
    if EVENT_ID not in rows.dense.schema.names:
        return rows.take(order), np.zeros(0, np.int64)
    ids = whole(rows.dense[EVENT_ID])
    words = np.frombuffer(ids.buffers()[1], "V16")[ids.offset : ids.offset + len(ids)]
    own = own_users(rows.dense)
    repeats = repeated_rows(users[order], time_us[order], words, order, own)
    return rows.take(np.delete(order, repeats)), months_of(time_us[order[repeats]])


def _within_months(users: Int64s, months: Int64s) -> Int64s:
    """Numbers that rise with the month, then with the user."""
    users, months = users - users.min(), months - months.min()
    bits = int(users.max()).bit_length()
    if bits + int(months.max()).bit_length() > 62:  # users of far apart numbers
        users = np.unique(users, return_inverse=True)[1].astype(np.int64)
        bits = len(users).bit_length()
    return months << bits | users


def take(rows: pa.Table, order: Int64s) -> pa.Table:
    """Rows of a table in another order; every column becomes one array."""
    places = pa.array(order)
    columns = [whole(column).take(places) for column in rows.columns]
    return pa.table(columns, names=rows.schema.names)
