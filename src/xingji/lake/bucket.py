"""Which bucket a user lives in: Iceberg's bucket transform of a 64-bit integer, for whole arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.lake.part import Int64s

_C1, _C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
_LENGTH = np.uint32(8)


def bucket_of(user_ids: Int64s, n_buckets: int) -> npt.NDArray[np.int32]:
    """The bucket of each user: murmur3 (32 bits, seed 0) of its 8 little-endian bytes, modulo `n_buckets`.

    Source: the Iceberg table specification, appendix B, and MurmurHash3 by Austin Appleby.
    """
    words = user_ids.astype("<i8").view("<u4").reshape(-1, 2)
    h = np.zeros(len(user_ids), np.uint32)
    with np.errstate(over="ignore"):
        for at in (0, 1):
            h = _rotate(h ^ _scramble(words[:, at]), 13) * np.uint32(5) + np.uint32(0xE6546B64)
        h = _finish(h ^ _LENGTH)
    return ((h & np.uint32(0x7FFFFFFF)) % np.uint32(n_buckets)).astype(np.int32)


def _rotate(x: npt.NDArray[np.uint32], by: int) -> npt.NDArray[np.uint32]:
    return (x << np.uint32(by)) | (x >> np.uint32(32 - by))


def _scramble(k: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return _rotate(k * _C1, 15) * _C2


def _finish(h: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))
