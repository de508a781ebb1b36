"""The largest matching of steps and events."""

from __future__ import annotations

from collections.abc import Iterable


def largest_matching(fits: Iterable[set[int]]) -> int:
    """How many different steps can be given to different events; `fits` has the steps each event matches.

    By trying everything: the sets of steps that the events so far can fill are all kept.
    """
    reachable: set[frozenset[int]] = {frozenset()}
    for steps in fits:
        reachable |= {filled | {step} for filled in reachable for step in steps - filled}
    return max(map(len, reachable))
