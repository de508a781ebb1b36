"""Columns of codes keep their values, whatever is left out of their dictionary."""

from __future__ import annotations

import pyarrow as pa
import pytest

from xingji.lake.arrow_columns import compacted

TEXTS = pa.array(["a", "b", "c", "d"])


@pytest.mark.parametrize(
    ("codes", "kept"),
    [
        pytest.param([3, 1, 3], ["b", "d"], id="some"),
        pytest.param([3, None, 1], ["b", "d"], id="some, and nulls"),
        pytest.param([None, None], [], id="nulls only"),
        pytest.param([0, 1, 2, 3], ["a", "b", "c", "d"], id="all"),
        pytest.param([], [], id="none"),
    ],
)
@pytest.mark.parametrize("width", [pa.int8(), pa.int32()], ids=str)
def test_unused_texts_are_left_out(codes: list[int | None], kept: list[str], width: pa.DataType) -> None:
    array = pa.DictionaryArray.from_arrays(pa.array(codes, width), TEXTS)
    smaller = compacted(array)
    assert smaller.to_pylist() == array.to_pylist()
    assert smaller.dictionary.to_pylist() == kept
    inside = compacted(pa.concat_arrays([array, array]).slice(len(codes)))
    assert inside.to_pylist() == array.to_pylist()
