"""How far an import has come, kept beside its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from xingji.lake.spill import Place, Run
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import LakeFile, LakeTable
from xingji.ports.local_file import replace_synced, when_full

_FILE = "progress.json"


class Built(msgspec.Struct):
    """The base files of one place: new ones, those they replace, and how many repeats were dropped."""

    table: LakeTable
    place: Place
    add: list[LakeFile] = []
    remove: list[LakeFile] = []
    repeated: int = 0


class Progress(msgspec.Struct):
    """The rows that are safe in runs, what the caller said of them, and the base files built from them."""

    import_id: str
    rows: int = 0
    user_rows: int = 0
    note: Any = None
    runs: list[Run] = []
    built: list[Built] = []


def load_progress(scratch: Path, import_id: str) -> Progress:
    """What is noted in the scratch folder; a fresh start where nothing is.

    Raises:
        DamagedFileError: the note is not legible.
    """
    path = scratch / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return Progress(import_id)
    except msgspec.DecodeError as error:
        raise DamagedFileError(str(path), f"it is no note of an import: {error}") from error


def store_progress(scratch: Path, progress: Progress) -> None:
    """Note it durably."""
    with when_full(scratch, "note how far the import has come"):
        replace_synced(scratch / _FILE, msgspec.json.encode(progress))
