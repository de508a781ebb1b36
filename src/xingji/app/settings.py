"""The settings of one process: a frozen object, read once from the environment, each field with its unit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xingji.model.errors import CallerError, nearest_names, shown

_PREFIX = "XINGJI_"
_MAX_MEMORY_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: what it means, in which unit, and for numbers from `low` to `high`."""

    variable: str
    meaning: str
    unit: str
    low: int = 0
    high: int = 0


HOME = Setting(
    "XINGJI_HOME", "the folder that holds everything Xingji keeps; made when first needed", "a path"
)
MEMORY = Setting(
    "XINGJI_MEMORY_MIB", "what one query may hold in memory at once", "MiB", low=64, high=_MAX_MEMORY_MIB
)
THREADS = Setting("XINGJI_THREADS", "on how many threads a query runs", "threads", low=1, high=1024)
BUCKETS = Setting(
    "XINGJI_BUCKETS", "over how many buckets a new lake spreads its users", "buckets", low=1, high=4096
)
PREPARED = Setting(
    "XINGJI_PREPARED_MIB",
    "what the prepared columns of one lake may take on disk",
    "MiB",
    low=0,
    high=1 << 30,
)
JOINED = Setting(
    "XINGJI_JOINED_MIB",
    "the memory that columns joined over months may take, for all questions of a process",
    "MiB",
    low=0,
    high=_MAX_MEMORY_MIB,
)
ALL = (HOME, MEMORY, THREADS, BUCKETS, PREPARED, JOINED)
_DEFAULTS = {MEMORY: 2048, BUCKETS: 16, PREPARED: 20_480, JOINED: 4096}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process was told from outside.

    `home`: absolute folder; `memory_mib`, `prepared_mib`, `joined_mib`: MiB; `threads`, `buckets`: counts.
    """

    home: Path
    memory_mib: int
    threads: int
    buckets: int
    prepared_mib: int
    joined_mib: int

    @property
    def memory_bytes(self) -> int:
        """What one query may hold at once, in bytes."""
        return self.memory_mib << 20

    @property
    def prepared_bytes(self) -> int:
        """What the prepared columns of one lake may take on disk, in bytes."""
        return self.prepared_mib << 20

    @property
    def joined_bytes(self) -> int:
        """The memory that columns joined over months may take, in bytes."""
        return self.joined_mib << 20

    def items(self) -> list[tuple[Setting, str]]:
        """Every setting and the value it has."""
        numbers = (self.memory_mib, self.threads, self.buckets, self.prepared_mib, self.joined_mib)
        values = (self.home, *numbers)
        return [(setting, str(value)) for setting, value in zip(ALL, values, strict=True)]


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment (None: this process's); an empty value counts as absent.

    Raises CallerError naming the variable, its value and what is allowed.
    """
    given = os.environ if environment is None else environment
    home = Path(given.get(HOME.variable) or ".xingji").expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise CallerError(
            f"{HOME.variable} is {home}, which is a file; allowed: a folder, or a path where none is yet"
        )
    return Settings(
        home=home,
        memory_mib=_whole(MEMORY, given),
        threads=_whole(THREADS, given),
        buckets=_whole(BUCKETS, given),
        prepared_mib=_whole(PREPARED, given),
        joined_mib=_whole(JOINED, given),
    )


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    known = [setting.variable.removeprefix(_PREFIX) for setting in ALL]
    sentences = []
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in known:
            nearest = nearest_names(name.removeprefix(_PREFIX), known, limit=1)
            offer = f"; did you mean {_PREFIX}{nearest[0]}?" if nearest else ""
            sentences.append(f"{name} is no setting and does nothing{offer}")
    return sentences


def _whole(setting: Setting, given: Mapping[str, str]) -> int:
    text = given.get(setting.variable, "").strip()
    if not text:
        return _DEFAULTS.get(setting) or len(os.sched_getaffinity(0))
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not setting.low <= value <= setting.high:
        allowed = f"a whole number of {setting.unit} from {setting.low} to {setting.high}"
        raise CallerError(f"{setting.variable} is {shown(text)}; allowed: {allowed}")
    return value
