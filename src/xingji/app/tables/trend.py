"""Trends as tables: a column for each line, or, where there are many, a row for each with a spark line."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import group_title, number, spark, table

Result = dict[str, Any]
_MOST_COLUMNS = 6
_MOST_SPARKS = 60


def trend_tables(result: Result) -> list[Table]:
    """The lines of a trend, and those of the period it is compared with."""
    tables = [_table(result, "")]
    if "compare" in result:
        tables.append(_table(result["compare"], "previous period"))
    return tables


def _table(part: Result, title: str) -> Table:
    lines = part["series"]
    if len(lines) <= _MOST_COLUMNS:
        return _by_bucket(part, lines, title)
    made = table(title, "series", "group", "", "total", left=3)
    for line in lines:
        values = line["values"][-_MOST_SPARKS:]
        made.add_row(line["name"], group_title(line["breakdown"]), spark(values), number(line["total"]))
    return made


def _by_bucket(part: Result, lines: list[Result], title: str) -> Table:
    several = len({line["name"] for line in lines}) > 1 or not all(line["breakdown"] for line in lines)
    names = [" ".join([line["name"]] * several + [group_title(line["breakdown"])]).strip() for line in lines]
    made = table(
        " ".join(filter(None, [title, *{line["name"] for line in lines if not several}])), "", *names
    )
    for at, bucket in enumerate(part["buckets"]):
        made.add_row(bucket, *(number(line["values"][at]) for line in lines))
    if len(part["buckets"]) == 1:
        return made
    made.add_section()
    made.add_row("total", *(number(line["total"]) for line in lines))
    return made
