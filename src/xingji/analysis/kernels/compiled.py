"""How every kernel is compiled: without the interpreter's lock, and kept in a cache for the types it met."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.core.config
from numba.core.caching import UserProvidedCacheLocator

from xingji import __version__

R = TypeVar("R")


def cache_folder(package: Path, environment: Mapping[str, str]) -> Path | None:
    """Where machine code is kept when Numba's own choice, beside the source, cannot be written; else None.

    The folder is the user's cache, or, for users without a home, one in the system's temporary folder that
    is theirs alone. What was compiled when Xingji was installed is copied there, and so not compiled again.
    """
    beside = package / "__pycache__"
    if environment.get("NUMBA_CACHE_DIR") or os.access(beside if beside.is_dir() else package, os.W_OK):
        return None
    for folder in _candidates(environment, f"kernels-{__version__}"):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
                _copy(beside, folder / _subfolder(package))
                return folder
    return None


def _candidates(environment: Mapping[str, str], name: str) -> Iterator[Path]:
    if cache := environment.get("XDG_CACHE_HOME"):
        yield Path(cache, "xingji", name)
    if home := environment.get("HOME"):
        yield Path(home, ".cache", "xingji", name)
    yield Path(tempfile.gettempdir(), f"xingji-{os.getuid()}-{name}")


def _subfolder(package: Path) -> str:
    """The folder within a cache that Numba gives to the functions of a package."""
    locator: Any = UserProvidedCacheLocator
    return str(locator.get_suitable_cache_subpath(package / "any.py"))


def _copy(compiled: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in compiled.glob("*.nb[ic]"):
        target = folder / file.name
        if not target.exists():
            fresh = target.with_name(f"{file.name}.{os.getpid()}")
            shutil.copyfile(file, fresh)
            fresh.replace(target)


def kernel(function: Callable[..., R]) -> Callable[..., R]:
    """Compile a kernel at its first call for each set of types, and keep the machine code on disk."""
    return cast(Callable[..., R], numba.njit(function, nogil=True, cache=True, boundscheck=False))


if _folder := cache_folder(Path(__file__).parent, os.environ):
    vars(numba.core.config)["CACHE_DIR"] = str(_folder)

inline = numba.njit(nogil=True, cache=True, inline="always")
"""For the small functions kernels share."""
