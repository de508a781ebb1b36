"""Paths as tables: edges by how often they are taken, and where ways end."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import bar, duration, number, table

Result = dict[str, Any]
_BAR_WIDTH = 16
_MOST_ENDS = 10


def path_tables(result: Result) -> list[Table | str]:
    """The edges, and the last nodes of the ways."""
    timed = any("mean_seconds" in edge for edge in result["edges"])
    edges = table("", "from", "to", "", "count", *(["mean time"] if timed else []), left=3)
    most = max((edge["count"] for edge in result["edges"]), default=1)
    for edge in result["edges"]:
        share = bar(edge["count"] / most, _BAR_WIDTH)
        took = [duration(edge["mean_seconds"])] if timed else []
        edges.add_row(edge["source"], edge["target"], share, number(edge["count"]), *took)
    return [edges, *_ends(result["ends"])]


def _ends(ends: list[Result]) -> list[Table | str]:
    made = table("ways end at", "node", "count")
    for end in ends[:_MOST_ENDS]:
        made.add_row(end["node"], number(end["count"]))
    more = ends[_MOST_ENDS:]
    return (
        [made, f"and {sum(end['count'] for end in more):,} at {len(more):,} other nodes"] if more else [made]
    )
