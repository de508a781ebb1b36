"""The power is cut at any step: what was committed is there, whole, and the work can be done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.dedup.work import N_LOTS, at_every_step, check_done, check_whole, do_rest, lots, open_seen
from tests.crash.lake.power import Disk, PowerCutError
from tests.unit.govern.dedup.reference import keys, make_small, times

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def cut_at(home: Path, number: int, left_behind: str) -> bool:
    """Work until the power is cut before the n-th step; whether it was."""
    steps = [0]

    def count() -> None:
        steps[0] += 1
        if steps[0] >= number:
            raise PowerCutError

    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(home, patch, left_behind)
        at_every_step(patch, count)
        seen = None
        try:
            seen = open_seen(home / "seen")
            do_rest(seen)
        except PowerCutError:
            patch.undo()
            if seen is not None:
                seen._shelf.close()
            disk.restore()
            return True
        seen.close()
        return False


@pytest.mark.parametrize("left_behind", ["nothing", "half"])
def test_at_every_step(tmp_path: Path, left_behind: str) -> None:
    number, home = 1, tmp_path / "home 1"
    while cut_at(home, number, left_behind):
        seen = open_seen(home / "seen")
        check_whole(seen, home / "seen")
        do_rest(seen)
        check_done(seen)
        seen.close()
        number += 1
        home = tmp_path / f"home {number}"
    assert number > 10 * N_LOTS


@pytest.mark.parametrize("left_behind", ["nothing", "half"])
def test_what_was_committed_survives(
    tmp_path: Path, left_behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    disk = Disk(home, monkeypatch, left_behind)
    seen = open_seen(home / "seen")
    for lot, (numbers, received_us, expected) in enumerate(lots()[:8]):
        assert seen.split(lot, keys(numbers), times(received_us)).tolist() == expected
        seen.commit(lot)
    n_ids = seen.n_ids
    seen.close()
    disk.restore()
    seen = open_seen(home / "seen")
    assert (seen.lot, seen.n_ids) == (7, n_ids)
    check_whole(seen, home / "seen")
    do_rest(seen)
    check_done(seen)
    seen.close()
