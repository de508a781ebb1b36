"""Paths as tables: edges by how often they are taken, and where ways end."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import bar, duration, number, table

Result = dict[str, Any]
_BAR_WIDTH = 16


def path_tables(result: Result) -> list[Table]:
    """The edges, and the last nodes of the ways."""
    edges = table("", "from", "to", "", "count", "mean time", left=3)
    most = max((edge["count"] for edge in result["edges"]), default=1)
    for edge in result["edges"]:
        share = bar(edge["count"] / most, _BAR_WIDTH)
        edges.add_row(
            edge["source"], edge["target"], share, number(edge["count"]), duration(edge["mean_seconds"])
        )
    ends = table("ways end at", "node", "count")
    for end in result["ends"]:
        ends.add_row(end["node"], number(end["count"]))
    return [edges, ends]
