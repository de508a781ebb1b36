"""`python -m benchmarks.page`: puts what was measured last into the tables of docs/performance.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_TITLES = {case.name: case.title for case in CASES}


def main() -> None:
    """Rewrite every table between `<!-- name -->` and `<!-- end -->` whose results are there."""
    PAGE.write_text(filled(PAGE.read_text()))


def filled(page: str) -> str:
    """The page with its tables made anew; those without results stay."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        source, make = TABLES[name]
        file = RESULTS / source
        body = make(json.loads(file.read_text())) if file.exists() else match[2].strip()
        return f"<!-- {name} -->\n\n{body}\n\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n(.*?)<!-- end -->", table, page, flags=re.DOTALL)


def _markdown(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


def _times(rows: list[dict[str, Any]]) -> str:
    heads = [
        "question",
        "ours, ms",
        "faster peer, ms",
        "which",
        "times faster",
        "at least",
        "equal",
        "others' CPU: ours, peer",
    ]
    cells = [
        [
            _TITLES[row["name"]],
            _ms(row["ours_s"]),
            _ms(row["peer_s"]),
            min(row["peer_ways_s"], key=row["peer_ways_s"].__getitem__),
            f"{row['ratio']:.1f}",
            f"{row['least']:g}",
            "yes" if row["equal"] else "no",
            f"{row['others_cpu']['ours']:.0%}, {row['others_cpu'][row['peer']]:.0%}",
        ]
        for row in rows
    ]
    return _markdown(heads, cells)


def _ways(rows: list[dict[str, Any]]) -> str:
    cells = [
        [_TITLES[row["name"]], way, _ms(seconds), f"{seconds / row['ours_s']:.1f}"]
        for row in rows
        for way, seconds in row["peer_ways_s"].items()
    ]
    return _markdown(["question", "peer, way", "ms", "times ours"], cells)


def _bandwidth(rows: list[dict[str, Any]]) -> str:
    cells = [
        [
            _TITLES[row["name"]],
            _ms(row["at_bandwidth_s"]),
            _ms(row["ours_s"]),
            f"{row['at_bandwidth_s'] / row['ours_s']:.0%}",
        ]
        for row in rows
    ]
    return _markdown(["question", "least, ms", "ours, ms", "share"], cells)


def _scaling(rows: list[dict[str, Any]]) -> str:
    sizes = [key for key in rows[0] if key not in ("name", "fixed_s")]
    heads = [
        "question",
        "fixed, ms",
        *(f"{size}, ms" for size in sizes),
        *(f"ns an event at {size}" for size in sizes),
    ]
    cells = [
        [
            _TITLES[row["name"]],
            _ms(row["fixed_s"]),
            *(_ms(row[size]["s"]) for size in sizes),
            *(f"{row[size]['ns_an_event']:.2f}" for size in sizes),
        ]
        for row in rows
    ]
    return _markdown(heads, cells)


def _memory(run: dict[str, Any]) -> str:
    mib = 2**20
    cells = [
        [
            name,
            *(
                f"{one[key] / mib:,.0f}"
                for key in ("resident_bytes", "private_bytes", "peak_bytes", "stored_bytes")
            ),
        ]
        for name, one in run["engines"].items()
    ]
    return _markdown(["engine", "resident, MiB", "of it private", "highest", "on disk"], cells)


def _prepared(run: dict[str, Any]) -> str:
    rows = run["rows"]
    cells = [
        [name, f"{n / rows:.2f}"] for name, n in sorted(run["prepared_bytes"].items(), key=lambda p: -p[1])
    ]
    total = sum(run["prepared_bytes"].values())
    return _markdown(["prepared columns", "bytes an event"], [*cells, ["all", f"{total / rows:.2f}"]])


def _kept(run: dict[str, Any]) -> str:
    cells = [[name, f"{n / run['rows']:.2f}"] for name, n in run["kept_bytes"].items()]
    total = sum(run["kept_bytes"].values()) / run["rows"]
    return _markdown(["in memory", "bytes an event"], [*cells, ["all", f"{total:.2f}"]])


def _first(run: dict[str, Any]) -> str:
    cells = [[_TITLES[name], _ms(seconds)] for name, seconds in run["first_answer_s"].items()]
    first = [["process started to first answer (the first question)", _ms(run["engines"]["lake"]["cold_s"])]]
    return _markdown(["question, in this order", "first answer, ms"], [*first, *cells[1:]])


def _loading(found: dict[str, Any]) -> str:
    cells = [
        [
            name,
            f"{one['rows']:,}",
            f"{one['seconds']:.1f}",
            f"{one['events_per_s']:,}",
            f"{one['bytes_an_event']:.1f}",
        ]
        for name, one in found.items()
    ]
    return _markdown(["format", "events", "seconds", "events a second", "bytes an event"], cells)


def _columns(found: dict[str, Any]) -> str:
    columns = list(found["parquet"]["columns"].items())
    shown, rest = columns[:30], columns[30:]
    cells = [[f"`{name}`", f"{n:.2f}"] for name, n in shown]
    more = [
        [f"{len(rest)} others", f"{sum(n for _, n in rest):.2f}"],
        ["all", f"{found['parquet']['bytes_an_event']:.2f}"],
    ]
    return _markdown(["column", "bytes an event"], cells + more)


def _commits(found: dict[str, Any]) -> str:
    kinds = {
        "append": "append_ms",
        "append, last hour": "append_ms_last_hour",
        "append while another process merges": "append_beside_process_ms",
        "append while another thread merges": "append_beside_thread_ms",
        "merge of the tail": "merge_ms",
    }
    cells = [
        [name, *(f"{found[key][part]:,.0f}" for part in ("median", "p99", "most"))]
        for name, key in kinds.items()
    ]
    return _markdown(["commit", "median, ms", "99 of 100 under, ms", "longest, ms"], cells)


TABLES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "times": ("latest.json", _times),
    "ways": ("latest.json", _ways),
    "bandwidth": ("latest.json", _bandwidth),
    "scaling": ("scaling.json", _scaling),
    "memory": ("run-50m.json", _memory),
    "prepared": ("run-50m.json", _prepared),
    "kept": ("run-50m.json", _kept),
    "first": ("run-20m.json", _first),
    "loading": ("loading.json", _loading),
    "commits": ("commits.json", _commits),
    "columns": ("loading.json", _columns),
}


if __name__ == "__main__":
    main()
