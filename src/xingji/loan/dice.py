"""Chance without a state: every draw is a hash of (seed, what for, whose).

A draw does not depend on the order in which days or people are rendered, so planning and rendering may
ask for the same draw twice and get the same answer. The mixer is the finaliser of SplitMix64 (Steele, Lea,
Flood 2014).
"""

from __future__ import annotations

import zlib

import numpy as np

from xingji.loan.arrays import F64, I64, U64, Ints, Mask

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def _mix_int(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Dice:
    """Draws keyed by a salt (what for) and ids (whose)."""

    def __init__(self, seed: int) -> None:
        self._seed = _mix_int(seed * _GOLDEN & _MASK)
        self._salts: dict[str, int] = {}

    def _salt(self, salt: str) -> int:
        if salt not in self._salts:
            self._salts[salt] = _mix_int((self._seed + zlib.crc32(salt.encode()) * _GOLDEN) & _MASK)
        return self._salts[salt]

    def bits(self, salt: str, ids: Ints) -> U64:
        """64 random bits per id."""
        z = ids.astype(np.uint64)
        z *= np.uint64(_GOLDEN)
        z += np.uint64(self._salt(salt))
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return z

    def uniform(self, salt: str, ids: Ints) -> F64:
        """A uniform number in [0, 1) per id."""
        return (self.bits(salt, ids) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, salt: str, ids: Ints, probability: F64 | float) -> Mask:
        """True with the given probability per id."""
        return self.uniform(salt, ids) < probability

    def between(self, salt: str, ids: Ints, low: int, high: int) -> I64:
        """A whole number in [low, high) per id."""
        return low + field(self.bits(salt, ids), 0, high - low)

    def pick(self, salt: str, ids: Ints, weights: F64) -> I64:
        """An index per id, with the given weights."""
        edges = np.cumsum(weights) / np.sum(weights)
        return np.minimum(np.searchsorted(edges, self.uniform(salt, ids), side="right"), len(weights) - 1)

    def lognormal(self, salt: str, ids: Ints, median: F64 | float, sigma: float) -> F64:
        """A log-normal number per id (Box-Muller over two uniforms)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(salt, ids)))
        angle = 2.0 * np.pi * self.uniform(salt + "'", ids)
        return np.asarray(median * np.exp(sigma * radius * np.cos(angle)), np.float64)


def field(bits: U64, part: int, span: int) -> I64:
    """A whole number in [0, span) from the 16-bit part 0..3 of a draw (32 bits for spans above 65,536)."""
    if span > 65_536:
        return ((bits >> np.uint64(32)) * np.uint64(span) >> np.uint64(32)).astype(np.int64)
    sixteen = (bits >> np.uint64(16 * part)) & np.uint64(0xFFFF)
    return (sixteen * np.uint64(span) >> np.uint64(16)).astype(np.int64)
