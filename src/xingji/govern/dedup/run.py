"""A run: ids in order in one file that never changes.

Layout, little-endian: a header of one page, pages of ids, and an index: the first key of every page, then the
sieve. The index is mapped, and checked when the run is opened. Pages are read one by one where the sieve lets
an id pass: so a process holds next to nothing of a run, and a page is checked whenever it is used.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

import numpy as np
import xxhash

from xingji.govern.dedup.keys import Ids, Places, Uint64s
from xingji.govern.dedup.page import (
    PAGE,
    PAGE_BYTES,
    PAGE_IDS,
    is_whole,
    pages_for,
    unpacked,
)
from xingji.govern.dedup.sieve import Marks, passing
from xingji.model.errors import DamagedFileError

MAGIC = b"xjids\x00\x00\x01"
HEADER = struct.Struct("<8sQqQQ")
"""Magic, ids, beginning of the slice in µs since the epoch, words of the sieve, digest of the index."""
_DIGEST = struct.Struct("<Q")
_CHECKED_PAGES = 512


def header_bytes(n_ids: int, base_us: int, n_words: int, index_digest: int) -> bytes:
    """The first page of a run's file."""
    header = HEADER.pack(MAGIC, n_ids, base_us, n_words, index_digest)
    return (header + _DIGEST.pack(xxhash.xxh3_64_intdigest(header))).ljust(PAGE_BYTES, b"\0")


class Run:
    """The ids of one file, all received within the slice that begins at `base_us`, no key twice."""

    def __init__(self, path: Path, check_index: bool = True) -> None:
        """Open a run; without `check_index` only where it was written a moment ago.

        Raises:
            DamagedFileError: the file is missing, or header, size or index are not what was written.
        """
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise DamagedFileError(str(path), "it is missing") from error
        try:
            self._open(check_index)
        except BaseException:
            self.close()
            raise

    def _open(self, check_index: bool) -> None:
        header = os.pread(self._handle, PAGE_BYTES, 0)
        content = header[: HEADER.size]
        if header[HEADER.size :][:8] != _DIGEST.pack(xxhash.xxh3_64_intdigest(content)):
            raise self._damage("its header's checksum differs")
        magic, self.n_ids, self.base_us, n_words, digest = HEADER.unpack(content)
        if magic != MAGIC:
            raise self._damage(f"it begins with {magic!r}, not {MAGIC!r}")
        self.n_pages = pages_for(self.n_ids)
        self.n_bytes = os.fstat(self._handle).st_size
        index_at, index_bytes = PAGE_BYTES * (1 + self.n_pages), 16 * self.n_pages + 8 * n_words
        if self.n_bytes != index_at + index_bytes:
            raise self._damage(f"it has {self.n_bytes} bytes, not those of {self.n_ids} ids")
        index = mmap.mmap(self._handle, index_bytes, offset=index_at, access=mmap.ACCESS_READ)
        if check_index and xxhash.xxh3_64_intdigest(index) != digest:
            raise self._damage("its index's checksum differs")
        words = np.frombuffer(index, "<u8")
        self._first_high, self._first_low = words[: self.n_pages], words[self.n_pages : 2 * self.n_pages]
        self._sieve = words[2 * self.n_pages :]

    def _damage(self, reason: str) -> DamagedFileError:
        return DamagedFileError(str(self.path), reason)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def candidates(self, asked: Ids, marks: Marks) -> tuple[Places, Places]:
        """Which of the asked keys may be here (`intp[k]`, rising), and the page on which each would be."""
        places = passing(self._sieve, marks)
        return places, self._pages_of(asked.high[places], asked.low[places])

    def _pages_of(self, high: Uint64s, low: Uint64s) -> Places:
        """The only page on which each key can be; for keys below all that are here, the first."""
        pages = np.maximum(np.searchsorted(self._first_high, high, "right") - 1, 0)
        # Where a page begins with the key's first half, second halves decide, over many pages if need be.
        for at in np.flatnonzero(self._first_high[pages] == high):
            first, end = int(np.searchsorted(self._first_high, high[at], "left")), int(pages[at]) + 1
            pages[at] = max(first + int(np.searchsorted(self._first_low[first:end], low[at], "right")) - 1, 0)
        return pages

    def ids(self, first_page: int, end_page: int) -> Ids:
        """The ids of pages `first_page` up to, not including, `end_page`.

        Raises:
            DamagedFileError: a page is not what was written.
        """
        content = self.page_bytes(first_page, end_page)
        n_ids = min(self.n_ids, PAGE_IDS * end_page) - PAGE_IDS * first_page
        return unpacked(np.frombuffer(content, PAGE), self.base_us, n_ids)

    def page_bytes(self, first_page: int, end_page: int) -> bytes:
        """The bytes of pages `first_page` up to, not including, `end_page`.

        Raises:
            DamagedFileError: a page is not what was written.
        """
        n_pages = end_page - first_page
        content = os.pread(self._handle, PAGE_BYTES * n_pages, PAGE_BYTES * (1 + first_page))
        if len(content) != PAGE_BYTES * n_pages:
            raise self._damage("it ends before its last page")
        for at in range(n_pages):
            if not is_whole(content, at, first_page + at):
                raise self._damage(f"the checksum of page {first_page + at} differs")
        return content

    def check(self) -> None:
        """Read every page.

        Raises:
            DamagedFileError: one is not what was written.
        """
        for first in range(0, self.n_pages, _CHECKED_PAGES):
            self.ids(first, min(first + _CHECKED_PAGES, self.n_pages))
