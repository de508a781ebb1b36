"""What lies in the warehouse and is needed by nobody any more."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xingji.adapters.iceberg_local.catalog import LakeCatalog
from xingji.adapters.iceberg_local.file_io import local_path
from xingji.adapters.iceberg_local.ledger import ManifestLists
from xingji.ports.local_file import sync_folder


def needed_paths(
    catalog: LakeCatalog, versions: Iterable[ManifestLists], metadata: Iterable[str]
) -> set[Path]:
    """Every file that the versions and the tables' current metadata name, directly or not."""
    needed = {local_path(location) for location in metadata}
    lists = {path for version in versions for path in version.values() if path}
    for manifest_list in lists:
        location = f"{catalog.root}/{manifest_list}"
        needed.add(local_path(location))
        for manifest in catalog.files.manifests(location):
            needed.add(local_path(manifest.manifest_path))
            needed.update(local_path(entry.data_file.file_path) for entry in catalog.files.entries(manifest))
    return needed


def sweep(warehouse: Path, needed: set[Path], sessions: Iterable[str]) -> tuple[int, int]:
    """Remove every other file, except those of sessions; gives their number and bytes."""
    prefixes = tuple(f"{name}." for name in sessions)
    files = n_bytes = 0
    touched: set[Path] = set()
    for path in [path for path in warehouse.rglob("*") if path.is_file()]:
        if path in needed or (prefixes and path.name.startswith(prefixes)):
            continue
        n_bytes += path.stat().st_size
        path.unlink()
        touched.add(path.parent)
        files += 1
    for folder in touched:
        sync_folder(folder)
    return files, n_bytes
