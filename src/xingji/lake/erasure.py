"""Erasing a user for good: from every file, the registry, prepared columns and unfinished work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import field_ids, own_users, read_rows, write_rows
from xingji.lake.forest import survivors_now
from xingji.lake.overrides import Overrides, read_overrides, write_overrides
from xingji.lake.part import Int64s
from xingji.ports.lake_store import (
    USER_ID,
    LakeChange,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    WorkSession,
)
from xingji.ports.local_file import replace_synced, when_full

SESSION = "erasure"
RECEIPT = "erasure-receipt"
"""The session that says, until an erased user's old files are gone too, what their erasure removed."""
_NOTE = "removed.json"


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed; `held_files` wait for readers that began before it."""

    users: int
    events: int
    user_changes: int
    held_files: int


class _Receipt(msgspec.Struct, frozen=True):
    """What the erasure of a user removes."""

    name: str
    done: Erased


def erase_rows(store: LakeStore, name: str) -> Erased:
    """Remove a user, and all who were merged into it, from all tables and the registry in one commit.

    The old files are still there after it; the caller collects, and then ends the erasure. One that was
    killed in between gives what it had removed. Unfinished work of processes that ended is dropped, for it
    may hold rows of the user.

    Raises:
        BusyError: somebody is rewriting the base, or an import is running.
        DamagedFileError: a file that may hold the user cannot be read; nothing was changed.
    """
    with store.rewriter(), store.writer():
        for other in set(store.sessions()) - {RECEIPT}:
            store.session(other).end()
        version = store.version()
        users = _person(store, name)
        if not len(users):
            return removed_before(store, name) or Erased(0, 0, 0, 0)
        session, receipt = store.session(SESSION), store.session(RECEIPT)
        try:
            return _commit(store, session, receipt, name, version, users)
        except Exception:
            receipt.end()
            raise
        finally:
            session.end()
            receipt.release()


def removed_before(store: LakeStore, name: str) -> Erased | None:
    """What an erasure of the named user removed that did not come to its end; None where there is none."""
    if RECEIPT not in store.sessions():
        return None
    receipt = store.session(RECEIPT)
    try:
        found = msgspec.json.decode((Path(receipt.scratch) / _NOTE).read_bytes(), type=_Receipt)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    finally:
        receipt.release()
    return found.done if found.name == name else None


def end_erasure(store: LakeStore) -> None:
    """Forget whom the last erasure removed: their files are gone, or wait for readers."""
    if RECEIPT in store.sessions():
        store.session(RECEIPT).end()


def _person(store: LakeStore, name: str) -> Int64s:
    """The ids of everyone who is one with the named user (rising)."""
    (user,) = store.find_users([name]).tolist()
    if not user:
        return np.zeros(0, np.int64)
    last = survivors_now(store, np.array([user], np.int64))
    merged = {*last.tolist(), *store.merges_under(last)[:, 0].tolist()}
    return np.array(sorted(merged | set(store.users_bound_to(sorted(merged)))), np.int64)


def _commit(
    store: LakeStore,
    session: WorkSession,
    receipt: WorkSession,
    name: str,
    version: LakeVersion,
    users: Int64s,
) -> Erased:
    add: list[LakeFile] = []
    remove: list[LakeFile] = []
    lost = dict.fromkeys(LakeTable, 0)
    overrides = read_overrides(store, version)
    for file in version.files:
        rows = _left(store, file, users, overrides, version.n_buckets)
        if rows is None:
            continue
        remove.append(file)
        lost[file.table] += file.rows - rows.num_rows
        if rows.num_rows:
            path = session.new_path(file.table, file.bucket, file.month)
            ids = field_ids(file.table, version)
            add.append(write_rows(store, path, file.table, rows, ids, file.bucket, file.month))
    kept = overrides.without(users)
    if len(kept) < len(overrides):
        remove += version.of(LakeTable.OVERRIDES)
        add += write_overrides(store, version, kept, store.reserve_seq(1))
    change = LakeChange(
        f"erasure {uuid4().hex}",
        tuple(add),
        tuple(remove),
        forget=tuple(users.tolist()),
        operation="overwrite",
    )
    events = lost[LakeTable.EVENTS] + lost[LakeTable.EVENTS_TAIL]
    done = Erased(len(users), events, lost[LakeTable.USERS] + lost[LakeTable.USERS_TAIL], 0)
    with when_full(receipt.scratch, "note what is erased"):
        replace_synced(Path(receipt.scratch) / _NOTE, msgspec.json.encode(_Receipt(name, done)))
    store.commit(change)
    return done


def _left(
    store: LakeStore, file: LakeFile, users: Int64s, overrides: Overrides, n_buckets: int
) -> pa.Table | None:
    """The rows that are left of a file; None when it holds none of the person's."""
    if file.table is LakeTable.OVERRIDES:
        return None
    here = np.union1d(users, overrides.places[np.isin(overrides.own, users)])
    here = here[(here >= file.first_user) & (here <= file.last_user)]
    if file.bucket is not None:
        here = here[bucket_of(here, n_buckets) == file.bucket]
    if not len(here) or not np.isin(int64s(read_rows(store, file, [USER_ID])[USER_ID]), here).any():
        return None
    rows = read_rows(store, file)
    owners = overrides.owners_of(int64s(rows[USER_ID]), own_users(rows))
    kept = ~np.isin(owners, users)
    return None if kept.all() else rows.filter(pa.array(kept))
