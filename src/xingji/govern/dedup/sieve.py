"""A sieve of twenty bits an id: it lets pass every id that is there, and one in five hundred that is not.

The filter of Bloom (1970) in blocks of a word (Putze, Sanders, Singler, 2007): an id's six marks are in one
word, so that asking for it reads memory once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.govern.dedup.keys import Mask, Places, Uint64s

BITS_AN_ID = 20
_WORD_BITS = 64
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F))
_HALF, _SIX = np.uint64(32), np.uint64(63)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where ids leave marks in a sieve of any size: `spots: uint64[n]` below 2 ** 32, `bits: uint64[n]`."""

    spots: Uint64s
    bits: Uint64s

    @classmethod
    def of(cls, high: Uint64s, low: Uint64s) -> Marks:
        """The marks of ids; those of neighbours have nothing in common."""
        mixed = (high ^ (low * _MIX[0])) * _MIX[1]
        second = (mixed ^ (mixed >> np.uint64(29)) ^ low) * _MIX[2]
        bits = np.zeros(len(high), np.uint64)
        for shift in (58, 52, 46, 40, 34, 28):
            bits |= np.uint64(1) << ((second >> np.uint64(shift)) & _SIX)
        return cls(mixed >> _HALF, bits)


def new_sieve(n_ids: int) -> Uint64s:
    """An empty sieve (`uint64[n_words]`) for so many ids."""
    return np.zeros(max(-(-n_ids * BITS_AN_ID // _WORD_BITS), 1), np.uint64)


def mark(sieve: Uint64s, marks: Marks) -> None:
    """Let ids pass from now on."""
    np.bitwise_or.at(sieve, _words_of(sieve, marks), marks.bits)


def passing(sieve: Uint64s, marks: Marks) -> Places:
    """The places of the ids that pass: all that are there, and a few others."""
    words = sieve.take(
        _words_of(sieve, marks), mode="clip"
    )  # no word is out of range; "raise" would copy twice
    words &= marks.bits
    passed: Mask = words == marks.bits
    return passed.nonzero()[0]


def _words_of(sieve: Uint64s, marks: Marks) -> Places:
    return ((marks.spots * np.uint64(len(sieve))) >> _HALF).view(np.intp)
