"""The event log in one SQLite database."""

from xingji.adapters.sqlite_log.log import SqliteLog

__all__ = ["SqliteLog"]
