"""A manifest is what was written, or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from xingji.govern.dedup.age import Age
from xingji.govern.dedup.manifest import NAME, Entry, Manifest, read_manifest, write_manifest
from xingji.model.errors import DamagedFileError

MANIFEST = Manifest(
    lot=7, commits=3, next_number=9, age=Age(5, -6, 7), runs=(Entry(8, 100, -40, 10, 2, 3, 5),)
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == Manifest()
    for manifest in (MANIFEST, Manifest()):
        write_manifest(tmp_path, manifest)
        assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "its checksum differs", id="empty"),
        pytest.param(b"0" * 16 + b'\n{"lot":7}', "its checksum differs", id="changed"),
        pytest.param(b'3f0a1b76f0a1b763\n{"lot":7}', "its checksum differs", id="another's checksum"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"manifest is damaged: {reason}"):
        read_manifest(tmp_path)


def test_every_letter_counts(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    content = (tmp_path / NAME).read_bytes()
    for at in range(len(content)):
        (tmp_path / NAME).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        if at != 16:  # the end of the first line, which says nothing
            with pytest.raises(DamagedFileError):
                read_manifest(tmp_path)


def test_a_format_of_later_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, replace(MANIFEST, format=2))
    with pytest.raises(DamagedFileError, match="its format is 2; this version reads 1"):
        read_manifest(tmp_path)
