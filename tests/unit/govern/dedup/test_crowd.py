"""Runs stay few, and ids are not written often."""

from __future__ import annotations

import itertools

import pytest

from xingji.govern.dedup.crowd import FAN, LARGEST_IDS, QUIET_COMMITS, crowds, tier_of
from xingji.govern.dedup.manifest import Entry


def entries(*sizes: int, commit: int = 1, base_us: int = 0) -> list[Entry]:
    return [Entry(at, n_ids, base_us, 10, tier_of(n_ids), commit, 0) for at, n_ids in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "busy", "commit", "commits", "expected"),
    [
        pytest.param([9] * 7, [], 1, 2, [], id="seven"),
        pytest.param([9] * 9, [], 1, 2, [[0, 1, 2, 3, 4, 5, 6, 7]], id="eight of a tier"),
        pytest.param([9] * 7 + [900], [], 1, 2, [], id="of two tiers"),
        pytest.param([9] * 9, [1, 2], 1, 2, [], id="some are being merged"),
        pytest.param([9] * 9, [], 2, 2, [], id="of the newest commit"),
        pytest.param([LARGEST_IDS // 4] * 9, [], 1, 2, [], id="four are too large"),
        pytest.param([LARGEST_IDS // 5] * 9, [], 1, 2, [[0, 1, 2, 3, 4]], id="six are too large"),
        pytest.param([9, 70, 200], [], 1, 1 + QUIET_COMMITS, [[0, 1, 2]], id="quiet: all"),
        pytest.param([9, 70, 200], [0], 1, 1 + QUIET_COMMITS, [], id="quiet, and being merged"),
        pytest.param([5, 5_000, 5_000], [], 1, 1 + QUIET_COMMITS, [[0, 1, 2]], id="quiet: a crumb too"),
        pytest.param([5, 5, 5_000], [], 1, 1 + QUIET_COMMITS, [[0, 1]], id="quiet: the large one stays"),
        pytest.param([5, 5_000], [], 1, 1 + QUIET_COMMITS, [], id="quiet: not worth it"),
        pytest.param([500], [], 1, 1 + QUIET_COMMITS, [], id="quiet: one"),
        pytest.param([5, 5, LARGEST_IDS], [], 1, 1 + QUIET_COMMITS, [[0, 1]], id="quiet: too large"),
    ],
)
def test_who_is_merged(
    sizes: list[int], busy: list[int], commit: int, commits: int, expected: list[list[int]]
) -> None:
    found = crowds(entries(*sizes, commit=commit), busy, commits)
    assert [[entry.number for entry in crowd] for crowd in found] == expected


def test_slices_are_merged_apart() -> None:
    assert not list(crowds([*entries(*[9] * 4), *entries(*[9] * 4, base_us=10)], [], 2))


@pytest.mark.parametrize("lot", [1, 30, 3_000, 40_000])
def test_runs_are_few_and_ids_written_seldom(lot: int) -> None:
    now, written, most = list[Entry](), 0, 0
    numbers = itertools.count()
    for commit in range(1, 3_000):
        for crowd in list(crowds(now, [], commit)):
            n_ids, tier = sum(one.n_ids for one in crowd), max(one.tier for one in crowd) + 1
            now = [one for one in now if one not in crowd]
            now.append(Entry(next(numbers), n_ids, 0, 10, tier, max(one.commit for one in crowd), 0))
            written += n_ids
        now.append(Entry(next(numbers), lot, 0, 10, tier_of(lot), commit, 0))
        most = max(most, len(now))
    assert written <= 4 * 3_000 * lot  # 3,000 is between the third and the fourth power of eight
    assert most <= 4 * FAN + commit * lot // (LARGEST_IDS // 2)
