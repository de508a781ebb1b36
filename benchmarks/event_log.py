"""`python -m benchmarks.event_log`: how fast batches become durable, and what an acknowledgement takes."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import threading
import time
import uuid
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.__main__ import wide_console
from xingji.adapters.sqlite_log import SqliteLog
from xingji.ports.event_log import BackPressureError, Form, RawBatch

_AHEAD = 32
"""Batches that a thread has sent and not yet seen acknowledged, as so many connections would."""


def body_of(n_events: int, seed: int) -> bytes:
    """A body of the native format with events as wide as a loan application's."""
    dice = np.random.default_rng(seed)
    events = [
        {
            "event_id": str(uuid.UUID(bytes=dice.bytes(16))),
            "event": "apply_step",
            "time": dt.datetime.fromtimestamp(1.78e9 + seed + at, dt.UTC).isoformat(timespec="milliseconds"),
            "identities": {"device": f"d-{dice.integers(1 << 40):x}", "login": f"u-{dice.integers(1 << 24)}"},
            "platform": "android",
            "properties": {
                "product": "房快贷", "step": int(dice.integers(7)), "amount": int(dice.integers(1 << 20)),
                "application_id": f"A-{dice.integers(1 << 40)}", "$app_version": "8.2.1", "$model": "P60",
                "$city": "重庆", "duration_ms": int(dice.integers(1 << 16)), "is_ok": bool(dice.integers(2)),
            },
        }
        for at in range(n_events)
    ]  # fmt: skip
    return json.dumps({"sent_at": "2026-06-01T00:00:00Z", "batch": events}, ensure_ascii=False).encode()


def measure(n_events: int, n_threads: int, seconds: float) -> dict[str, float]:
    """Events and batches a second, and the percentiles of an acknowledgement in milliseconds."""
    bodies = [body_of(n_events, seed) for seed in range(50)]
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder), writes=True)
        until = time.perf_counter() + seconds

        def work(number: int) -> None:
            waiting: list[Future[int]] = []
            at = number
            while time.perf_counter() < until:
                at += 1
                sent = time.perf_counter()
                try:
                    future = log.submit(RawBatch("p", Form.JSON, at, bodies[at % len(bodies)], n_events))
                except BackPressureError:
                    time.sleep(0.001)
                    continue
                future.add_done_callback(lambda _, sent=sent: took.append(time.perf_counter() - sent))  # type: ignore[misc]
                waiting.append(future)
                if len(waiting) >= _AHEAD:
                    waiting.pop(0).result()
            for future in waiting:
                future.result()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed = time.perf_counter() - started
        log.close()
        on_disk = sum(file.stat().st_size for file in Path(folder).iterdir())
    p50, p99 = np.percentile(np.array(took) * 1e3, [50, 99])
    n = len(took)
    return {
        "batches_a_second": n / elapsed, "events_a_second": n * n_events / elapsed, "p50_ms": float(p50),
        "p99_ms": float(p99), "bytes_an_event": on_disk / (n * n_events),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_log", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    chosen = parser.parse_args()
    table = Table(
        "events a batch", "threads", "batches/s", "events/s", "p50, ms", "p99, ms", "bytes an event"
    )
    for n_events in (100, 1):
        for n_threads in (1, 8):
            found = measure(n_events, n_threads, chosen.seconds)
            table.add_row(
                str(n_events), str(n_threads), f"{found['batches_a_second']:,.0f}",
                f"{found['events_a_second']:,.0f}", f"{found['p50_ms']:.1f}", f"{found['p99_ms']:.1f}",
                f"{found['bytes_an_event']:.0f}",
            )  # fmt: skip
    wide_console().print(table)


if __name__ == "__main__":
    main()
