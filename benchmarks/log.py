"""The log under test: the simulated bank over six months, cut down to the columns that the questions need."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from xingji.loan import Simulation, SimulationConfig

DAYS = 184
TODAY = dt.date(2026, 7, 1)
SEED = 20260101
FILE_ROWS = 1_000_000
PROPERTIES = ("city", "channel", "position_rank", "amount", "application_id")
TAIL_SHARE = 0.01
"""The newest events, by order of arrival, that are not yet compacted when the questions are asked."""
_SHORTFALL = 1.04
"""The simulation makes about 4 % fewer events than it is asked for."""
_SCHEMA = pa.schema(
    [
        pa.field("user", pa.string(), nullable=False),
        pa.field("event", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("event_id", pa.binary(16), nullable=False),
        pa.field("city", pa.dictionary(pa.int16(), pa.string())),
        pa.field("channel", pa.dictionary(pa.int16(), pa.string())),
        pa.field("position_rank", pa.int64()),
        pa.field("amount", pa.decimal128(18, 2)),
        pa.field("application_id", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Log:
    """A generated log: Parquet files in log order; the last `tail_rows` of its `rows` are the fresh ones.

    `people`: users named C… come first; those named D… are numbered from here on.
    """

    folder: Path
    rows: int
    people: int
    event_names: tuple[str, ...]

    @property
    def tail_rows(self) -> int:
        return round(self.rows * TAIL_SHARE)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("log-*.parquet"))

    def rows_of_events(self) -> dict[str, int]:
        """How many rows each event has."""
        names = pq.read_table([str(file) for file in self.files], columns=["event"])[
            "event"
        ].unify_dictionaries()
        return {pair["values"]: pair["counts"] for pair in names.value_counts().to_pylist()}


def parse_size(text: str) -> int:
    """The number of events of a size such as `2m` or `500k`.

    Raises:
        ValueError: it is no such size.
    """
    units = {"k": 1_000, "m": 1_000_000}
    number, unit = text[:-1], text[-1:].lower()
    if (
        unit not in units
        or not number.isdecimal()
        or not 100_000 <= int(number) * units[unit] <= 1_000_000_000
    ):
        raise ValueError(f"size is {text!r}; allowed: 100k to 1000m, such as 2m or 20m")
    return int(number) * units[unit]


def make_log(folder: Path, events: int, progress: Callable[[str], None]) -> Log:
    """The log of about `events` events in `folder`, generated unless it is there already."""
    done = folder / "log.json"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        known = _generate(folder, events, progress)
        written = done.with_suffix(".part")
        written.write_text(json.dumps(known))
        os.replace(written, done)
    known = json.loads(done.read_text())
    return Log(folder, known["rows"], known["people"], tuple(known["event_names"]))


def _generate(folder: Path, events: int, progress: Callable[[str], None]) -> dict[str, object]:
    config = SimulationConfig(today=TODAY, days=DAYS, seed=SEED, events=round(events * _SHORTFALL))
    cities = _Cities()
    rows, names = 0, []
    for number, table in enumerate(_chunks(Simulation(config).event_batches(), cities)):
        pq.write_table(
            table, folder / f"log-{number:03d}.parquet", compression="zstd", row_group_size=250_000
        )
        rows += table.num_rows
        names = table["event"].chunk(0).dictionary.to_pylist()
        progress(f"{rows:,} events generated")
    return {"rows": rows, "people": cities.people, "event_names": names}


def _chunks(batches: Iterator[pa.RecordBatch], cities: _Cities) -> Iterator[pa.Table]:
    """The batches, narrowed, in tables of about FILE_ROWS rows."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(_narrow(batch, cities))
        rows += batch.num_rows
        if rows >= FILE_ROWS:
            yield pa.Table.from_batches(held).unify_dictionaries()
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held).unify_dictionaries()


def _narrow(batch: pa.RecordBatch, cities: _Cities) -> pa.RecordBatch:
    own = {"city": cities.of(batch), "time": _finer(batch.column("time"))}
    columns = [
        own[field.name] if field.name in own else batch.column(field.name).cast(field.type)
        for field in _SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _finer(time: pa.Array) -> pa.Array:
    """The simulation's whole milliseconds with digits below them: a user has no two events at one instant.

    Engines order such events differently, which would make answers differ that mean the same.
    """
    below_us = np.arange(len(time), dtype=np.int64) % 1_000
    return pa.array(time.view(pa.int64()).to_numpy() + below_us).view(time.type)


class _Cities:
    """Every user's city: the first one seen, on all events, so that a breakdown means one thing."""

    def __init__(self) -> None:
        self._first = np.full(1, -1, np.int16)
        self.people = 0
        """One more than the highest number of a user named C…."""

    def of(self, batch: pa.RecordBatch) -> pa.DictionaryArray:
        is_person, number = _spelled(batch.column("user"))
        self.people = max(self.people, int(number[is_person].max(initial=-1)) + 1)
        user = 2 * number + is_person
        if user.max() >= len(self._first):
            self._first = np.append(self._first, np.full(int(user.max()), -1, np.int16))
        column = batch.column("$ip_city")
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int16)
        fresh = np.flatnonzero((codes >= 0) & (self._first[user] < 0))[
            ::-1
        ]  # the earliest row is written last
        self._first[user[fresh]] = codes[fresh]
        mine = np.where(codes >= 0, self._first[user], -1)
        return pa.DictionaryArray.from_arrays(pa.array(mine, pa.int16(), mask=mine < 0), column.dictionary)


def user_numbers(names: pa.Array, people: int) -> npt.NDArray[np.int64]:
    """The numbers of users named by a letter and nine digits: C's as they are, D's after all `people`."""
    is_person, number = _spelled(names)
    return np.where(is_person, number, number + people)


def _spelled(names: pa.Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether each name begins with C, and its number."""
    text = np.frombuffer(names.buffers()[2], np.uint8)[10 * names.offset :][: 10 * len(names)].reshape(-1, 10)
    digits = text[:, 1:].astype(np.int64) - ord("0")
    return text[:, 0] == ord("C"), digits @ (10 ** np.arange(8, -1, -1))
