"""Pairs of users as single numbers, to look many of them up at once."""

from __future__ import annotations

import numpy as np

from xingji.lake.part import Int64s
from xingji.ports.lake_store import Pairs


def find_pairs(known: Pairs, asked: Pairs) -> Int64s:
    """Where each asked pair stands among those known, which are distinct; -1: nowhere.

    >>> find_pairs(np.array([[1, 2], [3, 1]]), np.array([[3, 1], [3, 2], [9, 9]])).tolist()
    [1, -1, -1]
    """
    if not len(known):
        return np.full(len(asked), -1, np.int64)
    ranks = [np.unique(known[:, at]) for at in (0, 1)]
    codes, wanted = _codes(known, ranks), _codes(asked, ranks)
    order = np.argsort(codes)
    place = np.minimum(np.searchsorted(codes[order], wanted), len(order) - 1)
    return np.where(codes[order][place] == wanted, order[place], -1)


def _codes(pairs: Pairs, ranks: list[Int64s]) -> Int64s:
    """A number for each pair of users that have ranks; -1 for other pairs."""
    places = (np.searchsorted(ranks[at], pairs[:, at]) for at in (0, 1))
    first, second = (np.minimum(place, len(rank) - 1) for place, rank in zip(places, ranks, strict=True))
    known = (ranks[0][first] == pairs[:, 0]) & (ranks[1][second] == pairs[:, 1])
    return np.where(known, first * len(ranks[1]) + second, -1)


def distinct_pairs(first: Int64s, second: Int64s) -> Pairs:
    """Each pair once, in order.

    >>> distinct_pairs(np.array([2, 1, 2]), np.array([3, 4, 3])).tolist()
    [[1, 4], [2, 3]]
    """
    order = np.lexsort((second, first))
    pairs = np.stack([first[order], second[order]], axis=1)
    fresh = np.ones(len(pairs), np.bool_)
    fresh[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    return pairs[fresh]
