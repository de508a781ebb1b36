"""A run finds what it holds and nothing else, and says so when it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.govern.dedup.reference import START_US, random_ids
from xingji.govern.dedup.keys import NO_IDS, Ids
from xingji.govern.dedup.look_up import find
from xingji.govern.dedup.page import PAGE_BYTES, PAGE_IDS
from xingji.govern.dedup.run import Run
from xingji.govern.dedup.run_writer import RunWriter
from xingji.model.errors import DamagedFileError


def written(path: Path, ids: Ids, portion: int = 1 << 20) -> Run:
    writer = RunWriter(path, START_US, len(ids))
    for first in range(0, len(ids), portion):
        writer.add(ids.slice(first, first + portion))
    writer.finish()
    return Run(path)


def crowded_ids(n: int, seed: int) -> Ids:
    """Ids of which thousands share a first half: pages begin and end in the middle of them."""
    dice = np.random.default_rng(seed)
    high = np.sort(dice.choice(np.array([0, 5, 5, 5, 5, 9, 2**64 - 1], np.uint64), n))
    ids = Ids(high, dice.permutation(np.arange(2 * n, dtype=np.uint64))[:n], START_US + np.arange(n))
    return ids.take(ids.order())


@pytest.mark.parametrize("portion", [1, 100, PAGE_IDS, 10_000])
@pytest.mark.parametrize("n", [1, PAGE_IDS - 1, PAGE_IDS, PAGE_IDS + 1, 3_000])
@pytest.mark.parametrize("make", [random_ids, crowded_ids])
def test_it_holds_what_was_written(tmp_path: Path, make: object, n: int, portion: int) -> None:
    ids = make(n, 1)  # type: ignore[operator]
    run = written(tmp_path / "run", ids, portion)
    read = run.ids(0, run.n_pages)
    for name in ("high", "low", "received_us"):
        np.testing.assert_array_equal(getattr(read, name), getattr(ids, name))
    run.check()
    run.close()


@pytest.mark.parametrize("make", [random_ids, crowded_ids])
def test_it_finds_what_it_holds_and_nothing_else(tmp_path: Path, make: object) -> None:
    every = make(9_000, 2)  # type: ignore[operator]
    places = np.arange(9_000)
    runs = [written(tmp_path / f"{at}", every.take(places % 3 == at)) for at in (0, 1)]
    found = find(runs, every)
    order = np.argsort(found.places)
    np.testing.assert_array_equal(found.places[order], places[places % 3 != 2])
    np.testing.assert_array_equal(found.runs[order], (places % 3)[places % 3 != 2])
    np.testing.assert_array_equal(found.received_us, every.received_us[found.places])
    for run in runs:
        run.close()


@pytest.mark.parametrize("key", [(0, 0), (0, 1), (2**64 - 1, 2**64 - 1)])
def test_room_on_the_last_page_is_no_id(tmp_path: Path, key: tuple[int, int]) -> None:
    ids = random_ids(3)
    run = written(tmp_path / "run", ids)
    asked = Ids(np.array([key[0]], np.uint64), np.array([key[1]], np.uint64), np.zeros(1, np.int64))
    run.candidates = lambda *_: (np.zeros(1, np.intp), np.zeros(1, np.intp))  # type: ignore[method-assign]
    assert len(find([run], asked).places) == 0
    run.close()


def test_nothing_is_found_in_no_runs_and_no_ids_anywhere(tmp_path: Path) -> None:
    run = written(tmp_path / "run", random_ids(10))
    assert len(find([], random_ids(10)).places) == len(find([run], NO_IDS).places) == 0
    run.close()


def test_times_of_a_slice_of_the_longest_kind_are_kept(tmp_path: Path) -> None:
    times_us = START_US + np.array([0, 1, 2**32 - 1, 2**32, 2**40 - 1])
    words = np.arange(5, dtype=np.uint64)
    run = written(tmp_path / "run", Ids(words, words, times_us))
    np.testing.assert_array_equal(run.ids(0, 1).received_us, times_us)
    run.close()


def spoil(path: Path, where: str) -> None:
    content = bytearray(path.read_bytes())
    if where == "missing":
        path.unlink()
        return
    if where == "empty":
        content = bytearray()
    elif where == "cut":
        del content[-1]
    elif where == "longer":
        content += b"\0"
    elif where == "pages swapped":
        one, other = (slice(at * PAGE_BYTES, (at + 1) * PAGE_BYTES) for at in (2, 3))
        content[one], content[other] = content[other], content[one]
    else:
        places = {
            "magic": 0,
            "header": 9,
            "ids": 5 * PAGE_BYTES + 77,
            "checksum": 3 * PAGE_BYTES - 1,
            "index": -9,
        }
        content[places[where]] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("where", ["missing", "empty", "cut", "longer", "magic", "header", "index"])
def test_damage_is_named_when_it_is_opened(tmp_path: Path, where: str) -> None:
    written(tmp_path / "run", random_ids(3_000)).close()
    spoil(tmp_path / "run", where)
    with pytest.raises(DamagedFileError, match=r"/run is damaged: "):
        Run(tmp_path / "run")


@pytest.mark.parametrize("where", ["ids", "checksum", "pages swapped"])
def test_damage_of_a_page_is_named_when_it_is_read(tmp_path: Path, where: str) -> None:
    ids = random_ids(3_000)
    written(tmp_path / "run", ids).close()
    spoil(tmp_path / "run", where)
    run = Run(tmp_path / "run")
    for read in (run.check, lambda: find([run], ids), lambda: run.ids(0, run.n_pages)):
        with pytest.raises(DamagedFileError, match=r"/run is damaged: the checksum of page \d differs"):
            read()
    run.close()
