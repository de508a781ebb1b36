"""The port to where a lake's tables are kept: one atomic commit over all of them, versions that readers pin.

Five tables hold a lake. `events` is the base, one file for each bucket and month (or several with disjoint
ranges of users), sorted by (user_id, time, seq). `events_tail` holds what was appended since, one file for
each append, sorted by (bucket, user_id, time, seq). `users` and `users_tail` hold changes of user properties
likewise (the former by bucket only). `overrides` says which rows belong to another user than they are stored
under. All rows of one change become visible together, or not at all.

Beside the tables stand the names of users, who was merged into whom (as of each version), and the *lodgings*:
of which users rows may be stored under which others. Rows bear their own user where it is another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.model.errors import TransientError
from xingji.model.event_table import EVENT, EVENT_ID, RECEIVED_AT, REST, TIME, TIME_TYPE

Int64s = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]
"""`int64[n, 2]`: two users a row."""

USER_ID, SEQ = "user_id", "seq"
OWN = "own_user_id"
"""The user whom a row came for, where it is stored under another; null: the same."""
SURVIVOR = "survivor_id"


class LakeTable(StrEnum):
    """The tables of a lake."""

    EVENTS = "events"
    EVENTS_TAIL = "events_tail"
    USERS = "users"
    USERS_TAIL = "users_tail"
    OVERRIDES = "overrides"


class Subject(StrEnum):
    """What properties are about; both tables of a subject have the same columns."""

    EVENT = "event"
    USER = "user"


TABLES_OF = {
    Subject.EVENT: (LakeTable.EVENTS, LakeTable.EVENTS_TAIL),
    Subject.USER: (LakeTable.USERS, LakeTable.USERS_TAIL),
}

FIXED_COLUMNS: dict[LakeTable, tuple[tuple[str, pa.DataType], ...]] = {
    **dict.fromkeys(
        TABLES_OF[Subject.EVENT],
        (
            (USER_ID, pa.int64()),
            (TIME, TIME_TYPE),
            (SEQ, pa.int64()),
            (EVENT, pa.string()),
            (EVENT_ID, pa.binary(16)),
            (RECEIVED_AT, TIME_TYPE),
            (REST, pa.string()),
            (OWN, pa.int64()),
        ),
    ),
    **dict.fromkeys(
        TABLES_OF[Subject.USER],
        (
            (USER_ID, pa.int64()),
            (TIME, TIME_TYPE),
            (SEQ, pa.int64()),
            (REST, pa.string()),
            (OWN, pa.int64()),
        ),
    ),
    LakeTable.OVERRIDES: (
        (USER_ID, pa.int64()),
        (SURVIVOR, pa.int64()),
        (SEQ, pa.int64()),
        (OWN, pa.int64()),
    ),
}
"""The columns of a table's own; the field id of each is its place, counted from 1.

In a lake from before there was OWN, that column came later: `LakeVersion.own_field_ids` says where.
"""

BASE_TABLES = (LakeTable.EVENTS, LakeTable.USERS)
TAIL_TABLES = (LakeTable.EVENTS_TAIL, LakeTable.USERS_TAIL)


@dataclass(frozen=True, slots=True)
class LakeFile:
    """An immutable Parquet file of one table; `path` is relative to the store, bounds are inclusive.

    `month` counts from January 1970; files of the tail and of `overrides` have neither bucket nor month,
    files of `users` have no month.
    """

    table: LakeTable
    path: str
    rows: int
    bytes: int
    bucket: int | None = None
    month: int | None = None
    first_us: int = 0
    last_us: int = 0
    first_user: int = 0
    last_user: int = 0


@dataclass(frozen=True, slots=True)
class Property:
    """A property in the type `type` (an Arrow type's text, or `json`); `field_id` 0: it has no column."""

    subject: Subject
    name: str
    type: str
    field_id: int = 0


@dataclass(frozen=True, slots=True)
class Merge:
    """User `absorbed` was merged into `survivor` at log position `seq`, with all who were merged into it."""

    absorbed: int
    survivor: int
    seq: int


OWN_FIELD_IDS: Mapping[Subject, int] = {
    subject: len(FIXED_COLUMNS[tables[0]]) for subject, tables in TABLES_OF.items()
}
"""The field id of OWN in the tables of a subject, where it was there from the beginning."""


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """One state of all tables; `event_names[code]` is a name, `properties` in order of first sight."""

    number: int
    files: tuple[LakeFile, ...]
    event_names: tuple[str, ...]
    properties: tuple[Property, ...]
    n_buckets: int
    own_field_ids: Mapping[Subject, int] = field(default_factory=lambda: OWN_FIELD_IDS, hash=False)

    def of(self, *tables: LakeTable) -> list[LakeFile]:
        """The files of some tables."""
        return [file for file in self.files if file.table in tables]

    def columns(self, subject: Subject) -> dict[str, Property]:
        """The properties that have a column of their own, by name."""
        return {p.name: p for p in self.properties if p.subject is subject and p.field_id}


def no_pairs() -> Pairs:
    """Pairs of users, none yet."""
    return np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True)
class LakeChange:
    """Everything that one commit changes.

    `batch_id` makes it idempotent. Every file of `remove` must be live. `event_names` get the next codes in
    turn. `columns` are properties that get columns (with field ids above all earlier ones), `properties`
    those that do not. `merges` hold from this version on, each in place of an earlier one of its absorbed
    user; those of the users `unmerged` end. `lodged` and `vacated` (user, place) are lodgings that begin and
    end. `forget` drops users from the registry, physically. `operation` is Iceberg's word: append, overwrite,
    replace or delete.
    """

    batch_id: str
    add: tuple[LakeFile, ...] = ()
    remove: tuple[LakeFile, ...] = ()
    event_names: tuple[str, ...] = ()
    columns: tuple[Property, ...] = ()
    properties: tuple[Property, ...] = ()
    merges: tuple[Merge, ...] = ()
    unmerged: tuple[int, ...] = ()
    lodged: Pairs = field(default_factory=no_pairs)
    vacated: Pairs = field(default_factory=no_pairs)
    forget: tuple[int, ...] = ()
    operation: str = field(default="append")


class CommitConflictError(TransientError):
    """Another writer changed what this change was built on; nothing was written."""

    def __init__(self, batch_id: str, reason: str) -> None:
        self.batch_id = batch_id
        super().__init__(f"the change {batch_id} came too late: {reason}; build it anew")


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed, and how many files it left because readers still hold their version."""

    files: int
    bytes: int
    held: int


class Pin(AbstractContextManager["Pin"], Protocol):
    """A reader's hold on a version: its files stay until the pin is closed, or its process has ended."""

    @property
    def version(self) -> LakeVersion: ...
    def close(self) -> None: ...


class WorkSession(Protocol):
    """Files under construction: kept from collection while the session exists, its process killed or not.

    One process holds a session at a time; `scratch` is a local folder that lives as long as the session does.
    """

    @property
    def name(self) -> str: ...
    @property
    def scratch(self) -> str: ...
    def new_path(self, table: LakeTable, bucket: int | None = None, month: int | None = None) -> str:
        """A fresh path for a file of the table."""
        ...

    def end(self) -> None:
        """Forget the session and its scratch folder; its files that no version names may be collected."""
        ...

    def release(self) -> None:
        """Let another process go on with the session."""
        ...


class LakeStore(Protocol):
    """Where the tables of one lake are kept. Its one writing primitive is `commit`."""

    @property
    def location(self) -> str:
        """A name for messages."""
        ...

    def version(self) -> LakeVersion:
        """The newest version, not pinned."""
        ...

    def pin(self) -> Pin:
        """The newest version, its files kept from collection until the pin is closed."""
        ...

    def writer(self) -> AbstractContextManager[None]:
        """Hold out other writers, for reading and committing in one go; re-entrant within a thread.

        Raises:
            BusyError: another process did not let go in time.
        """
        ...

    def rewriter(self) -> AbstractContextManager[None]:
        """Hold out others that rewrite the base (imports, compaction, erasure); raises BusyError at once."""
        ...

    def commit(self, change: LakeChange) -> LakeVersion:
        """Apply a change to all tables at once, durably; a `batch_id` seen before changes nothing.

        Raises:
            CommitConflictError: a file to be removed is not live any more.
            StorageFullError: the disk has no room; nothing was changed.
        """
        ...

    def is_committed(self, batch_id: str) -> bool: ...
    def session(self, name: str) -> WorkSession:
        """Begin the named session, or go on with it; raises BusyError while another process holds it."""
        ...

    def sessions(self) -> Sequence[str]:
        """The names of sessions that have not ended."""
        ...

    def new_path(self, table: LakeTable) -> str:
        """A fresh path for a file that is written and committed while `writer` is held."""
        ...

    def open_output(self, path: str) -> AbstractContextManager[BinaryIO]:
        """A new file; when the block ends without an error, file and folder are durable."""
        ...

    def open_input(self, path: str) -> pa.NativeFile:
        """A stored file for random access.

        Raises:
            DamagedFileError: it is not there.
        """
        ...

    def size(self, path: str) -> int:
        """The bytes of a stored file; -1 when it is not there."""
        ...

    def reserve_seq(self, n: int) -> int:
        """The first of `n` places in log order that nobody else gets."""
        ...

    def assign_users(self, names: Sequence[str]) -> Int64s:
        """The ids of users by name, merged or not, unknown names newly registered."""
        ...

    def find_users(self, names: Sequence[str]) -> Int64s:
        """The ids of users by name, merged or not; 0 for unknown names."""
        ...

    def user_names(self, user_ids: Int64s) -> list[str]:
        """The names of users by id; an empty text for ids that nobody has."""
        ...

    def users_bound_to(self, user_ids: Sequence[int]) -> list[int]:
        """Users whose names lead to one of `user_ids` for good: old lakes made compacted merges final."""
        ...

    def merges_of(self, user_ids: Int64s, number: int | None = None) -> Pairs:
        """The merges (absorbed, survivor) of users, of their survivors, and so on upwards, in a version; in
        the newest one where no `number` is given."""
        ...

    def merges_under(self, user_ids: Int64s) -> Pairs:
        """The merges (absorbed, survivor) into users, into those who were absorbed, and so on downwards."""
        ...

    def lodge(self, lodgings: Pairs) -> None:
        """Note lodgings (user, place), durably, ahead of the rows."""
        ...

    def lodgings_of(self, user_ids: Int64s) -> Pairs:
        """The lodgings (user, place) of users."""
        ...

    def lodgers_of(self, places: Int64s) -> Pairs:
        """The lodgings (user, place) under users."""
        ...

    def collect(self, grace_seconds: float = 0.0) -> Collected:
        """Remove, durably, every file that no version in use and no session needs.

        Versions superseded less than `grace_seconds` ago count as in use, for engines that pin nothing.
        """
        ...

    def check(self) -> list[str]:
        """What is inconsistent between catalogue, tables and files, one sentence each."""
        ...
