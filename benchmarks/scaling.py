"""`python -m benchmarks --scaling`: a question's cost from 5 to 50 million events, less its fixed part."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from benchmarks.cases import CASES

SIZES = ("5m", "20m", "50m")
FIXED_SIZE = "100k"
"""So small a log that a question over it costs nearly the fixed part alone."""
Found = dict[str, Any]


def scaling(fixed: Found, by_size: dict[str, tuple[int, Found]]) -> list[Found]:
    """For each case its fixed part, its times, and the ns an event beyond the fixed part, by size."""
    rows = []
    for case in CASES:
        fixed_s = fixed["cases"][case.name]["best_s"]
        row: Found = {"name": case.name, "fixed_s": round(fixed_s, 6)}
        for size, (n_events, found) in by_size.items():
            best_s = found["cases"][case.name]["best_s"]
            row[size] = {
                "rows": n_events,
                "s": round(best_s, 6),
                "ns_an_event": round((best_s - fixed_s) / n_events * 1e9, 3),
            }
        rows.append(row)
    return rows


def scaling_table(rows: list[Found]) -> Table:
    """The rows for people."""
    titles = {case.name: case.title for case in CASES}
    sizes = [key for key in rows[0] if key not in ("name", "fixed_s")]
    shown = Table(title="ms, and ns an event beyond the fixed part", title_justify="left")
    for head in ("question", "fixed", *sizes, *(f"ns at {size}" for size in sizes)):
        shown.add_column(head, justify="left" if head == "question" else "right")
    for row in rows:
        times = [f"{row[size]['s'] * 1000:,.1f}" for size in sizes]
        costs = [f"{row[size]['ns_an_event']:.2f}" for size in sizes]
        shown.add_row(titles[row["name"]], f"{row['fixed_s'] * 1000:.1f}", *times, *costs)
    return shown
