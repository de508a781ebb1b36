"""Requests of the native format with the simulated bank's events, as its terminals and servers send them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from xingji.loan.config import SimulationConfig
from xingji.loan.simulation import Simulation
from xingji.ports.event_log import Form, LogEntry, RawBatch

TODAY = dt.date(2026, 3, 2)
_IDENTITY = "identity."
_FIELDS = ("user", "event", "time", "event_id", "platform")
_DELAY = "$received_delay_ms"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def bank_events(n_events: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Up to `n_events` events in order of arrival: when each was received (µs), and as it is sent."""
    batches = Simulation(SimulationConfig(today=TODAY, events=max(n_events, 20_000))).event_batches()
    return islice((pair for batch in batches for pair in _sent(batch)), n_events)


def _sent(batch: pa.RecordBatch) -> Iterator[tuple[int, dict[str, Any]]]:
    names = [name for name in batch.schema.names if name not in _FIELDS and not name.startswith(_IDENTITY)]
    kinds = [name for name in batch.schema.names if name.startswith(_IDENTITY)]
    columns = {name: batch[name].to_pylist() for name in batch.schema.names if name != "time"}
    for at, time_us in enumerate(batch["time"].cast(pa.int64()).to_pylist()):
        properties = {name: columns[name][at] for name in names if columns[name][at] is not None}
        delay_ms = properties.pop(_DELAY)
        ids = {kind.removeprefix(_IDENTITY): columns[kind][at] for kind in kinds}
        yield (
            time_us + delay_ms * 1_000,
            {
                "event_id": str(uuid.UUID(bytes=columns["event_id"][at])),
                "event": columns["event"][at],
                "time": dt.datetime.fromtimestamp(time_us / 1e6, dt.UTC).isoformat(timespec="milliseconds"),
                "identities": {kind: value for kind, value in ids.items() if value is not None},
                "platform": columns["platform"][at],
                "properties": properties,
            },
        )


def bank_entries(n_events: int, n_a_request: int) -> list[LogEntry]:
    """Entries of the log with so many events, `n_a_request` to each."""
    events = iter(bank_events(n_events))
    entries = []
    while part := list(islice(events, n_a_request)):
        received_us = max(when_us for when_us, _ in part)
        sent_at = dt.datetime.fromtimestamp(received_us / 1e6, dt.UTC).isoformat()
        body = _encode({"sent_at": sent_at, "batch": [event for _, event in part]})
        batch = RawBatch("bank", Form.JSON, received_us, body, len(part), "key")
        entries.append(LogEntry(len(entries) + 1, batch))
    return entries
