"""Pages of a run: 194 ids each in 4,096 bytes with their checksum, so that a look-up reads and checks one.

A time takes five bytes: µs after the beginning of the run's slice, which is shorter than 2 ** 40 µs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xxhash

from xingji.govern.dedup.keys import Ids

PAGE_IDS = 194
PAGE_BYTES = 4_096
LONGEST_SLICE_US = 1 << 40
PAGE = np.dtype(
    [
        ("high", "<u8", (PAGE_IDS,)),
        ("low", "<u8", (PAGE_IDS,)),
        ("after_us", "<u4", (PAGE_IDS,)),
        ("after_us_above", "u1", (PAGE_IDS,)),
        ("unused", "u1", (14,)),
        ("xxh3", "<u8"),
    ]
)
_SUM_BYTES = 8
_LOW_BITS = 32
Pages = npt.NDArray[np.void]


def pages_for(n_ids: int) -> int:
    """How many pages so many ids take."""
    return -(-n_ids // PAGE_IDS)


def packed(ids: Ids, base_us: int, first_page: int) -> Pages:
    """Ids as pages (`PAGE[n]`) of a run, from its page `first_page` on; the last may have room left."""
    pages = np.zeros(pages_for(len(ids)), PAGE)
    after_us = (ids.received_us - base_us).view(np.uint64)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "high": ids.high,
        "low": ids.low,
        "after_us": (after_us & np.uint64((1 << _LOW_BITS) - 1)).astype(np.uint32),
        "after_us_above": (after_us >> np.uint64(_LOW_BITS)).astype(np.uint8),
    }
    whole = len(ids) // PAGE_IDS
    for name, values in columns.items():
        pages[name][:whole] = values[: whole * PAGE_IDS].reshape(whole, PAGE_IDS)
        if whole < len(pages):
            pages[name][whole, : len(ids) - whole * PAGE_IDS] = values[whole * PAGE_IDS :]
    content = memoryview(pages.view(np.uint8).data)
    sums = b"".join([_sum(content, at, first_page + at) for at in range(len(pages))])
    pages["xxh3"] = np.frombuffer(sums, "<u8")
    return pages


def unpacked(pages: Pages, base_us: int, n_ids: int) -> Ids:
    """The first `n_ids` ids of pages that follow each other."""
    return Ids(
        pages["high"].reshape(-1)[:n_ids],
        pages["low"].reshape(-1)[:n_ids],
        received_us(
            pages["after_us"].reshape(-1)[:n_ids], pages["after_us_above"].reshape(-1)[:n_ids], base_us
        ),
    )


def received_us(
    after_us: npt.NDArray[np.uint32], above: npt.NDArray[np.uint8], base_us: int | npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Times (`int64[n]`, µs since the epoch) of what pages hold of them."""
    times = above.astype(np.int64)
    times <<= _LOW_BITS
    times |= after_us
    times += base_us
    return times


def is_whole(content: bytes, at: int, number: int) -> bool:
    """Whether the page at place `at` of some pages is as it was written as page `number` of its run."""
    end = at * PAGE_BYTES + PAGE_BYTES
    return content[end - _SUM_BYTES : end] == _sum(memoryview(content), at, number)


def _sum(content: memoryview, at: int, number: int) -> bytes:
    """The checksum of the page at place `at` of some pages, which is page `number` of its run.

    A page that stands where another should is damage too, hence the number.
    """
    first = at * PAGE_BYTES
    digest = xxhash.xxh3_64_intdigest(content[first : first + PAGE_BYTES - _SUM_BYTES], seed=number)
    return digest.to_bytes(_SUM_BYTES, "little")
