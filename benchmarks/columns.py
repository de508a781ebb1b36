"""What an event takes in the lake's Parquet files, by column, and in prepared columns, by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq


def parquet_bytes(folder: Path) -> dict[str, int]:
    """The compressed bytes of each column over all Parquet files of a folder, and of what is no column."""
    found: dict[str, int] = defaultdict(int)
    for file in folder.rglob("*.parquet"):
        data = pq.read_metadata(file)
        for group in range(data.num_row_groups):
            for at in range(data.num_columns):
                column = data.row_group(group).column(at)
                found[column.path_in_schema] += column.total_compressed_size
        found["(headers and footers)"] += file.stat().st_size
    found["(headers and footers)"] -= sum(n for name, n in found.items() if not name.startswith("("))
    return dict(found)


def prepared_bytes(folder: Path) -> dict[str, int]:
    """The bytes of each kind of prepared column over all parts."""
    found: dict[str, int] = defaultdict(int)
    for file in folder.rglob("*"):
        if file.is_file():
            found["properties" if file.name.startswith("p-") else file.stem] += file.stat().st_size
    return dict(found)


def folder_bytes(folder: Path) -> int:
    """The bytes of all files under a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def per_event(found: Mapping[str, int], rows: int) -> list[tuple[str, float]]:
    """Bytes an event by name, the largest first."""
    return sorted(((name, n / rows) for name, n in found.items()), key=lambda pair: (-pair[1], pair[0]))
