"""Keys are ids as numbers, in the order of their bytes."""

from __future__ import annotations

import uuid

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.dedup import keys_of, keys_of_column
from xingji.govern.dedup.keys import Ids
from xingji.govern.files.event_ids import event_id_bytes, event_ids

BYTES = st.one_of(
    st.binary(min_size=16, max_size=16), st.integers(0, 3).map(lambda n: bytes([n] * 8 + [3 - n] * 8))
)


@given(st.lists(BYTES))
def test_keys_are_in_order_as_ids_are(ids: list[bytes]) -> None:
    keys = keys_of(ids)
    columns = Ids(keys[:, 0], keys[:, 1], np.zeros(len(ids), np.int64))
    assert [ids[at] for at in columns.order()] == sorted(ids)
    ordered = columns.take(columns.order())
    assert [not repeat for repeat in ordered.repeats()].count(True) == len(set(ids))


@given(st.lists(st.one_of(st.uuids().map(str), st.text(min_size=1))), st.integers(0, 3))
def test_a_column_gives_the_keys_of_its_ids(texts: list[str], skipped: int) -> None:
    column = event_ids(texts).slice(skipped)
    np.testing.assert_array_equal(
        keys_of_column(column), keys_of([event_id_bytes(text) for text in texts[skipped:]])
    )


def test_a_uuid_is_its_own_key() -> None:
    one = uuid.UUID(int=(7 << 64) + 9)
    assert keys_of([event_id_bytes(str(one))]).tolist() == [[7, 9]]


@given(st.lists(BYTES), BYTES)
def test_counting_up_to_a_bound(ids: list[bytes], bound: bytes) -> None:
    keys, (high, low) = keys_of(sorted(ids)), keys_of([bound])[0].tolist()
    columns = Ids(keys[:, 0], keys[:, 1], np.zeros(len(ids), np.int64))
    assert columns.count_up_to((high, low)) == sum(one <= bound for one in ids)
