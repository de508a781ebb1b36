"""Compiles every kernel for all the columns it meets into the cache: `python -m xingji.analysis.kernels`.

Questions are asked of a tiny log in each of the forms in which a log reaches the kernels: codes of events
have one byte where there are few names, else two, which is another type to Numba.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numba.core.registry import CPUDispatcher

from xingji.analysis.engine import run_query
from xingji.analysis.kernels.collect import look_up_rows
from xingji.lake.memory import MemorySnapshot
from xingji.lake.part import Snapshot, ViewLike
from xingji.model.event_table import EVENT, PREFIX, REST, TIME, TIME_TYPE, USER
from xingji.model.parse import parse_query

_PACKAGE = "xingji.analysis.kernels"
_MINUTE_US = 60_000_000
_EVENTS = ("view", "start", "submit", "cancel")


class _WideView:
    """A view with event codes of two bytes, as where there are more than 256 names."""

    def __init__(self, view: ViewLike) -> None:
        self._view = view
        self.kept: dict[str, Any] = {}
        self.event = view.event.astype(np.uint16)
        self.event.flags.writeable = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)


class WideSnapshot:
    """A snapshot of such views."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __getattr__(self, name: str) -> object:
        return getattr(self._snapshot, name)

    def views(
        self, bucket: int, first_us: int | None = None, last_us: int | None = None
    ) -> Sequence[ViewLike]:
        views = self._snapshot.views(bucket, first_us, last_us)
        return [_WideView(view) for view in views]  # type: ignore[misc]


def _log(with_origin: bool) -> MemorySnapshot:
    """Three users, a few events each; with `$origin` not every event is a client's."""
    rows = [(user, at) for user in ("u1", "u2", "u3") for at in range(8)]
    columns = {
        USER: pa.array([user for user, _ in rows]),
        EVENT: pa.array([_EVENTS[at % len(_EVENTS)] for _, at in rows]),
        TIME: pa.array([at * 20 * _MINUTE_US for _, at in rows], TIME_TYPE),
        PREFIX + "channel": pa.array(["app" if at % 3 else "web" for _, at in rows]),
        PREFIX + "amount": pa.array([at * 100 for _, at in rows]),
        PREFIX + "application": pa.array([at // 4 for _, at in rows]),
    }
    if with_origin:
        columns[PREFIX + "$origin"] = pa.array(["client" if at % 4 else "server" for _, at in rows])
    changes = {
        USER: pa.array(["u1", "u1", "u2"]),
        TIME: pa.array([0, 5 * _MINUTE_US, 0], TIME_TYPE),
        REST: pa.array(['{"city": "a"}', '{"city": "b"}', '{"city": "a"}']),
    }
    return MemorySnapshot.from_table(pa.table(columns), 1, pa.table(changes))


_SELECTED: dict[str, Any] = {
    "event": "submit",
    "filter": {"property": "event.channel", "op": "=", "value": "app"},
}
_STEPS: list[dict[str, Any]] = [{"event": "view"}, {"event": "start"}, {"event": "submit"}]
_FUNNEL: dict[str, Any] = {"kind": "funnel", "steps": _STEPS}
_AROUND = {"steps": _STEPS, "step": 2, "position": "after"}
_SCOPES: list[dict[str, Any]] = [
    {},
    {"date_from": "1970-01-01", "date_to": "1970-01-01"},
    {"date_from": "1970-01-01T00:30:00Z", "date_to": "1970-01-01T02:00:00Z"},
    {"count_by": "session"},
    {"count_by": {"property": "event.application"}},
    {"segment": {"users": ["u1"]}},
    {"filter": {"property": "user.city@event", "op": "=", "value": "a"}},
]
_BY_CHANNEL = {"breakdown": ["event.channel", "user.city"]}


def _trends() -> Iterator[dict[str, Any]]:
    every: dict[str, Any] = {"event": "*", "measure": "users"}
    for interval in ("day", "minute"):
        for breakdown in ([], ["event.channel"], ["event.$event"]):
            for series in ([every], [every, _SELECTED]):
                yield {"kind": "trend", "series": series, "interval": interval, "breakdown": breakdown}
    for breakdown in ([], ["event.channel"], ["event.$event"]):
        for series in ([every], [_SELECTED | {"measure": "users"}]):
            yield {"kind": "trend", "series": series, "window": "rolling_7d", "breakdown": breakdown}
    statistics: list[object] = [
        {"sum": "event.amount"},
        {"median": "event.amount"},
        {"distinct": "event.amount"},
    ]
    yield {
        "kind": "trend",
        "series": [{"event": "*", "measure": m} for m in ("sessions", "events", *statistics)],
    }
    yield {"kind": "trend", "series": [{"event": "*", "first_time": True, "measure": "users"}]}


def _funnels() -> Iterator[dict[str, Any]]:
    yield _FUNNEL
    yield _FUNNEL | {"breakdown": ["event.channel"], "attribution": "step:2"}
    yield _FUNNEL | {"hold_constant": ["event.application"]} | _BY_CHANNEL
    yield _FUNNEL | {"order": "any", "exclusions": [{"event": "cancel"}]}
    yield _FUNNEL | {"order": "strict"}
    yield _FUNNEL | {"exclusions": [{"event": "cancel"}], "window": {"value": 1, "unit": "session"}}
    yield _FUNNEL | {"steps": [_STEPS[0], {"event": "cancel", "optional": True}, _SELECTED]}
    yield _FUNNEL | {"steps": [{"event": "view", "first_time": True}, _SELECTED], "range_applies_to": "entry"}


def _retentions() -> Iterator[dict[str, Any]]:
    base: dict[str, Any] = {"kind": "retention", "start": {"event": "view"}, "return": {"event": "*"}}
    for by in ({}, _BY_CHANNEL):
        yield base | by
        yield base | by | {"clock": "24h"}
        yield base | by | {"range_applies_to": "entry"}
    for more in (
        {},
        {"type": "first_time", "clock": "24h", "breakdown": ["event.channel"]},
        {"type": "first_ever", "bracket": [[1, 2], [3, 4]], "minimum_occurrences": 2},
        {"bracket": "on_or_after", "users_of": {"cohort": "1970-01-01", "period": 1}},
    ):
        yield base | more


def _ways() -> Iterator[dict[str, Any]]:
    labels: list[dict[str, Any]] = [{}, {"label": "event.channel"}]
    gaps: list[dict[str, Any]] = [{}, {"session_gap_minutes": None}]
    yield {"kind": "paths", "view": "transitions", "session_gap_minutes": None, "mean_seconds": False}
    for view in ("steps", "transitions"):
        base: dict[str, Any] = {"kind": "paths", "view": view}
        for label in labels:
            for gap in gaps:
                yield base | label | gap
                yield base | label | gap | {"include": [_SELECTED]}
        yield base | {"around_funnel": _AROUND, "exclude": ["cancel"]}
        yield base | {"include": [_SELECTED, {"event": "view", "first_time": True}]}
    for label in labels:
        for gap in gaps:
            for end in ({"event": "submit"}, _SELECTED):
                yield {"kind": "paths", "start": {"event": "view"}, "end": end, "max_steps": 3} | label | gap


def questions() -> Iterator[dict[str, Any]]:
    """Questions that between them call every kernel in every way."""
    for document in (*_trends(), *_funnels(), *_retentions(), *_ways()):
        for scope in _SCOPES:
            if _fits(document, scope):
                yield document | scope


def _fits(document: dict[str, Any], scope: dict[str, Any]) -> bool:
    """Whether the two may be asked together."""
    by_user = "count_by" not in scope
    measures = [series.get("measure") for series in document.get("series", ())]
    return by_user or not ("around_funnel" in document or "sessions" in measures)


def kernels() -> list[CPUDispatcher]:
    """Every function of this package that is compiled for Python to call."""
    modules = [import_module(f"{_PACKAGE}.{name}") for name in _module_names()]
    members = [member for module in modules for member in vars(module).values()]
    return [each for each in members if isinstance(each, CPUDispatcher)]


def _module_names() -> list[str]:
    names = [info.name for info in pkgutil.iter_modules(import_module(_PACKAGE).__path__)]
    return [name for name in names if name != "__main__"]


def compile_kernels() -> int:
    """Ask the questions of every form of the log; returns how many were answered.

    Before each, the functions loaded so far are dropped: one compiled for columns that may not be written
    also serves those that may, and the one that a new process then looks for would not reach the cache.
    """
    logs: Sequence[Any] = [form for log in (_log(False), _log(True)) for form in (log, WideSnapshot(log))]
    compiled = kernels()
    for kind in (np.uint8, np.uint16, np.uint32):  # a property of the tiny log has few values
        codes = np.zeros(1, kind)
        codes.flags.writeable = False
        look_up_rows(codes, np.zeros(1, np.uint32), np.zeros(1, np.bool_), np.zeros(1, np.bool_))
    asked = 0
    for document in questions():
        query = parse_query(document)
        for log in logs:
            for each in compiled:
                each._reset_overloads()  # type: ignore[attr-defined]
            run_query(query, log)
            asked += 1
    return asked


if __name__ == "__main__":
    sys.stdout.write("Compiling the kernels; the first time takes a minute or two.\n")
    sys.stdout.flush()
    compile_kernels()
