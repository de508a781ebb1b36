"""Funnels: for each unit the chosen attempt — the one that gets furthest, then ends earliest, then starts
latest.

Every kernel takes units as runs of events (`offsets: int64[n_units + 1]`, `time: int64[n]` µs, `bits:
uint64[n]`, bit k: the event matches required step k) and fills `at: int64[n_units, n_steps]` with the events
of the chosen attempt, -1 beyond it. An attempt starts at an event of step 1 before `entry_end_us` and takes,
for each later step, the earliest later event that matches it at most `window_us` after its start.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import Int64s

Uint64s = npt.NDArray[np.uint64]
Grid = npt.NDArray[np.int64]


@kernel
def ordered(
    offsets: Int64s, time: Int64s, bits: Uint64s, window_us: int, entry_end_us: int, at: Grid
) -> None:
    """Attempts in order, without exclusions, in one pass.

    All attempts that wait for the same step advance together, so only the latest start of them is kept (it
    outlasts the others and wins the tie): `way[k]` holds the events of the attempt that has k + 1 steps and
    started last, and bit k of `waiting` says that there is one.
    """
    n_steps = at.shape[1]
    way = np.empty((n_steps, n_steps), np.int64)
    started = np.uint64(1)
    for unit in range(len(offsets) - 1):
        best = 0
        waiting, start = np.uint64(0), -1
        for event in range(offsets[unit], offsets[unit + 1]):
            matched = bits[event]
            moves = matched & (waiting << np.uint64(1))
            if moves:
                way[0, 0] = start
                now = time[event]
                for step in range(n_steps - 1, 0, -1):
                    if not (moves >> np.uint64(step)) & np.uint64(1):
                        continue
                    waiting &= ~(np.uint64(1) << np.uint64(step - 1))
                    if now - time[way[step - 1, 0]] <= window_us:
                        waiting |= np.uint64(1) << np.uint64(step)
                        for k in range(step):
                            way[step, k] = way[step - 1, k]
                        way[step, step] = event
                        if step >= best:
                            best = step + 1
                            for k in range(best):
                                at[unit, k] = way[step, k]
            starts = matched & started & np.uint64(time[event] < entry_end_us)
            start = event if starts else start
            waiting |= starts
            if best == 0 and starts:
                best = 1
                at[unit, 0] = event
        for k in range(best, n_steps):
            at[unit, k] = -1


@inline
def _better(new: Int64s, n_new: int, old: Int64s, n_old: int) -> bool:
    """Whether an attempt goes further than another, or ends earlier, or starts later."""
    if n_new != n_old or n_new == 0:
        return bool(n_new > n_old)
    if new[n_new - 1] != old[n_old - 1]:
        return bool(new[n_new - 1] < old[n_old - 1])
    return bool(new[0] > old[0])


@inline
def _next_matches(bits: Uint64s, first: int, end: int, n_bits: int, following: npt.NDArray[np.int64]) -> None:
    """Fill `following[i, b]` with the first event from `first + i` on that has bit b, or `end`."""
    following[end - first, :n_bits] = end
    for event in range(end - 1, first - 1, -1):
        for bit in range(n_bits):
            has = (bits[event] >> np.uint64(bit)) & np.uint64(1)
            following[event - first, bit] = event if has else following[event - first + 1, bit]


@kernel
def excluded(
    offsets: Int64s, time: Int64s, bits: Uint64s, window_us: int, entry_end_us: int,
    from_step: Int64s, to_step: Int64s, at: Grid,
) -> None:  # fmt: skip
    """Attempts in order, each removed by an exclusion between its events of two steps (or before its window
    ends).

    Exclusion x is bit `n_steps + x`; it acts from step index `from_step[x]` to `to_step[x]` (from 0).
    """
    n_steps, n_bits = at.shape[1], at.shape[1] + len(from_step)
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    following = np.empty((longest + 1, n_bits), np.int64)
    attempt = np.empty(n_steps, np.int64)
    for unit in range(len(offsets) - 1):
        first, end = offsets[unit], offsets[unit + 1]
        _next_matches(bits, first, end, n_bits, following)
        best = 0
        at[unit, :] = -1
        start = following[0, 0]
        while start < end and time[start] < entry_end_us:
            last_us = time[start] + window_us
            attempt[0] = start
            reached = 1
            while reached < n_steps:
                event = following[attempt[reached - 1] + 1 - first, reached]
                if event == end or time[event] > last_us:
                    break
                attempt[reached] = event
                reached += 1
            removed = False
            for x in range(len(from_step)):
                if from_step[x] < reached:
                    event = following[attempt[from_step[x]] + 1 - first, n_steps + x]
                    step = from_step[x] + 1
                    while event < end and step < reached:
                        if attempt[step] == event:
                            event = following[event + 1 - first, n_steps + x]
                            step += 1
                        elif attempt[step] < event:
                            step += 1
                        else:
                            break
                    if to_step[x] < reached:
                        removed |= event < attempt[to_step[x]]
                    else:
                        removed |= event < end and time[event] <= last_us
            if not removed and _better(attempt, reached, at[unit], best):
                best = reached
                at[unit, :reached] = attempt[:reached]
                at[unit, reached:] = -1
            start = following[start + 1 - first, 0]


@kernel
def strict(
    offsets: Int64s, time: Int64s, bits: Uint64s, key: Int64s, window_us: int, entry_end_us: int, at: Grid
) -> None:
    """Attempts whose steps are neighbours in the run and carry the same `key: int64[n]` as their start."""
    n_steps = at.shape[1]
    attempt = np.empty(n_steps, np.int64)
    for unit in range(len(offsets) - 1):
        end = offsets[unit + 1]
        best = 0
        at[unit, :] = -1
        for start in range(offsets[unit], end):
            if not bits[start] & np.uint64(1) or time[start] >= entry_end_us:
                continue
            reached = 0
            while reached < n_steps and start + reached < end:
                event = start + reached
                matches = (bits[event] >> np.uint64(reached)) & np.uint64(1)
                if not matches or time[event] - time[start] > window_us or key[event] != key[start]:
                    break
                attempt[reached] = event
                reached += 1
            if _better(attempt, reached, at[unit], best):
                best = reached
                at[unit, :reached] = attempt[:reached]


@inline
def _augment(steps: int, taken: Uint64s, n_steps: int, via: Int64s, queue: Int64s) -> bool:
    """Give one more event (matching `steps`) a step of its own, moving others where they can go; False if
    none can.

    `taken[k]`: the steps that the event holding step k matches, 0 when free. A search for an augmenting path
    (Berge 1957).
    """
    seen = np.uint64(steps)
    head, tail = 0, 0
    for step in range(n_steps):
        if (seen >> np.uint64(step)) & np.uint64(1):
            queue[tail], via[step] = step, -1
            tail += 1
    while head < tail:
        step = queue[head]
        head += 1
        if taken[step] == np.uint64(0):
            while via[step] >= 0:
                taken[step] = taken[via[step]]
                step = via[step]
            taken[step] = np.uint64(steps)
            return True
        for other in range(n_steps):
            bit = np.uint64(1) << np.uint64(other)
            if taken[step] & bit and not seen & bit:
                seen |= bit
                queue[tail], via[other] = other, step
                tail += 1
    return False


@kernel
def any_order_excluded(
    time: Int64s, attempt: Int64s, reached: int, exclusion_next: Int64s, first: int, end: int, last_us: int
) -> bool:
    """Whether an exclusion, not itself a step, comes before an attempt is complete or its window over."""
    event = exclusion_next[attempt[0] + 1 - first]
    for k in range(1, reached):
        if attempt[k] == event:
            event = exclusion_next[event + 1 - first]
        elif attempt[k] > event:
            break
    if reached == len(attempt):
        return bool(event < attempt[reached - 1])
    return bool(event < end and time[event] <= last_us)


@kernel
def any_order(
    offsets: Int64s, time: Int64s, bits: Uint64s, kind: Int64s, kinds: Uint64s, window_us: int,
    entry_end_us: int, has_exclusion: bool, at: Grid,
) -> None:  # fmt: skip
    """Attempts in any order: `at[u, k]` is the event at which the most steps done by distinct events became k
    + 1.

    `kind: int64[n]` numbers the events by the set of steps they match, `kinds: uint64[n_kinds]` (0: none).
    Once an event of a kind finds no step, no later one of that kind does (the matched events form a matroid),
    so an attempt looks at few. Bit n_steps is the exclusion, which acts from the first event to the last.
    """
    n_steps, n_kinds = at.shape[1], len(kinds)
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    same_kind_next = np.empty(longest, np.int64)
    exclusion_next = np.empty(longest + 1, np.int64)
    head, cursor = np.empty(n_kinds, np.int64), np.empty(n_kinds, np.int64)
    attempt, taken = np.empty(n_steps, np.int64), np.empty(n_steps, np.uint64)
    via, queue = np.empty(n_steps, np.int64), np.empty(n_steps, np.int64)
    for unit in range(len(offsets) - 1):
        first, end = offsets[unit], offsets[unit + 1]
        best = 0
        at[unit, :] = -1
        head[:] = end
        exclusion_next[end - first] = end
        for start in range(end - 1, first - 1, -1):
            same_kind_next[start - first] = head[kind[start]]
            head[kind[start]] = start
            excludes = (bits[start] >> np.uint64(n_steps)) & np.uint64(1)
            exclusion_next[start - first] = start if excludes else exclusion_next[start - first + 1]
            if kinds[kind[start]] == np.uint64(0) or time[start] >= entry_end_us:
                continue
            last_us = time[start] + window_us
            cursor[:] = head
            taken[:] = np.uint64(0)
            reached = 0
            while reached < n_steps:
                event, which = end, -1
                for k in range(n_kinds):
                    if kinds[k] != np.uint64(0) and cursor[k] < event:
                        event, which = cursor[k], k
                if event == end or time[event] > last_us:
                    break
                if _augment(kinds[which], taken, n_steps, via, queue):
                    attempt[reached] = event
                    reached += 1
                    cursor[which] = same_kind_next[event - first]
                else:
                    cursor[which] = end
            if has_exclusion and any_order_excluded(
                time, attempt, reached, exclusion_next, first, end, last_us
            ):
                continue
            if _better(attempt, reached, at[unit], best):
                best = reached
                at[unit, :reached] = attempt[:reached]
                at[unit, reached:] = -1


@kernel
def optional_steps(
    time: Int64s, bits: Uint64s, run_end: Int64s, required: Grid, place: Int64s, window_us: int, at: Grid
) -> None:
    """Find optional steps inside chosen attempts.

    `required: int64[n_units, n_required]`: events of the attempt (-1 beyond it). `place: int64[n_steps]`: for
    each listed step the required step it is, or -1. Listed step k is bit k of `bits`; `run_end:
    int64[n_units]` ends each unit's events. Fills `at: int64[n_units, n_steps]` for all listed steps.
    """
    n_required = required.shape[1]
    for unit in range(required.shape[0]):
        at[unit, :] = -1
        if required[unit, 0] < 0:
            continue
        last_us = time[required[unit, 0]] + window_us
        current, reached = required[unit, 0], 0
        for step in range(len(place)):
            if place[step] >= 0:
                event = required[unit, place[step]]
                if event < 0:
                    break
                at[unit, step] = event
                current, reached = event, place[step]
                continue
            stop = run_end[unit]
            if reached + 1 < n_required and required[unit, reached + 1] >= 0:
                stop = required[unit, reached + 1]
            for event in range(current + 1, stop):
                if time[event] > last_us:
                    break
                if (bits[event] >> np.uint64(step)) & np.uint64(1):
                    at[unit, step] = event
                    current = event
                    break


@kernel
def durations(from_us: Int64s, to_us: Int64s, never: int, out: Int64s) -> int:
    """From one instant to another, where the other is not `never`, one after the other; gives how many."""
    count = np.uint64(0)
    for unit in range(len(to_us)):
        out[count] = to_us[unit] - from_us[unit]
        count += np.uint64(to_us[unit] != never)
    return int(count)


@kernel
def look_up(at: Grid, values: Int64s, missing: int, out: Grid) -> None:
    """The value of each event of a grid, `missing` where it has none."""
    for unit in range(at.shape[0]):
        for step in range(at.shape[1]):
            out[unit, step] = values[at[unit, step]] if at[unit, step] >= 0 else missing
