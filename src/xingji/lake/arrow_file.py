"""A table kept beside unfinished work, as an Arrow file on the local disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from xingji.ports.local_file import replace_synced


def write_table(path: Path, table: pa.Table) -> None:
    """Put a table in place of what was there, durably."""
    content = pa.BufferOutputStream()
    with pa.ipc.new_file(content, table.schema) as writer:
        writer.write_table(table)
    replace_synced(path, content.getvalue().to_pybytes())


def read_table(path: Path) -> pa.Table:
    """The table; raises OSError or ArrowException where there is none that is legible."""
    return pa.ipc.open_file(path.read_bytes()).read_all()
