"""Answering a query over a snapshot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from xingji.analysis.context import Context, Runner, SerialRunner
from xingji.analysis.funnel_views import answer_funnel
from xingji.analysis.paths import answer_paths
from xingji.analysis.retention import answer_retention
from xingji.analysis.trend import answer_trend
from xingji.lake.part import Snapshot
from xingji.model.query import Attribution, Funnel, Paths, Query, Retention, Trend

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

    `cancel` is asked between buckets; raises Cancelled once it says true, QueryTooLargeError before a query
    that would pass its memory bound, CallerError for a query that means nothing on this snapshot.
    """
    asked, query = query.scope, _unbroken(query)
    context = Context(
        snapshot,
        query.scope,
        runner or SerialRunner(),
        cancel or (lambda: False),
        memory_bound_bytes or DEFAULT_MEMORY_BOUND_BYTES,
    )
    unit = asked.count_by.property
    context.check_properties([*asked.breakdown, *([unit] if unit else [])])
    result = _ANSWERS[type(query)](context, query)
    if snapshot.warnings:
        result["warnings"] = list(snapshot.warnings)
    return result


def _unbroken(query: Query) -> Query:
    """A question for the units behind a number that names no group is asked of all units together."""
    spot = query.scope.users_of
    listed = spot is not None or (isinstance(query, Funnel) and query.view == "users")
    if not listed or (spot is not None and spot.breakdown is not None) or not query.scope.breakdown:
        return query
    whole = dataclasses.replace(query, scope=dataclasses.replace(query.scope, breakdown=()))
    return dataclasses.replace(whole, attribution=Attribution()) if isinstance(whole, Funnel) else whole


_ANSWERS: dict[type, Callable[[Context, Any], dict[str, Any]]] = {
    Trend: answer_trend,
    Funnel: answer_funnel,
    Retention: answer_retention,
    Paths: answer_paths,
}
