"""The folder of runs: which there are, by the manifest on disk, and no other file for long."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from xingji.govern.dedup.keys import Ids
from xingji.govern.dedup.manifest import NAME, Entry, Manifest, read_manifest, write_manifest
from xingji.govern.dedup.run import Run
from xingji.govern.dedup.run_writer import RunWriter
from xingji.model.errors import BusyError, DamagedFileError
from xingji.ports.local_file import make_folder, sync_folder

REMOVALS = 2
"""Files removed at a time: a large one takes a while, and there is no hurry. Fewer come to be with a lot."""


class Shelf:
    """Open runs, as the manifest names them; one holder at a time."""

    def __init__(self, folder: Path) -> None:
        """Opens all runs, and removes what the manifest does not name.

        Raises:
            BusyError: another process, or another part of this one, has it open.
            DamagedFileError: the manifest, or a run's header or index, is not what was written.
        """
        make_folder(folder)
        self.folder = folder
        self._lock = _lock(folder)
        self._runs: dict[int, Run] = {}
        self._unnamed: deque[Path] = deque()
        self.n_written = 0
        """Ids written since it was opened, each as often as it was."""
        try:
            self.manifest = read_manifest(folder)
            for entry in self.manifest.runs:
                self._runs[entry.number] = self._open(entry)
        except BaseException:
            self.close()
            raise
        self._next_number = self.manifest.next_number
        named = {NAME, *(entry.file for entry in self.manifest.runs)}
        self._unnamed.extend(path for path in folder.iterdir() if path.name not in named)
        self.remove_unnamed(len(self._unnamed))

    def _open(self, entry: Entry) -> Run:
        run = Run(self.folder / entry.file)
        if (run.n_ids, run.base_us) != (entry.n_ids, entry.base_us):
            run.close()
            raise DamagedFileError(
                str(run.path), f"it is not the run of {entry.n_ids} ids that should be there"
            )
        return run

    def close(self) -> None:
        """Let go of the folder."""
        for run in self._runs.values():
            run.close()
        self._runs = {}
        os.close(self._lock)

    def run(self, entry: Entry) -> Run:
        """The open run of an entry of the manifest."""
        return self._runs[entry.number]

    @property
    def n_bytes(self) -> int:
        """What the files take, unfinished ones and those not yet removed included."""
        with os.scandir(self.folder) as files:
            return sum(file.stat().st_size for file in files)

    @property
    def free_bytes(self) -> int:
        """What the disk has room for."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def new_number(self) -> int:
        """The number of a new run, which no file has."""
        self._next_number += 1
        return self._next_number - 1

    def write(self, entry: Entry, ids: Ids) -> None:
        """Make a file of ids that are in order, which a manifest may name.

        Raises:
            StorageFullError: the disk has no room; there is no such file.
        """
        writer = RunWriter(self.folder / entry.file, entry.base_us, len(ids))
        try:
            writer.add(ids)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
        self.n_written += len(ids)

    def name(self, manifest: Manifest, fresh: Iterable[Entry]) -> None:
        """Put a manifest in force; the files of its `fresh` entries are durable, the others are those before.

        Raises:
            StorageFullError: the disk has no room; the manifest before is in force.
        """
        manifest = replace(manifest, next_number=self._next_number)
        opened = {entry.number: Run(self.folder / entry.file, check_index=False) for entry in fresh}
        try:
            write_manifest(self.folder, manifest)
        except BaseException:
            for run in opened.values():
                run.close()
            raise
        self.manifest = manifest
        self._runs |= opened
        for number in self._runs.keys() - {entry.number for entry in manifest.runs}:
            run = self._runs.pop(number)
            run.close()
            self._unnamed.append(run.path)

    def discard(self, entries: Iterable[Entry]) -> None:
        """Remove files that were not named after all."""
        # A rename may have come to pass although the sync after it failed: what the disk names must stay.
        named = {entry.number for entry in read_manifest(self.folder).runs}
        for entry in entries:
            if entry.number not in named:
                (self.folder / entry.file).unlink(missing_ok=True)

    def remove_unnamed(self, most: int = REMOVALS) -> None:
        """Remove a few of the files that a manifest once named; none may still be read."""
        for _ in range(min(most, len(self._unnamed))):
            self._unnamed.popleft().unlink(missing_ok=True)

    def remove_all_unnamed(self) -> None:
        """Remove every such file, durably."""
        self.remove_unnamed(len(self._unnamed))
        sync_folder(self.folder)


def _lock(folder: Path) -> int:
    """An open handle of the folder that keeps others from it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise BusyError(f"the folder {folder}", "another process") from error
    return handle
