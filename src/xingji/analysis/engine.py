"""Answering a query over a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xingji.analysis.context import Context, Runner, SerialRunner
from xingji.analysis.funnel_views import answer_funnel
from xingji.analysis.paths import answer_paths
from xingji.analysis.retention import answer_retention
from xingji.analysis.trend import answer_trend
from xingji.lake.part import Snapshot
from xingji.model.query import Funnel, Paths, Query, Retention, Trend

DEFAULT_MEMORY_BOUND_BYTES = 2 << 30


def run_query(
    query: Query,
    snapshot: Snapshot,
    *,
    runner: Runner | None = None,
    memory_bound_bytes: int | None = None,
    cancel: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """The result of a query as a JSON document (exact decimals stay `Decimal`).

    `cancel` is asked between buckets; raises Cancelled once it says true, QueryTooLargeError before a query that would pass
    its memory bound, CallerError for a query that means nothing on this snapshot.
    """
    context = Context(
        snapshot,
        query.scope,
        runner or SerialRunner(),
        cancel or (lambda: False),
        memory_bound_bytes or DEFAULT_MEMORY_BOUND_BYTES,
    )
    result = _ANSWERS[type(query)](context, query)
    if snapshot.warnings:
        result["warnings"] = list(snapshot.warnings)
    return result


_ANSWERS: dict[type, Callable[[Context, Any], dict[str, Any]]] = {
    Trend: answer_trend,
    Funnel: answer_funnel,
    Retention: answer_retention,
    Paths: answer_paths,
}
