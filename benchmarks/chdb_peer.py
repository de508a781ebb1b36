"""The first peer: ClickHouse in process (chDB)."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from chdb.session import Session

from benchmarks.cases import Case, Rows
from benchmarks.chdb_sql import QUESTIONS, TABLES, table_sql
from benchmarks.engine import THREADS
from benchmarks.log import Log


class ChDb:
    """A session over the tables of a log in a folder."""

    def __init__(self, folder: Path, log: Log) -> None:
        enum = ", ".join(f"'{name}' = {code}" for code, name in enumerate(log.event_names))
        self._event = f"Enum8({enum})"
        known = (folder / "loaded").exists()
        if not known:
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
        self._session = Session(str(folder))
        self._say(f"SET max_threads = {THREADS}")
        self.load_s = None if known else self._load(folder, log)

    def _say(self, sql: str) -> str:
        return str(self._session.query(sql.replace("$Event", self._event), "TabSeparated"))

    def _load(self, folder: Path, log: Log) -> float:
        """Fill the first table from the log and the others from it; the seconds the first one took."""
        (first, order), *others = TABLES
        started = time.perf_counter()
        self._say(table_sql(first, order))
        self._say(
            f"""
INSERT INTO {first} SELECT toUInt32(substring(user, 2)) + if(startsWith(user, 'D'), {log.people}, 0), time,
                           event, ifNull(city, ''), ifNull(position_rank, 0)
FROM file('{log.folder}/log-*.parquet') SETTINGS max_insert_threads = {THREADS}"""
        )
        self._say(f"OPTIMIZE TABLE {first} FINAL")
        load_s = time.perf_counter() - started
        for name, order in others:
            self._say(table_sql(name, order))
            self._say(f"INSERT INTO {name} SELECT * FROM {first}")
            self._say(f"OPTIMIZE TABLE {name} FINAL")
        (folder / "loaded").touch()
        return load_s

    def ways(self, case: Case) -> tuple[str, ...]:
        return tuple(QUESTIONS[case.name].sql)

    def ask(self, case: Case, way: str) -> str:
        return self._say(QUESTIONS[case.name].sql[way])

    def rows(self, case: Case, answer: Any) -> Rows:
        found = [tuple(line.split("\t")) for line in answer.splitlines()]
        return QUESTIONS[case.name].rows(found)

    def kept_bytes(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self._session.close()


def open_chdb(folder: Path, log: Log) -> ChDb:
    """The first peer."""
    return ChDb(folder, log)
