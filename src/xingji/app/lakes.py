"""The lake of a project, opened where the home folder keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy.exc

from xingji.adapters.iceberg_local.store import IcebergLocalStore
from xingji.app.project import existing_folder_of, folder_of
from xingji.app.settings import Settings
from xingji.lake.lake import Lake
from xingji.model.errors import CallerError, DamagedFileError, shown


@contextmanager
def new_or_open_lake(settings: Settings, project: str) -> Iterator[Lake]:
    """The lake of a project, made when there is none."""
    folder = folder_of(settings, project) / "lake"
    try:
        store = IcebergLocalStore(folder, settings.buckets)
    except (sqlite3.DatabaseError, sqlalchemy.exc.DatabaseError) as fault:
        reason = str(getattr(fault, "orig", fault))
        raise DamagedFileError(str(folder / "catalog.db"), reason) from fault
    lake = Lake(store, folder_of(settings, project) / "prepared", settings.joined_bytes)
    try:
        yield lake
        lake.prepared.evict(settings.prepared_bytes)
    finally:
        store.close()


@contextmanager
def open_lake(settings: Settings, project: str) -> Iterator[Lake]:
    """The lake of a project; raises CallerError where nothing was ever loaded."""
    existing_folder_of(settings, project)
    with new_or_open_lake(settings, project) as lake:
        yield lake


def check_user(lake: Lake, option: str, user: str, project: str) -> None:
    """Raise CallerError for a user whom the project does not know."""
    if not lake.store.find_users([user])[0]:
        raise CallerError(
            f"{option} is {shown(user)}, whom project {project} does not know; nothing was changed"
        )
