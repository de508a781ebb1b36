"""The log as memory-mapped arrays in the shape of a lake (buckets, months, a tail) without the lake."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.log import PROPERTIES, Log, user_numbers
from xingji.lake.dictionary import encode_column, narrow
from xingji.lake.part import Coded, Dictionary, Int64s, PropertyInfo
from xingji.lake.view import View, compose_view

BUCKETS = 16
_COLUMNS = ("time", "seq", "event", *PROPERTIES)
Arrays = dict[str, npt.NDArray[np.generic]]


class ArrayPart:
    """A part over a folder of `.npy` files, mapped when first asked for."""

    def __init__(self, folder: Path, dictionaries: Mapping[str, Dictionary]) -> None:
        self.key, self._folder, self._dictionaries = str(folder), folder, dictionaries
        self._maps: Arrays = {}
        self.user_ids: Int64s = np.load(folder / "user_ids.npy")
        self.user_offsets: Int64s = np.load(folder / "user_offsets.npy")
        self.n_rows = int(self.user_offsets[-1])
        self.first_us, self.last_us = np.load(folder / "bounds.npy").tolist()

    def _map(self, name: str) -> npt.NDArray[np.generic]:
        if name not in self._maps:
            self._maps[name] = np.load(self._folder / f"{name}.npy", mmap_mode="r")
        return self._maps[name]

    def time(self) -> Int64s:
        return self._map("time")  # type: ignore[return-value]

    def seq(self) -> Int64s:
        return self._map("seq")  # type: ignore[return-value]

    def event(self) -> npt.NDArray[np.uint16]:
        return self._map("event")  # type: ignore[return-value]

    def coded(self, name: str) -> Coded | None:
        if name not in self._dictionaries:
            return None
        return Coded(self._map(name), self._dictionaries[name])  # type: ignore[arg-type]


class ArraySnapshot:
    """A snapshot over array parts: `parts[bucket]` are its months, `tails[bucket]` its fresh rows."""

    def __init__(self, folder: Path, log: Log) -> None:
        known = json.loads((folder / "arrays.json").read_text())
        dictionaries = {name: Dictionary((_read_values(folder, name),)) for name in PROPERTIES}
        self._parts = [
            [ArrayPart(folder / part, dictionaries) for part in bucket["base"]] for bucket in known["buckets"]
        ]
        self._tails = [
            [ArrayPart(folder / part, dictionaries) for part in bucket["tail"]] for bucket in known["buckets"]
        ]
        self.version, self.as_of_us = "arrays", int(known["as_of_us"])
        self.event_names: Sequence[str] = log.event_names
        self.event_properties = {
            name: PropertyInfo(name, (str(dictionary.chunks[0].type),))
            for name, dictionary in dictionaries.items()
        }
        self.user_properties: dict[str, PropertyInfo] = {}
        self.n_buckets, self.n_events = len(self._parts), log.rows
        self.warnings: Sequence[str] = ()
        self._views: dict[int, View] = {}

    def bucket(self, index: int, first_us: int | None = None, last_us: int | None = None) -> View:
        if index not in self._views:
            self._views[index] = compose_view(self._parts[index], self._tails[index])
        return self._views[index]

    def user_ids_of(self, names: Sequence[str]) -> Int64s:
        return np.array(sorted(int(name) for name in names), np.int64)

    def user_names_of(self, user_ids: Int64s) -> list[str]:
        return [str(at) for at in user_ids.tolist()]


def make_arrays(folder: Path, log: Log) -> ArraySnapshot:
    """The log as a snapshot over arrays in `folder`, built unless they are there already."""
    if not (folder / "arrays.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        known = _build(folder, log)
        written = folder / "arrays.json.part"
        written.write_text(json.dumps(known))
        os.replace(written, folder / "arrays.json")
    return ArraySnapshot(folder, log)


def _build(folder: Path, log: Log) -> dict[str, object]:
    columns = _read_columns(folder, log)
    seq = np.arange(log.rows, dtype=np.int64)
    month = columns["time"].view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    fresh = seq >= log.rows - log.tail_rows
    bucket_of = columns["user"] % BUCKETS
    buckets = []
    for bucket in range(BUCKETS):
        rows = np.flatnonzero(bucket_of == bucket)
        rows = rows[np.lexsort((columns["time"][rows], columns["user"][rows]))]
        names: dict[str, list[str]] = {"base": [], "tail": []}
        for key in np.unique(month[rows]).tolist():
            mine = rows[(month[rows] == key) & ~fresh[rows]]
            names["base"] += _write_part(folder, f"b{bucket:02d}-m{key}", columns, seq, mine)
        names["tail"] += _write_part(folder, f"b{bucket:02d}-tail", columns, seq, rows[fresh[rows]])
        buckets.append(names)
    return {"as_of_us": int(columns["time"].max()), "buckets": buckets}


def _read_columns(folder: Path, log: Log) -> dict[str, npt.NDArray[np.integer]]:
    """Every column of the log in log order, properties as codes; writes the values behind the codes."""
    found: dict[str, npt.NDArray[np.integer]] = {}
    for name in ("user", "event", "time", *PROPERTIES):
        column = pq.read_table([str(file) for file in log.files], columns=[name])[name].unify_dictionaries()
        if name == "user":
            parts = [user_numbers(chunk, log.people) for chunk in column.chunks]
            found[name] = np.concatenate(parts).astype(np.int32)
        elif name == "time":
            found[name] = column.cast(pa.int64()).to_numpy()
        elif name == "event":
            coded = encode_column(column)
            order = {text: code for code, text in enumerate(log.event_names)}
            lut = np.array([0, *(order[text] for text in coded.dictionary.chunks[0].to_pylist())], np.uint16)
            found[name] = lut[coded.codes]
        else:
            coded = encode_column(column)
            pq.write_table(pa.table({"value": coded.dictionary.chunks[0]}), folder / f"{name}.parquet")
            found[name] = narrow(coded.codes, len(coded.dictionary))
    return found


def _read_values(folder: Path, name: str) -> pa.Array:
    return pq.read_table(folder / f"{name}.parquet")["value"].combine_chunks()


def _write_part(
    folder: Path, name: str, columns: Mapping[str, npt.NDArray[np.integer]], seq: Int64s, rows: Int64s
) -> list[str]:
    """Write the arrays of one part; the names of the parts written (none without rows)."""
    if not len(rows):
        return []
    place = folder / name
    place.mkdir()
    owner, time = columns["user"][rows], columns["time"][rows]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    own = {"time": time, "seq": seq[rows]}
    for column in _COLUMNS:
        np.save(place / f"{column}.npy", own[column] if column in own else columns[column][rows])
    np.save(place / "user_ids.npy", owner[starts].astype(np.int64))
    np.save(place / "user_offsets.npy", np.append(starts, len(owner)).astype(np.int64))
    np.save(place / "bounds.npy", np.array([time.min(), time.max()]))
    return [name]
