"""The power is cut: what was acknowledged is there, and what was not is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.lake.power import Disk, PowerCutError
from tests.crash.lake.work import KINDS, check_done, check_whole, close, open_lake, prepare, read


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    lake = open_lake(home)
    prepare(lake)
    close(lake)
    return home


@pytest.mark.parametrize("left_behind", ["nothing", "half"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_survives(
    home: Path, kind: str, left_behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(home)
    disk = Disk(home, monkeypatch, left_behind)
    KINDS[kind].do(lake)
    close(lake)
    disk.restore()
    lake = open_lake(home)
    assert read(lake) == KINDS[kind].after
    check_done(lake, kind)
    close(lake)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_work_cut_short_can_be_done_again(
    home: Path, kind: str, share: float, syncs: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(home)
    with monkeypatch.context() as patch:
        disk = Disk(home, patch, "half")
        disk.cut_at = int(syncs[kind] * share)
        with pytest.raises(PowerCutError):
            KINDS[kind].do(lake)
        close(lake)
        disk.restore()
    lake = open_lake(home)
    check_whole(lake, kind)
    KINDS[kind].do(lake)
    check_done(lake, kind)
    close(lake)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_synced_before_the_catalogue_names_it(
    home: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(home)
    warehouse = home / "lake" / "warehouse"
    known = {path for path in warehouse.rglob("*") if path.is_file()}
    disk = Disk(home, monkeypatch)
    synced_at_commit: list[int] = []
    lake.store._ledger._connection.set_trace_callback(  # type: ignore[attr-defined]
        lambda statement: statement == "COMMIT" and synced_at_commit.append(len(disk.syncs))
    )
    KINDS[kind].do(lake)
    before = disk.syncs[: max(synced_at_commit)]
    named = {warehouse / file.path for file in lake.store.version().files} - known
    metadata = {path for path in warehouse.glob("*/metadata/*") if path.exists()} - known
    assert metadata
    for path in named | metadata:
        file_synced = max(at for at, other in enumerate(before) if other == path)
        assert path.parent in before[file_synced:], f"the folder of {path} was not synced after it"
    close(lake)
