"""The manifest: which runs there are, and of which lots; put in place whole, after what it names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import xxhash

from xingji.govern.dedup.age import Age
from xingji.model.errors import DamagedFileError
from xingji.ports.local_file import replace_synced, when_full

FORMAT = 1
NAME = "manifest"
_DIGEST_LETTERS = 16


class Entry(msgspec.Struct, frozen=True):
    """A run: the number in its file's name, its ids, and the slice in which they were received.

    `tier`: runs of a tier are alike in size; `commit`, `age_us`: when the newest of its ids was committed.
    """

    number: int
    n_ids: int
    base_us: int
    width_us: int
    tier: int
    commit: int
    age_us: int

    @property
    def file(self) -> str:
        """The name of the run's file."""
        return f"{self.number:012d}.ids"


class Manifest(msgspec.Struct, frozen=True):
    """`lot`: the last that was committed, the `commits`-th; `next_number`: of the next run's file."""

    format: int = FORMAT
    lot: int | None = None
    commits: int = 0
    next_number: int = 1
    age: Age = Age()
    runs: tuple[Entry, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; that of no ids where there is none.

    Raises:
        DamagedFileError: it is not what was written.
    """
    path = folder / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    digest, text = content[:_DIGEST_LETTERS], content[_DIGEST_LETTERS + 1 :]
    if digest != _digest(text):
        raise DamagedFileError(str(path), "its checksum differs")
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise DamagedFileError(str(path), str(error)) from error
    if manifest.format != FORMAT:
        raise DamagedFileError(str(path), f"its format is {manifest.format}; this version reads {FORMAT}")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in place of the one before, durably.

    Raises:
        StorageFullError: the disk has no room; the one before is in force.
    """
    text = msgspec.json.encode(manifest)
    with when_full(folder, "note which ids were seen"):
        replace_synced(folder / NAME, _digest(text) + b"\n" + text)


def _digest(text: bytes) -> bytes:
    return xxhash.xxh3_64_hexdigest(text).encode()
