"""A lot by itself: which copies within it are the first."""

from __future__ import annotations

import numpy as np

from xingji.govern.dedup.keys import Ids, Mask, Places


def first_copies(ids: Ids, seen: Mask, horizon_us: int) -> Mask:
    """Which events are to be stored (`bool[n]`): not seen before, nor within the horizon of a copy that is.

    `ids`: in order, copies of a key in the order of the log; `seen: bool[n]`: by what earlier lots left.
    """
    fresh = ~seen
    repeats = ids.repeats()
    if not repeats.any():
        return fresh
    if int(ids.received_us.max()) - int(ids.received_us.min()) <= horizon_us:
        return _firsts(fresh, repeats)
    return _one_by_one(ids, fresh, repeats, horizon_us)


def _firsts(fresh: Mask, repeats: Mask) -> Mask:
    """Where all times are within the horizon of each other: the first fresh copy of each key."""
    places: Places = np.flatnonzero(fresh)
    key_numbers = np.cumsum(~repeats)[places]
    is_first = np.ones(len(places), np.bool_)
    is_first[1:] = key_numbers[1:] != key_numbers[:-1]
    found = np.zeros(len(fresh), np.bool_)
    found[places[is_first]] = True
    return found


def _one_by_one(ids: Ids, fresh: Mask, repeats: Mask, horizon_us: int) -> Mask:
    """The same for any times: a copy of a key is compared with those of the key that were stored."""
    found = fresh.copy()
    stored_us: list[int] = []
    times = ids.received_us.tolist()
    for place, (is_repeat, is_fresh) in enumerate(zip(repeats.tolist(), fresh.tolist(), strict=True)):
        if not is_repeat:
            stored_us.clear()
        if not is_fresh:
            continue
        if any(abs(times[place] - other) <= horizon_us for other in stored_us):
            found[place] = False
        else:
            stored_us.append(times[place])
    return found
