"""A project's stores in a folder, which can be closed and opened as after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from xingji.adapters.iceberg_local.store import IcebergLocalStore
from xingji.adapters.sqlite_identity.store import SqliteIdentityStore
from xingji.adapters.sqlite_ledger import SqliteLedger
from xingji.adapters.sqlite_log.log import SqliteLog
from xingji.adapters.sqlite_lots import SqliteLotBook
from xingji.adapters.sqlite_quarantine import SqliteQuarantine
from xingji.adapters.sqlite_user_values import SqliteUserValues
from xingji.analysis.engine import run_query
from xingji.govern.dedup.seen import SeenIds
from xingji.govern.identity.directory import Directory
from xingji.govern.identity.resolver import Resolver
from xingji.lake.lake import Lake
from xingji.lake.loading.loader import Loader
from xingji.lake.loading.project import Keepers, ProjectLoader
from xingji.model.parse import parse_query
from xingji.ports.event_log import Form, RawBatch

Document = dict[str, Any]
NOW_US = 1_790_000_000_000_000


class Office:
    """One log, one project."""

    def __init__(self, home: Path, lot_bytes: int = 1 << 20) -> None:
        self.log = SqliteLog(home / "log", writes=True)
        self.book = SqliteLotBook(home / "lots.db")
        store = IcebergLocalStore(home / "lake", 4)
        identities = SqliteIdentityStore(home / "identity.db")
        self.keepers = Keepers(
            Lake(store, home / "prepared"), SeenIds(home / "seen"), Resolver(identities),
            Directory(identities), SqliteUserValues(home / "values.db"),
            SqliteQuarantine(home / "quarantine.db"), SqliteLedger(home / "ledger.db"),
        )  # fmt: skip
        self._close: list[Callable[[], object]] = [
            self.log.close, self.book.close, store.close, identities.close, self.keepers.seen.close,
            self.keepers.values.close, self.keepers.quarantine.close, self.keepers.ledger.close,
        ]  # fmt: skip
        project = ProjectLoader(self.keepers)
        self.loader = Loader(self.log, self.book, lambda name: project, lot_bytes)

    def send(self, events: Iterable[Document | Any], at_us: int = NOW_US) -> int:
        """Put a batch in the log; gives its offset."""
        sent = list(events)
        body = json.dumps({"batch": sent}, ensure_ascii=False).encode()
        return self.log.submit(RawBatch("loan", Form.JSON, at_us, body, len(sent))).result()

    def command(self, command: bytes) -> int:
        return self.log.submit(RawBatch("loan", Form.CONTROL, NOW_US, command, 0)).result()

    def load(self) -> None:
        while self.loader.step():
            pass

    def ask(self, document: Document) -> Any:
        snapshot = self.keepers.lake.snapshot()
        try:
            return run_query(parse_query(json.dumps(document)), snapshot)
        finally:
            snapshot.close()

    def counts(self) -> dict[str, tuple[int, int]]:
        """Events and users by event name."""
        every = {
            measure: self.ask(
                {"kind": "trend", "series": [{"event": "*", "measure": measure}], "interval": "total",
                 "breakdown": ["event.$event"]}
            )["series"]
            for measure in ("events", "users")
        }  # fmt: skip
        events, users = (
            {line["breakdown"][0]: line["total"] for line in every[m]} for m in ("events", "users")
        )
        return {name: (events[name], users[name]) for name in sorted(events)}

    def close(self) -> None:
        for close in self._close:
            close()


def event(name: str, number: int, **ids: str) -> Document:
    """A track event with an id of its own."""
    return {"event": name, "event_id": f"e-{number}", "time": NOW_US - 1_000_000 + number, "identities": ids}
