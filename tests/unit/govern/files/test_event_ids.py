from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.files.event_ids import event_id_bytes, event_ids


@given(st.lists(st.uuids()))
def test_uuids_are_their_bytes(ids: list[uuid.UUID]) -> None:
    assert event_ids([str(one) for one in ids]).to_pylist() == [one.bytes for one in ids]
    assert event_ids([str(one).upper() for one in ids]).to_pylist() == [one.bytes for one in ids]


@given(
    st.lists(
        st.one_of(
            st.none(), st.text(), st.uuids().map(str), st.text("0123456789abcdef- ", min_size=36, max_size=36)
        )
    )
)
def test_a_column_reads_like_single_texts(texts: list[str | None]) -> None:
    expected = [event_id_bytes(text) if text else None for text in texts]
    assert event_ids(texts).to_pylist() == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1", "2", id="short"),
        pytest.param(
            "0193e5c8-4f6e-7000-8000-000000000001", "0193e5c84f6e70008000000000000001", id="without hyphens"
        ),
        pytest.param("A", "a", id="case of other texts"),
    ],
)
def test_differing_texts_differ(one: str, other: str) -> None:
    assert event_id_bytes(one) != event_id_bytes(other)
