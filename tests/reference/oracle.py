"""The reference's one entry: a query and a log in, the result out."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reference import funnel, paths, retention, trend
from tests.reference.log import Event, UserChange
from xingji.model.query import Funnel, Query, Retention, Trend


def answer(
    query: Query, log: Sequence[Event], users: Sequence[UserChange] = (), as_of_us: int | None = None
) -> dict[str, object]:
    """The result of any query; `as_of_us` is the snapshot's time (None: the last event's)."""
    if isinstance(query, Trend):
        return trend.answer(query, log, users, as_of_us)
    if isinstance(query, Funnel):
        return funnel.answer(query, log, users, as_of_us)
    if isinstance(query, Retention):
        return retention.answer(query, log, users, as_of_us)
    return paths.answer(query, log, users, as_of_us)
