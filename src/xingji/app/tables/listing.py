"""The users, or values, behind a number as a list."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from xingji.app.tables.figures import number, table, value_text

Result = dict[str, Any]


def listing_tables(result: Result) -> list[Table | str]:
    """One row a user or value, and how many there are beyond the page."""
    name = "values" if "values" in result else "users"
    made = table("", name)
    for each in result[name]:
        made.add_row(value_text(each))
    first, shown = result["offset"], len(result[name])
    page = f"{first + 1:,} to {first + shown:,} of " if shown else ""
    return [made, f"{page}{number(result['total'])} {name}"]
