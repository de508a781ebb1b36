"""What was found, side by side: as JSON for machines and as a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.log import Log

Found = dict[str, Any]


def compare(log: Log, ours: Found, peers: dict[str, Found]) -> list[Found]:
    """One row a case: our time, the faster peer's, how many times faster we are, whether all answers are equal."""
    rows = []
    for case in CASES:
        if case.name not in ours["cases"]:
            continue
        mine = ours["cases"][case.name]
        others = {name: found["cases"][case.name] for name, found in peers.items()}
        row: Found = {"name": case.name, "rows": log.rows, "ours_s": round(mine["best_s"], 6)}
        row |= _beside(mine, others)
        row |= {"least": case.least, "ours_first_s": round(mine["first_s"], 6)}
        row |= {f"{name}_s": round(other["best_s"], 6) for name, other in others.items()}
        rows.append(row)
    return rows


def _beside(mine: Found, others: dict[str, Found]) -> Found:
    if not others:
        return {"peer": None, "peer_s": None, "ratio": None, "equal": None}
    peer = min(others, key=lambda name: others[name]["best_s"])
    peer_s = others[peer]["best_s"]
    equal = all(other["rows"] == mine["rows"] for other in others.values())
    return {
        "peer": peer,
        "peer_s": round(peer_s, 6),
        "ratio": round(peer_s / mine["best_s"], 2),
        "equal": equal,
    }


def table(rows: list[Found]) -> Table:
    """The rows for people."""
    titles = {case.name: case.title for case in CASES}
    shown = Table(title=f"{rows[0]['rows']:,} events, best times in ms", title_justify="left")
    peers = [key.removesuffix("_s") for key in rows[0] if key in ("chdb_s", "duckdb_s")]
    for head in ("question", "ours", *peers, "times faster", "at least", "equal"):
        shown.add_column(head, justify="left" if head == "question" else "right")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.1f}"
        equal = {True: "yes", False: "NO", None: ""}[row["equal"]]
        times = [_milliseconds(row[f"{name}_s"]) for name in ("ours", *peers)]
        shown.add_row(titles[row["name"]], *times, ratio, f"{row['least']:g}", equal)
    return shown


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}"


def write_results(path: Path, rows: list[Found]) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")
