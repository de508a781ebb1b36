"""Looking a lake over: every file there, legible, in its place and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.bucket import bucket_of
from xingji.lake.compaction import place_of
from xingji.lake.data_file import read_rows
from xingji.lake.forest import survivors_now
from xingji.lake.month import months_of
from xingji.lake.overrides import Overrides, lodgings_in, read_overrides
from xingji.lake.pairs import find_pairs
from xingji.model.errors import DamagedFileError
from xingji.model.event_table import TIME
from xingji.ports.lake_store import (
    BASE_TABLES,
    SEQ,
    TAIL_TABLES,
    USER_ID,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    Pairs,
)

MOST_TOLD = 3
"""Of each kind of trouble in a file, so many examples are told."""


def find_trouble(store: LakeStore) -> Iterator[str]:
    """What is wrong with the newest version, one sentence each; reads every file in full."""
    with store.pin() as pin:
        yield from store.check()
        yield from _overlapping(pin.version)
        try:
            overrides = read_overrides(store, pin.version)
        except DamagedFileError:
            overrides = None  # which is told with the other files
        for file in pin.version.files:
            try:
                rows = read_rows(store, file)
            except DamagedFileError as error:
                yield str(error)
                continue
            if file.table is not LakeTable.OVERRIDES:
                yield from _misplaced(file, rows, pin.version.n_buckets)
                if overrides is not None:
                    yield from _misread(store, file, lodgings_in(rows), overrides, pin.version)


def _overlapping(version: LakeVersion) -> Iterator[str]:
    """Base files of one bucket and month that share users."""
    files = sorted(
        version.of(*BASE_TABLES), key=lambda file: (file.table, str(place_of(file)), file.first_user)
    )
    for before, file in pairwise(files):
        same_place = (before.table, place_of(before)) == (file.table, place_of(file))
        if same_place and before.last_user >= file.first_user:
            yield f"{before.path} and {file.path} hold the same users of one bucket and month"


def _misread(
    store: LakeStore, file: LakeFile, lodgings: Pairs, overrides: Overrides, version: LakeVersion
) -> Iterator[str]:
    """Rows that would be read as somebody else's than whom their users belong to, by all merges."""
    own, places = lodgings[:, 0], lodgings[:, 1]
    read = overrides.owners_of(places, np.where(own == places, 0, own))
    due = survivors_now(store, own, version.number)
    for at in np.flatnonzero(read != due)[:MOST_TOLD].tolist():
        yield f"{file.path} holds rows of user {own[at]} that are {due[at]}'s, and are read as {read[at]}'s"
    foreign = lodgings[own != places]
    unknown = foreign[find_pairs(store.lodgings_of(np.unique(foreign[:, 0])), foreign) < 0]
    if len(unknown) and store.version().number == version.number:
        yield f"{file.path} holds rows of user {unknown[0, 0]} under {unknown[0, 1]}, which nobody noted"


def _misplaced(file: LakeFile, rows: pa.Table, n_buckets: int) -> Iterator[str]:
    users, time_us, seq = (int64s(rows[name]) for name in (USER_ID, TIME, SEQ))
    buckets = bucket_of(users, n_buckets)
    keys = ([buckets] if file.table in TAIL_TABLES else []) + [users, time_us, seq]
    if not is_sorted(keys):
        yield f"{file.path} is not in order"
    if file.bucket is not None and (buckets != file.bucket).any():
        yield f"{file.path} holds users of other buckets than {file.bucket}"
    if file.month is not None and (months_of(time_us) != file.month).any():
        yield f"{file.path} holds events of other months than its own"
    if (int(users.min()), int(users.max())) != (file.first_user, file.last_user):
        yield f"{file.path} holds users {users.min()} to {users.max()}, the catalogue says otherwise"
    if (int(time_us.min()), int(time_us.max())) != (file.first_us, file.last_us):
        yield f"{file.path} holds other times than the catalogue says"


def is_sorted(keys: Sequence[npt.NDArray[np.integer[Any]]]) -> bool:
    """Whether rows rise by the keys, the first of which counts most."""
    tied = np.ones(max(len(keys[0]) - 1, 0), bool)
    for key in keys:
        step = np.diff(key.astype(np.int64, copy=False))
        if bool((step[tied] < 0).any()):
            return False
        tied &= step == 0
    return True
