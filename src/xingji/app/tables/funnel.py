"""Funnels as tables: steps with bars, steps by period, and how long converting takes."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import bar, duration, group_title, number, percent, table

Result = dict[str, Any]


def funnel_tables(result: Result) -> list[Table]:
    """One table a group: the count of each step, its share, and the time since the step before."""
    return [_steps(group) for group in result["groups"]]


def _steps(group: Result) -> Table:
    made = table(
        group_title(group["breakdown"]), "step", "", "count", "of start", "of previous", "median time", left=2
    )
    for step in group["steps"]:
        name = f"{step['step']} {step['name']}{' (optional)' if step['optional'] else ''}"
        shares = percent(step["from_start"]), percent(step["from_previous"] if step["step"] > 1 else None)
        made.add_row(
            name, bar(step["from_start"]), number(step["count"]), *shares, duration(step["median_seconds"])
        )
    return made


def funnel_trend_tables(result: Result) -> list[Table | str]:
    """One table a group: a row for each period of entry, a column for each step."""
    partial = result.get("partial_from")
    tables: list[Table | str] = []
    for group in result["groups"]:
        steps = group["steps"]
        names = [f"{step['step']} {step['name']}" for step in steps]
        made = table(group_title(group["breakdown"]), result["interval"], *names, "converted")
        for at, bucket in enumerate(result["buckets"]):
            counts = [step["counts"][at] for step in steps]
            label = f"{bucket}{' *' if partial is not None and bucket >= partial else ''}"
            share = counts[-1] / counts[0] if counts[0] else None
            made.add_row(label, *map(number, counts), percent(share))
        tables.append(made)
    return [*tables, "* attempts that began here may still go further"] if partial is not None else tables


def conversion_tables(result: Result) -> list[Table]:
    """One table a group: a histogram of the time from the first step to the last."""
    return [_histogram(group) for group in result["groups"]]


def _histogram(group: Result) -> Table:
    times = f"mean {duration(group['mean_seconds'])}, median {duration(group['median_seconds'])}"
    title = f"{group_title(group['breakdown'])}  {number(group['count'])} converted: {times}".strip()
    made = table(title, "from", "to", "", "count", left=3)
    most = max((each["count"] for each in group["bins"]), default=0)
    for each in group["bins"]:
        share = each["count"] / most if most else 0.0
        made.add_row(
            duration(each["from_seconds"]), duration(each["to_seconds"]), bar(share), number(each["count"])
        )
    return made
