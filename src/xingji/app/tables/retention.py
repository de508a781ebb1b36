"""Retention as a triangle: a row for each cohort, the share that came back in each period."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import NOTHING, group_title, number, percent, table

Result = dict[str, Any]
_OPEN = "* this period is not over yet; the row of all counts only those that are"


def retention_tables(result: Result) -> list[Table | str]:
    """One triangle a group."""
    tables: list[Table | str] = [
        _triangle(group, result.get("period", "period")) for group in result["groups"]
    ]
    partial = any("partial_from" in cohort for group in result["groups"] for cohort in group["cohorts"])
    return [*tables, _OPEN] if partial else tables


def _triangle(group: Result, period: str) -> Table:
    cohorts = group["cohorts"]
    n_columns = max((len(cohort["returned"]) for cohort in cohorts), default=1)
    made = table(group_title(group["breakdown"]), period, "size", *(str(k) for k in range(1, n_columns)))
    for cohort in cohorts:
        made.add_row(
            cohort["start"], number(cohort["size"]), *(_cell(cohort, k) for k in range(1, n_columns))
        )
    made.add_section()
    total = number(sum(cohort["size"] for cohort in cohorts))
    made.add_row("all", total, *(_mean(cohorts, k) for k in range(1, n_columns)))
    return made


def _cell(cohort: Result, k: int) -> str:
    if not cohort["size"]:
        return NOTHING
    mark = "*" if k >= cohort.get("partial_from", k + 1) else ""
    if mark and not cohort["returned"][k]:
        return mark
    return percent(cohort["returned"][k] / cohort["size"]) + mark


def _mean(cohorts: list[Result], k: int) -> str:
    """The share over all cohorts whose period k is over."""
    over = [cohort for cohort in cohorts if k < cohort.get("partial_from", k + 1)]
    size = sum(cohort["size"] for cohort in over)
    return percent(sum(cohort["returned"][k] for cohort in over) / size if size else None)
