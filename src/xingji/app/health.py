"""What `xingji doctor` looks at: one function for each thing, each of which says how it found it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from xingji import __version__
from xingji.analysis.kernels.__main__ import kernels
from xingji.analysis.kernels.collect import collect
from xingji.app.lakes import open_lake
from xingji.app.project import projects_of
from xingji.app.settings import Settings, unknown_variables
from xingji.lake.lake import Lake
from xingji.model.errors import XingjiError
from xingji.ports.lake_store import TAIL_TABLES, LakeTable

_LIBRARIES = ("numpy", "numba", "pyarrow", "pyiceberg", "duckdb")
_LOW_DISK_MIB = 1024
_MANY_TAIL_FILES = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing was found: `warning` may be lived with, `failure` may not."""

    about: str
    state: Literal["ok", "warning", "failure"]
    sentence: str


def look_over(settings: Settings, environment: Mapping[str, str], deep: bool) -> Iterator[Finding]:
    """Everything there is to look at; `deep` reads every file of every lake in full."""
    yield _program()
    yield _kernels()
    yield _timezones()
    yield from _settings(settings, environment)
    yield _memory(settings)
    yield _home(settings.home)
    yield _disk(settings.home)
    for project in projects_of(settings):
        yield from _project(settings, project, deep)


def _program() -> Finding:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    python = platform.python_version()
    state: Literal["ok", "failure"] = "ok" if sys.version_info >= (3, 11) else "failure"
    return Finding("program", state, f"xingji {__version__} on Python {python} with {libraries}")


def _kernels() -> Finding:
    """Whether the machine code of the kernels lies ready."""
    cache = Path(collect.stats.cache_path)  # type: ignore[attr-defined]
    compiled = {file.name.split(".")[0] for file in cache.glob("*.nbi")}
    missing = sorted({kernel.py_func.__module__.rpartition(".")[2] for kernel in kernels()} - compiled)
    if missing:
        how = "python -m xingji.analysis.kernels compiles them; else the first questions wait for it"
        return Finding("kernels", "warning", f"not compiled yet: {', '.join(missing)}; {how}")
    return Finding("kernels", "ok", f"compiled ahead of use, in {cache}")


def _timezones() -> Finding:
    known = zoneinfo.available_timezones()
    if "Asia/Shanghai" not in known:
        return Finding("timezones", "failure", "there is no timezone data; install the package tzdata")
    return Finding("timezones", "ok", f"{len(known)} are known")


def _settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    shown = ", ".join(f"{setting.variable}={value}" for setting, value in settings.items())
    yield Finding("settings", "ok", shown)
    for sentence in unknown_variables(environment):
        yield Finding("settings", "warning", sentence)


def _memory(settings: Settings) -> Finding:
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    sentence = f"{available:,} MiB are free; a query may take {settings.memory_mib:,} MiB"
    return Finding("memory", "ok" if available >= settings.memory_mib else "warning", sentence)


def _home(home: Path) -> Finding:
    if not home.exists():
        return Finding("home", "ok", f"{home} is not there yet; it is made when something is loaded")
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding("home", "failure", f"{home} cannot be written")
    return Finding("home", "ok", str(home))


def _disk(home: Path) -> Finding:
    there = next(place for place in (home, *home.parents) if place.exists())
    free = shutil.disk_usage(there).free >> 20
    return Finding(
        "disk", "ok" if free >= _LOW_DISK_MIB else "warning", f"{free:,} MiB are free on the disk of {there}"
    )


def _project(settings: Settings, project: str, deep: bool) -> Iterator[Finding]:
    about = f"project {project}"
    try:
        with open_lake(settings, project) as lake:
            yield Finding(about, "ok", _contents(lake))
            yield from _unfinished(about, lake)
            for sentence in lake.find_trouble() if deep else lake.store.check():
                yield Finding(about, "failure", sentence)
    except (XingjiError, OSError) as fault:
        yield Finding(about, "failure", str(fault))


def _contents(lake: Lake) -> str:
    found = lake.store.version()
    n_events = sum(file.rows for file in found.of(LakeTable.EVENTS, LakeTable.EVENTS_TAIL))
    mib = sum(file.bytes for file in found.files) / 2**20
    return f"{n_events:,} events in {len(found.files):,} files, {mib:,.1f} MiB, version {found.number}"


def _unfinished(about: str, lake: Lake) -> Iterator[Finding]:
    for name in lake.store.sessions():
        sentence = f"{name} was interrupted, or is at work; the same command again goes on with it"
        yield Finding(about, "warning", sentence)
    if len(lake.store.version().of(*TAIL_TABLES)) > _MANY_TAIL_FILES:
        yield Finding(about, "warning", "its tail has many files; xingji compact makes questions faster")
