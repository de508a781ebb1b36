"""Buckets are Iceberg's, so that other engines find a user where we put it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import LongType

from xingji.lake.bucket import bucket_of

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(users=st.lists(INT64, min_size=1, max_size=50), n_buckets=st.integers(1, 5000))
def test_bucket_is_that_of_iceberg(users: list[int], n_buckets: int) -> None:
    theirs = BucketTransform(n_buckets).transform(LongType())
    assert bucket_of(np.array(users, np.int64), n_buckets).tolist() == [theirs(user) for user in users]


@pytest.mark.parametrize("n_buckets", [16, 64])
def test_consecutive_users_spread_evenly(n_buckets: int) -> None:
    counts = np.bincount(bucket_of(np.arange(1, 100_001), n_buckets), minlength=n_buckets)
    assert counts.min() > 0.8 * 100_000 / n_buckets
