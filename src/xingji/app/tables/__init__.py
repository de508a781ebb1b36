"""Results as tables for people: one module for each kind, registered here by its kind and view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import RenderableType

from xingji.app.tables.funnel import conversion_tables, funnel_tables, funnel_trend_tables
from xingji.app.tables.listing import listing_tables
from xingji.app.tables.paths import path_tables
from xingji.app.tables.retention import retention_tables
from xingji.app.tables.trend import trend_tables

Result = dict[str, Any]
Tables = Sequence[RenderableType]

_OF_KIND: dict[str, Callable[[Result], Tables]] = {
    "trend": trend_tables,
    "retention": retention_tables,
    "paths": path_tables,
    "funnel steps": funnel_tables,
    "funnel trend": funnel_trend_tables,
    "funnel time_to_convert": conversion_tables,
}


def tables_of(result: Result) -> Tables:
    """The tables of a result of any kind, and a line for each of its warnings."""
    warnings = [f"warning: {sentence}" for sentence in result.get("warnings", ())]
    if result.get("view") == "users":
        return [*listing_tables(result), *warnings]
    kind = f"funnel {result['view']}" if result["kind"] == "funnel" else result["kind"]
    return [*_OF_KIND[kind](result), *warnings]
