"""The properties of a part that are kept as JSON, turned once from row by row to name by name."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import CODED
from xingji.lake.json_text import members, value_text
from xingji.lake.part import Int64s

SCHEMA = pa.schema({"name": CODED, "row": pa.int64(), "value": pa.string()})


def by_name(objects: pa.Array) -> pa.Table:
    """The members of JSON objects, one a row: name, row of the object, value as JSON text."""
    names: list[str] = []
    rows: list[int] = []
    values: list[str] = []
    for row, found in members(objects):
        for name, value in found.items():
            names.append(name)
            rows.append(row)
            values.append(value_text(value))
    coded = pa.array(names, pa.string()).dictionary_encode().cast(CODED)
    return pa.table([coded, pa.array(rows, pa.int64()), pa.array(values, pa.string())], schema=SCHEMA)


def of_name(table: pa.Table, name: str) -> tuple[Int64s, list[object]]:
    """The rows that have a property, and its values."""
    names = table["name"].combine_chunks()
    code = names.dictionary.index(name).as_py()
    places = np.flatnonzero(names.indices.to_numpy() == code)
    rows: Int64s = table["row"].to_numpy()[places]
    texts = table["value"].take(pa.array(places)).to_pylist()
    return rows, json.loads(f"[{','.join(texts)}]")
