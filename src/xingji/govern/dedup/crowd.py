"""Which runs are to become one: eight of a kind, and what is left of a slice that gets no more ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from xingji.govern.dedup.manifest import Entry

FAN = 8
"""Eight runs of a tier become one of the next: an id is written again once for each power of eight."""
LARGEST_IDS = 1 << 24
"""Runs do not grow beyond: merging larger ones would take more memory and time than looking into two."""
QUIET_COMMITS = 64
"""A slice that got no ids for so many commits is taken to be complete."""


def tier_of(n_ids: int) -> int:
    """The tier of a run that was not made of others: each holds eight times as many ids as the one below."""
    return (n_ids.bit_length() + 2) // 3


def crowds(entries: Sequence[Entry], busy: Collection[int], commits: int) -> Iterator[list[Entry]]:
    """Groups of runs to be merged, from those that are not busy (by number), after so many commits.

    The newest commit's runs are left alone: its lot may be asked again, and then they do not count.
    """
    for _, group in groupby(sorted(entries, key=_slice), key=_slice):
        members = list(group)
        idle = [entry for entry in members if entry.number not in busy and entry.commit < commits]
        if max(entry.commit for entry in members) + QUIET_COMMITS > commits:
            yield from _alike(idle)
        elif len(idle) == len(members):
            yield from _rest_of(idle)


def _slice(entry: Entry) -> tuple[int, int]:
    return entry.base_us, entry.width_us


def _alike(members: list[Entry]) -> Iterator[list[Entry]]:
    """Eights of a tier, the oldest first; fewer where eight would be too large."""
    by_tier = sorted(members, key=lambda entry: (entry.tier, entry.number))
    for _, group in groupby(by_tier, key=lambda entry: entry.tier):
        crowd = list(group)
        is_full = len(crowd) >= FAN
        del crowd[FAN:]
        while sum(entry.n_ids for entry in crowd) > LARGEST_IDS:
            crowd.pop()
        if is_full and len(crowd) > FAN // 2:
            yield crowd


def _rest_of(members: list[Entry]) -> Iterator[list[Entry]]:
    """The small runs of a slice, up to the last that is not eight times as large as all below it together."""
    by_size = sorted(members, key=lambda entry: entry.n_ids)
    below, end = 0, 0
    for place, entry in enumerate(by_size):
        if below + entry.n_ids > LARGEST_IDS:
            break
        if entry.n_ids <= FAN * below:
            end = place + 1
        below += entry.n_ids
    if end:
        yield by_size[:end]
