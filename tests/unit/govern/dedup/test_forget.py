"""Forgotten ids are gone from every file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.govern.dedup.reference import START_US, make_small
from xingji.govern.dedup import SeenIds, keys_of

IDS = [np.random.default_rng(at).bytes(16) for at in range(900)]


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeenIds:
    """Nine hundred ids in many lots, some runs merged, some being merged."""
    make_small(monkeypatch)
    opened = SeenIds(tmp_path)
    for lot in range(30):
        ids = IDS[30 * lot : 30 * lot + 30]
        opened.split(lot, keys_of(ids), np.full(30, START_US + lot, np.int64))
        opened.commit(lot)
    return opened


def words_in(folder: Path) -> set[int]:
    """Every aligned word of every file."""
    content = b"".join(path.read_bytes().ljust(-(-path.stat().st_size // 8) * 8) for path in folder.iterdir())
    return set(np.frombuffer(content, "<u8").tolist())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_nothing_is_left_of_them(seen: SeenIds, tmp_path: Path, share: float) -> None:
    gone = IDS[:: round(1 / share)] if share else []
    assert seen.forget(keys_of([*gone, *gone, b"x" * 16])) == len(gone)
    halves = set(keys_of(gone).reshape(-1).tolist())
    assert not words_in(tmp_path) & halves
    assert seen.n_ids == len(IDS) - len(gone)
    seen.close()
    seen = SeenIds(tmp_path)
    fresh = seen.split(30, keys_of(IDS), np.full(900, START_US, np.int64))
    assert {one for one, is_fresh in zip(IDS, fresh) if is_fresh} == set(gone)
    seen.check()
    seen.close()


def test_it_would_be_noticed_if_they_were_left(seen: SeenIds, tmp_path: Path) -> None:
    assert set(keys_of(IDS[:5]).reshape(-1).tolist()) <= words_in(tmp_path)
    seen.close()


def test_lots_go_on_afterwards(seen: SeenIds) -> None:
    assert seen.forget(keys_of(IDS[:450:9])) == 50
    assert seen.split(29, keys_of(IDS[870:]), np.full(30, START_US + 29, np.int64)).all()
    seen.commit(29)
    fresh = seen.split(30, keys_of(IDS), np.full(900, START_US + 30, np.int64))
    seen.commit(30)
    while seen.tidy():
        pass
    assert (int(fresh.sum()), seen.n_ids) == (50, 900)
    seen.close()
