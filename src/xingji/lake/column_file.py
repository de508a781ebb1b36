"""Columns on disk as kernels read them: plain numbers to be mapped, each with a note of what they must be.

A cache, never the truth: a column that does not hold what its note says is missing, and is built again.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

FORMAT = 1
Column = npt.NDArray[Any]


def write_column(folder: Path, name: str, values: Column, dictionary: Sequence[pa.Array] = ()) -> None:
    """Put a column, and the dictionary its codes refer to, in place of what was there."""
    note = {"format": FORMAT, "type": values.dtype.str, "rows": len(values), "xxh3": _digest(values)}
    _replace(folder / f"{name}.col", _bytes(values))
    if dictionary:
        text = _dictionary_bytes(dictionary)
        note["dictionary_xxh3"] = _digest(text)
        _replace(folder / f"{name}.dict", text)
    _replace(folder / f"{name}.json", json.dumps(note).encode())


def write_note(folder: Path, name: str, **note: object) -> None:
    """Say of a column that there is none."""
    _replace(folder / f"{name}.json", json.dumps({"format": FORMAT, **note}).encode())


def read_note(folder: Path, name: str) -> dict[str, Any] | None:
    """What is said of a column; None when nothing legible is."""
    path = folder / f"{name}.json"
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict) or note.get("format") != FORMAT:
        return None
    os.utime(path)  # what was not used for longest is evicted first
    return note


def map_column(folder: Path, name: str, note: dict[str, Any]) -> Column | None:
    """The column, mapped; None when it is not what its note says."""
    try:
        values = map_file(folder / f"{name}.col", np.dtype(note["type"]), int(note["rows"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return values if _digest(values) == note.get("xxh3") else None


def map_file(path: Path, kind: np.dtype[Any], rows: int) -> Column:
    """The first `rows` numbers of a file, mapped read-only."""
    if not rows:
        return np.zeros(0, kind)
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), rows * kind.itemsize, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, kind)


def read_dictionary(folder: Path, name: str, note: dict[str, Any]) -> tuple[pa.Array, ...] | None:
    """The dictionary of a column; None when it is not what its note says."""
    try:
        with pa.memory_map(str(folder / f"{name}.dict")) as file:
            text = file.read_buffer()
    except OSError:
        return None
    if _digest(text) != note.get("dictionary_xxh3"):
        return None
    source, chunks = pa.BufferReader(text), []
    while source.tell() < text.size:
        with pa.ipc.open_stream(source) as stream:
            chunks.append(stream.read_all().column(0).combine_chunks())
    return tuple(chunks)


def _dictionary_bytes(chunks: Sequence[pa.Array]) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    for chunk in chunks:
        batch = pa.record_batch([chunk], names=["value"])
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
    return sink.getvalue()


def _digest(content: Column | pa.Buffer) -> str:
    return xxhash.xxh3_64_hexdigest(_bytes(content) if isinstance(content, np.ndarray) else content)


def _bytes(values: Column) -> memoryview:
    return np.ascontiguousarray(values).view(np.uint8).data


def _replace(path: Path, content: Any) -> None:
    fresh = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        with open(fresh, "xb") as file:
            file.write(content)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
