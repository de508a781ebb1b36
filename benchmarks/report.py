"""What was found, side by side: as JSON for machines and as a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.columns import folder_bytes, prepared_bytes
from benchmarks.log import Log

Found = dict[str, Any]


def compare(
    log: Log, ours: Found, peers: dict[str, Found], least: dict[str, float], bytes_per_s: float
) -> list[Found]:
    """One row a case: our time, the faster peer's, how many times faster we are, whether answers are equal.

    `at_bandwidth_s`: how long it takes to read, at `bytes_per_s`, what the question cannot do without.
    """
    rows = []
    for case in CASES:
        if case.name not in ours["cases"]:
            continue
        mine = ours["cases"][case.name]
        others = {name: found["cases"][case.name] for name, found in peers.items()}
        row: Found = {"name": case.name, "rows": log.rows, "ours_s": round(mine["best_s"], 6)}
        row |= _beside(mine, others)
        row |= {"least": case.least, "at_bandwidth_s": round(least[case.name] / bytes_per_s, 6)}
        row |= {f"{name}_s": round(other["best_s"], 6) for name, other in others.items()}
        row["peer_ways_s"] = {
            f"{name}, {way}": round(seconds, 6)
            for name, other in others.items()
            for way, seconds in other["ways_s"].items()
        }
        row["others_cpu"] = {name: round(one["others"], 3) for name, one in {"ours": mine, **others}.items()}
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
    peers = [name for name in ("chdb", "duckdb") if f"{name}_s" in rows[0]]
    for head in ("question", "ours", *peers, "times faster", "at least", "equal"):
        shown.add_column(head, justify="left" if head == "question" else "right", no_wrap=head != "question")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.1f}"
        equal = {True: "yes", False: "NO", None: ""}[row["equal"]]
        times = [f"{row[f'{name}_s'] * 1000:,.1f}" for name in ("ours", *peers)]
        shown.add_row(titles[row["name"]], *times, ratio, f"{row['least']:g}", equal)
    return shown


def run_facts(home: Path, log: Log, found: dict[str, Found], bytes_per_s: float) -> Found:
    """What a run knows besides times: bandwidth, memory, sizes, how long loading took (when it loaded)."""
    keys = ("load_s", "open_s", "cold_s", "resident_bytes", "private_bytes", "peak_bytes")
    engines = {
        name: {key: one[key] for key in keys} | {"stored_bytes": folder_bytes(home / name)}
        for name, one in found.items()
    }
    first = next(iter(found.values()))["cases"]
    facts: Found = {
        "rows": log.rows,
        "tail_rows": log.tail_rows,
        "triad_bytes_per_s": round(bytes_per_s),
        "engines": engines,
        "kept_bytes": next(iter(found.values()))["kept_bytes"],
        "first_answer_s": {name: round(case["first_s"], 4) for name, case in first.items()},
    }
    if (home / "lake" / "prepared").exists():
        facts["prepared_bytes"] = prepared_bytes(home / "lake" / "prepared")
    loaded = home / "lake" / "loaded.json"
    if loaded.exists():
        facts["import"] = json.loads(loaded.read_text())
    return facts


def show_facts(facts: Found, console: Console) -> None:
    """The facts for people."""
    console.print(f"memory bandwidth (triad, 2 threads): {facts['triad_bytes_per_s'] / 1e9:.1f} GB/s")
    for name, one in facts["engines"].items():
        sizes = [one[key] / 2**20 for key in ("resident_bytes", "private_bytes", "stored_bytes")]
        console.print(
            "{}: {:,.0f} MiB resident, {:,.0f} of it private; {:,.0f} MiB on disk".format(name, *sizes)
        )
    if "import" in facts:
        done = facts["import"]
        console.print(f"import: {done['rows'] / done['import_s']:,.0f} events a second, sorted and prepared")


def write_json(path: Path, found: object) -> None:
    """Write what was found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
