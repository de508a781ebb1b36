"""The second peer: DuckDB, a table laid out by user and time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.cases import Case, Rows
from benchmarks.duckdb_sql import QUESTIONS
from benchmarks.engine import THREADS
from benchmarks.log import Log


class DuckDb:
    """A database file over the log in a folder."""

    def __init__(self, folder: Path, log: Log) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        known = (folder / "loaded").exists()
        if not known:
            (folder / "log.duckdb").unlink(missing_ok=True)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS,
            "memory_limit": "6GB",
        }
        self._connection = duckdb.connect(folder / "log.duckdb", config=settings)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._middle = log.people // 2
        self.load_s = None if known else self._load(folder, log)

    def _load(self, folder: Path, log: Log) -> float:
        started = time.perf_counter()
        names = ", ".join(f"'{name}'" for name in log.event_names)
        self._connection.execute(f"CREATE TYPE event_name AS ENUM ({names})")
        self._connection.execute(
            f"""
CREATE TABLE e AS
SELECT CAST(CAST(user[2:] AS UINTEGER) + CASE WHEN user[1] = 'D' THEN {log.people} ELSE 0 END AS UINTEGER)
         AS user_id,
       CAST(time AS TIMESTAMP) AS ts, CAST(event AS event_name) AS event, CAST(city AS VARCHAR) AS city,
       CAST(position_rank AS UTINYINT) AS position_rank
FROM read_parquet('{log.folder}/log-*.parquet') ORDER BY user_id, ts"""
        )
        load_s = time.perf_counter() - started
        (folder / "loaded").touch()
        return load_s

    def ways(self, case: Case) -> tuple[str, ...]:
        return tuple(QUESTIONS[case.name].sql)

    def ask(self, case: Case, way: str) -> list[tuple[Any, ...]]:
        sql = QUESTIONS[case.name].sql[way].replace("$middle", str(self._middle))
        return self._connection.execute(sql).fetchall()

    def rows(self, case: Case, answer: Any) -> Rows:
        return QUESTIONS[case.name].rows(answer)

    def kept_bytes(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self._connection.close()


def open_duckdb(folder: Path, log: Log) -> DuckDb:
    """The second peer."""
    return DuckDb(folder, log)
