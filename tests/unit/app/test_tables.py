"""Results of every kind and view become tables that show their figures."""

from __future__ import annotations

import doctest
import io
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from xingji.app.tables import figures, tables_of

STEP = {
    "step": 1, "name": "view", "optional": False, "count": 1200, "from_start": 1.0, "from_previous": 1.0,
    "mean_seconds": None, "median_seconds": None,
}  # fmt: skip
LATER = STEP | {
    "step": 2, "name": "apply", "optional": True, "count": 300, "from_start": 0.25, "from_previous": 0.25,
    "mean_seconds": 80.0, "median_seconds": 75.0,
}  # fmt: skip


def shown(result: dict[str, Any], width: int = 110) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False)
    for each in tables_of(result):
        console.print(each)
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if line.strip()]


def test_figures() -> None:
    assert doctest.testmod(figures).failed == 0


def test_funnel() -> None:
    lines = shown(
        {"kind": "funnel", "view": "steps", "groups": [{"breakdown": ["app", None], "steps": [STEP, LATER]}]}
    )
    assert lines[0] == "app · (not set)"
    assert lines[1] == "step count of start of previous median time"
    assert lines[3].endswith("1,200 100.0% – –")
    assert lines[4].startswith("2 apply (optional) ██████")
    assert lines[4].endswith("300 25.0% 25.0% 1 min 15 s")


def test_funnel_trend_marks_what_is_not_over() -> None:
    steps = [{"step": 1, "name": "a", "counts": [4, 0]}, {"step": 2, "name": "b", "counts": [1, 0]}]
    lines = shown(
        {
            "kind": "funnel", "view": "trend", "interval": "day", "buckets": ["2026-01-01", "2026-01-02"],
            "partial_from": "2026-01-02", "groups": [{"breakdown": [], "steps": steps}],
        }
    )  # fmt: skip
    assert lines[0] == "day 1 a 2 b converted"
    assert lines[2:] == [
        "2026-01-01 4 1 25.0%",
        "2026-01-02 * 0 0 –",
        "* attempts that began here may still go further",
    ]


def test_time_to_convert() -> None:
    bins = [
        {"from_seconds": None, "to_seconds": 60.0, "count": 0},
        {"from_seconds": 60.0, "to_seconds": 3600.0, "count": 3},
    ]
    group = {"breakdown": [], "count": 3, "mean_seconds": 90.0, "median_seconds": 75.0, "bins": bins}
    lines = shown({"kind": "funnel", "view": "time_to_convert", "groups": [group]})
    assert lines[0] == "3 converted: mean 1 min 30 s, median 1 min 15 s"
    assert lines[3] == "– 1 min 0"
    assert lines[4].startswith("1 min 1 h ██")


def test_retention_triangle() -> None:
    cohorts = [
        {"start": "2026-01-01", "size": 10, "returned": [10, 5, 2]},
        {"start": "2026-01-02", "size": 0, "returned": [0, 0, 0]},
        {"start": "2026-01-03", "size": 10, "returned": [10, 1, 0], "partial_from": 2},
    ]
    lines = shown({"kind": "retention", "period": "day", "groups": [{"breakdown": [], "cohorts": cohorts}]})
    assert lines[0] == "day size 1 2"
    assert lines[2:6] == [
        "2026-01-01 10 50.0% 20.0%",
        "2026-01-02 0 – –",
        "2026-01-03 10 10.0% *",
        "all 20 30.0% 20.0%",
    ]


def line(name: str, values: list[Any], total: Any, *breakdown: Any) -> dict[str, Any]:
    return {"name": name, "series": 0, "breakdown": list(breakdown), "values": values, "total": total}


def test_trend_has_a_column_for_each_of_few_lines() -> None:
    result = {
        "kind": "trend",
        "buckets": ["2026-01-01", "2026-01-02"],
        "series": [line("a", [1, 1000], 1001), line("b", [Decimal("0.10"), None], Decimal("0.10"))],
    }
    lines = shown(result)
    assert lines[0] == "a b"
    assert lines[2:] == ["2026-01-01 1 0.1", "2026-01-02 1,000 –", "total 1,001 0.1"]


def test_trend_has_a_row_for_each_of_many_lines() -> None:
    lines = shown(
        {"kind": "trend", "buckets": ["x", "y"], "series": [line("a", [0, n], n, f"g{n}") for n in range(9)]}
    )
    assert len(lines) == 11
    assert lines[-1] == "a g8 ▁█ 8"


def test_trend_shows_the_period_before() -> None:
    part = {"buckets": ["2025-12-31"], "series": [line("a", [3], 3)]}
    lines = shown(
        {"kind": "trend", "buckets": ["2026-01-01"], "series": [line("a", [4], 4)], "compare": part}
    )
    assert "previous period" in lines


def test_paths() -> None:
    edge = {"source": "1_a", "target": "2_b", "count": 7, "mean_seconds": 3.0}
    ends = [{"node": f"2_{at}", "count": 20 - at} for at in range(12)]
    lines = shown({"kind": "paths", "edges": [edge], "ends": ends})
    assert lines[2] == f"1_a 2_b {'█' * 16} 7 3 s"
    assert lines[-1] == "and 19 at 2 other nodes"


@pytest.mark.parametrize("name", ["users", "values"])
def test_lists(name: str) -> None:
    page = {"kind": "funnel", "view": "users", "total": 7, "offset": 2, "limit": 2, name: ["u3", "u4"]}
    assert shown(page)[-3:] == ["u3", "u4", f"3 to 4 of 7 {name}"]


def test_warnings_are_shown() -> None:
    result = {"kind": "paths", "edges": [], "ends": [], "warnings": ["a file is damaged"]}
    assert shown(result)[-1] == "warning: a file is damaged"


def test_markup_in_names_is_text() -> None:
    step = STEP | {"name": "[bold]x[/]"}
    assert (
        "1 [bold]x[/]"
        in shown({"kind": "funnel", "view": "steps", "groups": [{"breakdown": [], "steps": [step]}]})[2]
    )
