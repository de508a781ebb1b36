"""Ids and persons in one SQLite database a project."""

from xingji.adapters.sqlite_identity.store import SqliteIdentityStore

__all__ = ["SqliteIdentityStore"]
