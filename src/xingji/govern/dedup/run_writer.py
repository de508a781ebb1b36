"""Writing a run piece by piece: ids come in order, and the disk gets them in portions of a few megabytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import xxhash

from xingji.govern.dedup.keys import NO_IDS, Ids
from xingji.govern.dedup.page import PAGE_BYTES, PAGE_IDS, packed
from xingji.govern.dedup.run import header_bytes
from xingji.govern.dedup.sieve import Marks, mark, new_sieve
from xingji.ports.local_file import when_full

PORTION_BYTES = 4 << 20
"""So much is synced at a time: to sync a large run at its end would hold up a lot for seconds."""


class RunWriter:
    """A run that is being written; its file is nobody else's until it is finished.

    Its content is durable then. So will its name be before a manifest names it: putting that in place syncs
    the folder first, once for all runs.
    """

    def __init__(self, path: Path, base_us: int, most_ids: int) -> None:
        """`base_us`: beginning of the slice in which all ids were received; `most_ids`: no more will come.

        Raises:
            StorageFullError: the disk has no room; so may every other step.
        """
        self.path, self._base_us = path, base_us
        self._n_ids, self._n_pages, self._unsynced_bytes = 0, 0, 0
        self._rest = NO_IDS
        self._sieve = new_sieve(most_ids)
        self._first_of_pages: list[Ids] = []
        self._ending: Iterator[None] | None = None
        with self._when_full():
            self._file = open(path, "xb", buffering=0)  # noqa: SIM115 (it stays open from lot to lot)
            self._file.seek(PAGE_BYTES)

    def add(self, ids: Ids) -> None:
        """Write ids that are in order, and beyond all that were added before."""
        mark(self._sieve, Marks.of(ids.high, ids.low))
        self._n_ids += len(ids)
        known = Ids.joined([self._rest, ids])
        whole = len(known) - len(known) % PAGE_IDS
        self._add_pages(known.slice(0, whole))
        self._rest = known.slice(whole, len(known))

    def _add_pages(self, ids: Ids) -> None:
        pages = packed(ids, self._base_us, self._n_pages)
        self._n_pages += len(pages)
        self._first_of_pages.append(ids.take(np.arange(0, len(ids), PAGE_IDS)))
        self._write(memoryview(pages.view(np.uint8).data))

    def finish(self) -> None:
        """Write what is left to be written; the run is durable then."""
        while not self.end_some():
            pass

    def end_some(self) -> bool:
        """Write another portion of what comes after the last id; whether that was all."""
        if self._ending is None:
            self._ending = self._end()
        return next(self._ending, self) is self

    def _end(self) -> Iterator[None]:
        self._add_pages(self._rest)
        first = Ids.joined([NO_IDS, *self._first_of_pages])
        digest, n_words = xxhash.xxh3_64(), len(self._sieve)
        for column in (first.high, first.low, self._sieve):
            content = memoryview(np.ascontiguousarray(column).view(np.uint8).data)
            for at in range(0, len(content), PORTION_BYTES):
                portion = content[at : at + PORTION_BYTES]
                digest.update(portion)
                if self._write(portion):
                    yield
        self._file.seek(0)
        self._write(memoryview(header_bytes(self._n_ids, self._base_us, n_words, digest.intdigest())))
        self._sync()
        self._file.close()

    def _write(self, content: memoryview) -> bool:
        """Write something; whether there was so much by now that it was synced."""
        self._unsynced_bytes += len(content)
        with self._when_full():
            while content:
                content = content[self._file.write(content) :]
        if self._unsynced_bytes < PORTION_BYTES:
            return False
        self._sync()
        return True

    def _sync(self) -> None:
        with self._when_full():
            os.fsync(self._file.fileno())
        self._unsynced_bytes = 0

    def _when_full(self) -> AbstractContextManager[None]:
        return when_full(self.path.parent, "keep the ids of events")

    def abandon(self) -> None:
        """Remove what was written."""
        self._file.close()
        self.path.unlink(missing_ok=True)
