"""How fast the simulation writes, and how many bytes an event takes in Parquet: ``python -m
xingji.loan.benchmark``."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xingji.loan.config import SimulationConfig
from xingji.loan.simulation import Simulation


def events_per_second(config: SimulationConfig) -> tuple[int, float]:
    """Events of a simulation and the seconds one thread takes to plan and write them."""
    begin = time.perf_counter()
    count = sum(len(batch) for batch in Simulation(config).event_batches())
    return count, time.perf_counter() - begin


def bytes_by_column(config: SimulationConfig) -> tuple[int, dict[str, int]]:
    """Events, and compressed bytes per column of one Parquet file sorted by user and time, with a log
    sequence."""
    table = pa.Table.from_batches(Simulation(config).event_batches())
    table = table.append_column("seq", pa.array(np.arange(len(table), dtype=np.int64)))
    table = table.unify_dictionaries()
    order = pc.sort_indices(table, [("user", "ascending"), ("time", "ascending"), ("seq", "ascending")])
    table = table.take(order)
    plain = {"time": "DELTA_BINARY_PACKED", "seq": "DELTA_BINARY_PACKED", "event_id": "PLAIN"}
    out = io.BytesIO()
    pq.write_table(
        table, out, compression="zstd", compression_level=6, row_group_size=1 << 20, column_encoding=plain,
        use_dictionary=[name for name in table.schema.names if name not in plain],
    )  # fmt: skip
    meta = pq.ParquetFile(io.BytesIO(out.getvalue())).metadata
    sizes: dict[str, int] = {}
    for group in range(meta.num_row_groups):
        for column in range(meta.num_columns):
            chunk = meta.row_group(group).column(column)
            sizes[chunk.path_in_schema] = sizes.get(chunk.path_in_schema, 0) + chunk.total_compressed_size
    return len(table), sizes


def main() -> None:
    """Print the rate and the table by column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--today", type=dt.date.fromisoformat, default=dt.date(2026, 3, 2))
    given = parser.parse_args()
    config = SimulationConfig(today=given.today, events=given.events)
    count, seconds = events_per_second(config)
    lines = [f"{count:,} events in {seconds:.2f} s on one thread: {count / seconds:,.0f} events/s"]
    count, sizes = bytes_by_column(config)
    lines += [
        f"{size / count:8.3f}  {name}" for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:45]
    ]
    own = {"time", "seq", "event_id"}
    rest = sum(size for name, size in sizes.items() if name not in own)
    others = ", ".join(sorted(own))
    lines.append(f"{sum(sizes.values()) / count:8.3f}  all columns; {rest / count:.3f} besides {others}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
