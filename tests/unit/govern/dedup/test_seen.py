"""The first copy of an id counts, once within the horizon, whatever lots, days and restarts lie between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingji.govern.dedup import SeenIds
from xingji.govern.dedup.keys import Keys
from xingji.govern.dedup.run import Run, sorted_keys
from xingji.model.errors import DamagedFileError

DAY_S = 86_400
HORIZON_S = 2 * DAY_S
START_S = 20_000 * DAY_S


def id_of(number: int) -> bytes:
    """Ids of which some share their first half, and some their second."""
    return (number % 7).to_bytes(8, "big") + (number % 11).to_bytes(8, "big")


class Reference:
    """What was kept, in a dictionary."""

    def __init__(self) -> None:
        self._kept_s: dict[bytes, int] = {}

    def split(self, ids: list[bytes], received_s: list[int]) -> list[bool]:
        found = []
        for one, now_s in zip(ids, received_s, strict=True):
            before = self._kept_s.get(one)
            found.append(before is None or now_s - before > HORIZON_S)
            if found[-1]:
                self._kept_s[one] = now_s
        return found


LOTS = st.lists(
    st.tuples(
        st.integers(0, DAY_S),  # since the lot before
        st.lists(st.tuples(st.integers(0, 76), st.integers(0, 3_600)), max_size=12),
        st.sampled_from(["on", "again", "restart", "killed"]),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(lots=LOTS)
def test_the_answers_are_those_of_a_dictionary(
    lots: list[tuple[int, list[tuple[int, int]], str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("seen")
    seen, reference, now_s = SeenIds(folder, HORIZON_S), Reference(), START_S
    for lot, (later_s, events, fate) in enumerate(lots, start=1):
        now_s += later_s
        ids, received_s = (
            [id_of(number) for number, _ in events],
            sorted(now_s + offset for _, offset in events),
        )
        expected = reference.split(ids, received_s)
        assert seen.split(lot, ids, received_s).tolist() == expected
        if fate == "killed":  # before anything of the lot was durable
            seen = SeenIds(folder, HORIZON_S)
            assert seen.lot == lot - 1
            assert seen.split(lot, ids, received_s).tolist() == expected
        seen.commit(lot)
        if fate in ("again", "restart"):  # the lot was committed here, and elsewhere not yet
            seen = SeenIds(folder, HORIZON_S) if fate == "restart" else seen
            assert seen.split(lot, ids, received_s).tolist() == expected
            seen.commit(lot)
        now_s = max([now_s, *received_s])
    seen.check()


def test_there_are_few_runs_and_days_go(tmp_path: Path) -> None:
    seen = SeenIds(tmp_path, HORIZON_S)
    for lot in range(1, 401):
        ids = [os.urandom(16) for _ in range(20)]
        assert seen.split(lot, ids, [START_S + lot * DAY_S // 40] * 20).all()
        seen.commit(lot)
    assert seen.n_ids <= 20 * 40 * 5
    assert len(list(tmp_path.glob("*.run"))) < 5 * 2 * 8
    assert seen.n_bytes < 40 * seen.n_ids


def test_nothing_is_left_of_forgotten_ids(tmp_path: Path) -> None:
    seen = SeenIds(tmp_path)
    ids = [os.urandom(16) for _ in range(100)]
    for lot, part in enumerate((ids[:50], ids[50:]), start=1):
        seen.split(lot, part, [START_S] * 50)
        seen.commit(lot)
    seen.forget([ids[3], ids[70], os.urandom(16)])
    words = [bytes(one[:8][::-1]) for one in (ids[3], ids[70])]
    assert not any(word in file.read_bytes() for file in tmp_path.iterdir() for word in words)
    fresh = SeenIds(tmp_path).split(3, ids, [START_S] * 100)
    assert [at for at in range(100) if fresh[at]] == [3, 70]


@pytest.mark.parametrize("spoil", ["cut", "other", "content", "manifest"])
def test_damage_is_named(tmp_path: Path, spoil: str) -> None:
    seen = SeenIds(tmp_path)
    seen.split(1, [id_of(number) for number in range(70)], [START_S] * 70)
    seen.commit(1)
    (run,) = tmp_path.glob("*.run")
    content = bytearray(run.read_bytes())
    if spoil == "cut":
        run.write_bytes(content[:-1])
    elif spoil == "other":
        run.write_bytes(b"x" * len(content))
    elif spoil == "content":
        content[200] ^= 1
        run.write_bytes(content)
    else:
        (tmp_path / "seen.json").write_text("{")
    with pytest.raises(DamagedFileError, match="is damaged"):
        SeenIds(tmp_path).check()


def test_a_sieve_lets_few_absent_ids_pass(tmp_path: Path) -> None:
    keys = Keys.of([os.urandom(16) for _ in range(20_000)], [START_S] * 20_000)
    run = Run.write(tmp_path / "a.run", sorted_keys(keys))
    assert (run.latest_s(keys) == START_S).all()
    absent = Keys.of([os.urandom(16) for _ in range(20_000)], [START_S] * 20_000)
    assert (run.latest_s(absent) == -1).all()
    sieve = run._sieve
    assert 8 * sieve.sum(dtype=float) > 0
    set_bits = sum(int(byte).bit_count() for byte in sieve)
    assert set_bits < len(sieve) * 8 / 12
