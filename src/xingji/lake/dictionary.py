"""Turning columns of values into codes and dictionaries, whatever types the values have."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xingji.lake.part import Coded, Codes, Dictionary, EventNumbers


def narrow(codes: npt.NDArray[np.integer], n_codes: int) -> Codes:
    """Codes in the narrowest unsigned type that holds `n_codes` of them."""
    kind = np.uint8 if n_codes <= 1 << 8 else np.uint16 if n_codes <= 1 << 16 else np.uint32
    return codes.astype(kind, copy=False)  # type: ignore[return-value]


def narrow_events(codes: EventNumbers) -> EventNumbers:
    """Event codes in one byte each where all of them fit; as they are, where they do not."""
    return narrow(codes, int(codes.max(initial=0)) + 1)  # type: ignore[return-value]


def encode_column(column: pa.Array | pa.ChunkedArray) -> Coded:
    """A typed column as codes; nulls, NaN and infinities, which no JSON can show, are missing."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    values = array.dictionary
    if values.null_count:
        lut = np.concatenate([[0], np.where(values.is_valid(), np.arange(1, len(values) + 1), 0)])
        codes, values = lut[codes], values.fill_null("")
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    return Coded(narrow(codes, len(values) + 1), Dictionary((values,)))


def event_numbers(column: pa.Array | pa.ChunkedArray, codes_of: Mapping[str, int]) -> npt.NDArray[np.uint16]:
    """Names of events as the codes of a snapshot.

    A dictionary may hold names that no row has and the snapshot does not know; they are not looked up.
    """
    coded = encode_column(column)
    lut = np.zeros(len(coded.dictionary), np.uint16)
    for code in np.unique(coded.codes).tolist():
        lut[code] = codes_of[coded.dictionary.chunks[0][code - 1].as_py()]
    return lut[coded.codes]


def encode_values(values: Iterable[object]) -> tuple[npt.NDArray[np.int64], Dictionary]:
    """Python values (None, NaN and infinities: missing) as codes and a dictionary of one chunk a type."""
    by_type: dict[pa.DataType, dict[object, int]] = {}
    found: list[tuple[pa.DataType, int] | None] = []
    for value in values:
        kind, key = _typed(value)
        if kind is None:
            found.append(None)
            continue
        places = by_type.setdefault(kind, {})
        found.append((kind, places.setdefault(key, len(places))))
    first, start = {}, 1
    for kind, places in by_type.items():
        first[kind] = start
        start += len(places)
    codes = np.fromiter((0 if at is None else first[at[0]] + at[1] for at in found), np.int64, len(found))
    return codes, Dictionary(tuple(pa.array(list(places), kind) for kind, places in by_type.items()))


def _typed(value: object) -> tuple[pa.DataType | None, object]:
    """The type under which a value is kept, and the value in that type; no type where it is missing."""
    if value is None:
        return None, None
    if isinstance(value, bool):
        return pa.bool_(), value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return pa.int64(), value
    if isinstance(value, int | Decimal | float):
        number = float(Decimal(value))
        return (pa.float64(), number) if math.isfinite(number) else (None, None)
    if isinstance(value, str):
        return pa.string(), value
    return pa.binary(), json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def join(parts: Sequence[Coded | None], lengths: Sequence[int]) -> Coded:
    """Codes of several blocks, one after the other, over one dictionary in which each type has one chunk."""
    code_of, dictionary = unite([coded.dictionary if coded else Dictionary(()) for coded in parts])
    out = narrow(np.zeros(sum(lengths), np.uint8), len(dictionary))
    start = 0
    for coded, length, moved in zip(parts, lengths, code_of, strict=True):
        if coded is not None:
            np.take(moved.astype(out.dtype), coded.codes, out=out[start : start + length], mode="clip")
        start += length
    return Coded(out, dictionary)


def unite(dictionaries: Sequence[Dictionary]) -> tuple[list[npt.NDArray[np.int64]], Dictionary]:
    """For each dictionary the codes that its values have in one for all, and that one."""
    code_of = [np.zeros(len(each), np.int64) for each in dictionaries]
    places: dict[pa.DataType, list[tuple[pa.Array, npt.NDArray[np.int64]]]] = {}
    for each, codes in zip(dictionaries, code_of, strict=True):
        start = 1
        for chunk in each.chunks:
            places.setdefault(chunk.type, []).append((chunk, codes[start : start + len(chunk)]))
            start += len(chunk)
    chunks: list[pa.Array] = []
    n_codes = 1
    for found in places.values():
        values = pa.concat_arrays([chunk for chunk, _ in found]).dictionary_encode()
        start = 0
        for chunk, codes in found:
            codes[:] = values.indices[start : start + len(chunk)].to_numpy() + n_codes
            start += len(chunk)
        chunks.append(values.dictionary)
        n_codes += len(values.dictionary)
    return code_of, Dictionary(tuple(chunks))


def overlay(
    base: Coded | None, rows: npt.NDArray[np.int64], values: Sequence[object], n_rows: int
) -> Coded | None:
    """`base` with the python `values` put at `rows`, where a property's values came in several types."""
    if not len(rows):
        return base
    extra, dictionary = encode_values(values)
    codes = base.codes.astype(np.int64) if base else np.zeros(n_rows, np.int64)
    shift = len(base.dictionary) - 1 if base else 0
    codes = codes.copy()
    codes[rows] = np.where(extra == 0, 0, extra + shift)
    chunks = (base.dictionary.chunks if base else ()) + dictionary.chunks
    return Coded(narrow(codes, shift + len(dictionary)), Dictionary(chunks))
