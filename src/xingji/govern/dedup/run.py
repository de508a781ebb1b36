"""A run: ids in order in one file that never changes, with a sieve that most absent ids do not pass.

Layout, little-endian: a header, high numbers, low numbers, seconds, the sieve. Columns are mapped, so that
what a process holds of a run is what it looked at lately, and the system may take that back.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import xxhash

from xingji.govern.dedup.keys import Int64s, Keys, Uint64s
from xingji.model.errors import DamagedFileError
from xingji.ports.local_file import open_synced, when_full

_MAGIC = b"xjrun\x00\x00\x01"
_HEADER = struct.Struct("<8sQQQ")
"""Magic, keys, bits of the sieve's places, and the digest of all that follows."""
_BITS_A_KEY = 16
"""One bit of the sieve in so many is set: about one absent id in so many passes."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Run:
    """The ids of one file."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises DamagedFileError where its size or its beginning is not a run's."""
        self.path = path
        with open(path, "rb") as file:
            header = file.read(_HEADER.size)
        size = os.path.getsize(path)
        if len(header) < _HEADER.size or header[:8] != _MAGIC:
            raise DamagedFileError(str(path), "it does not begin as a run of event ids")
        _, self.n_keys, sieve_bits, self._digest = _HEADER.unpack(header)
        n, sieve_bytes = self.n_keys, (1 << sieve_bits) // 8
        if size != _HEADER.size + 20 * n + sieve_bytes:
            raise DamagedFileError(str(path), f"it has {size} bytes, not those of {n} ids")
        content = np.memmap(path, np.uint8, "r", _HEADER.size)
        high, low = content[: 8 * n].view(np.uint64), content[8 * n : 16 * n].view(np.uint64)
        self.keys = Keys(high, low, content[16 * n : 20 * n].view(np.uint32))
        self._sieve, self._shift = content[20 * n :], np.uint64(64 - sieve_bits)
        self.n_bytes = size

    @classmethod
    def write(cls, path: Path, keys: Keys) -> Run:
        """A durable run of keys that are in order; raises StorageFullError, and then there is none."""
        sieve_bits = max((len(keys) * _BITS_A_KEY - 1).bit_length(), 6)
        sieve = np.zeros(1 << (sieve_bits - 3), np.uint8)
        places = _places(keys.high, keys.low, np.uint64(64 - sieve_bits))
        np.bitwise_or.at(sieve, places >> np.uint64(3), _bit(places))
        columns = [np.ascontiguousarray(c).data.cast("B") for c in (keys.high, keys.low, keys.received_s)]
        columns.append(sieve.data.cast("B"))
        digest = xxhash.xxh3_64()
        for column in columns:
            digest.update(column)
        with when_full(path.parent, "keep the ids of events"), open_synced(path) as file:
            file.write(_HEADER.pack(_MAGIC, len(keys), sieve_bits, digest.intdigest()))
            for column in columns:
                file.write(column)
        return cls(path)

    def check(self) -> None:
        """Raise DamagedFileError where the content is not what was written."""
        with open(self.path, "rb") as file:
            file.seek(_HEADER.size)
            digest = xxhash.xxh3_64()
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.intdigest() != self._digest:
            raise DamagedFileError(str(self.path), "its checksum differs")

    def latest_s(self, keys: Keys) -> Int64s:
        """When the id of each of some keys was received last, -1 where the run does not have it."""
        found = np.full(len(keys), -1, np.int64)
        places = _places(keys.high, keys.low, self._shift)
        maybe = np.flatnonzero(self._sieve[places >> np.uint64(3)] & _bit(places))
        if not len(maybe):
            return found
        wanted = keys.take(maybe)
        first = np.searchsorted(self.keys.high, wanted.high)
        after = np.searchsorted(self.keys.high, wanted.high, side="right")
        for at in np.flatnonzero(after > first).tolist():
            here = slice(int(first[at]), int(after[at]))
            same = self.keys.low[here] == wanted.low[at]
            if same.any():
                found[maybe[at]] = int(self.keys.received_s[here][same].max())
        return found


def _places(high: Uint64s, low: Uint64s, shift: np.uint64) -> Uint64s:
    """The place of each id's bit in a sieve of 2 ** (64 - shift) bits."""
    with np.errstate(over="ignore"):
        return ((high ^ (low * _MIX)) * _MIX) >> shift


def _bit(places: Uint64s) -> np.typing.NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))


def sorted_keys(keys: Keys) -> Keys:
    """Keys in order, of each id the one that was received last."""
    ordered = keys.take(keys.order())
    last = np.append(~ordered.repeats_before()[1:], True) if len(ordered) else np.zeros(0, np.bool_)
    return ordered.take(last)
