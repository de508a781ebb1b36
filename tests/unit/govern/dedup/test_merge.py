"""Merging by steps gives what sorting everything at once gives, and no step is long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.govern.dedup.reference import random_ids
from tests.unit.govern.dedup.test_run import crowded_ids, written
from xingji.govern.dedup.keys import NO_IDS, Ids
from xingji.govern.dedup.merge import Merge
from xingji.govern.dedup.run import Run

EVERY = 12_000


def shared_out(kind: str) -> list[Ids]:
    """The ids of four runs: mixed, one after the other as those with a time in front, of unlike sizes."""
    ids = crowded_ids(EVERY, 3) if kind == "crowded" else random_ids(EVERY, 4)
    owner = np.random.default_rng(5).integers(0, 4, EVERY)
    if kind == "in turn":
        owner = np.arange(EVERY) * 4 // EVERY
    if kind == "unlike":
        owner[owner == 1] = 0
        owner[7] = 1
    return [ids.take(owner == at) for at in range(4)]


@pytest.mark.parametrize("step", [1, 250, 5_000, 100_000])
@pytest.mark.parametrize("kind", ["mixed", "crowded", "in turn", "unlike"])
def test_it_is_the_ids_of_all_in_order(tmp_path: Path, kind: str, step: int) -> None:
    parts = shared_out(kind)
    runs = [written(tmp_path / f"{at}", part) for at, part in enumerate(parts)]
    merge = Merge(runs, tmp_path / "merged")
    steps = 0
    while not merge.step(step):
        steps += 1
    assert steps <= EVERY // step + 5
    expected = Ids.joined(parts)
    expected = expected.take(expected.order())
    merged = Run(tmp_path / "merged")
    found = merged.ids(0, merged.n_pages)
    for name in ("high", "low", "received_us"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    merged.check()
    for run in (*runs, merged):
        run.close()


@pytest.mark.parametrize("kind", ["mixed", "crowded", "in turn", "unlike"])
def test_no_step_takes_many_more_ids_than_it_may(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [written(tmp_path / f"{at}", part) for at, part in enumerate(shared_out(kind))]
    merge = Merge(runs, tmp_path / "merged")
    taken: list[int] = []
    add = merge._writer.add
    monkeypatch.setattr(merge._writer, "add", lambda ids: (taken.append(len(ids)), add(ids)))
    while not merge.step(1_000):
        assert sum(taken) <= 2_000
        taken.clear()
    for run in runs:
        run.close()


def test_what_is_forgotten_is_left_out(tmp_path: Path) -> None:
    ids = crowded_ids(EVERY, 3)
    run = written(tmp_path / "run", ids)
    places = np.arange(EVERY)
    Merge([run], tmp_path / "left", ids.take(places % 5 == 0)).finish()
    left = Run(tmp_path / "left")
    np.testing.assert_array_equal(left.ids(0, left.n_pages).low, ids.low[places % 5 != 0])
    run.close()
    left.close()


def test_one_that_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    run = written(tmp_path / "run", random_ids(5_000))
    merge = Merge([run, run], tmp_path / "merged", NO_IDS)
    merge.step(1_000)
    merge.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    run.close()
