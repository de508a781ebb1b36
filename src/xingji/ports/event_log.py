"""The port to the log: the ordered, replayable record of everything that was accepted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from xingji.model.errors import TransientError


class Form(StrEnum):
    """How the body of a raw batch is to be read."""

    JSON = "json"
    """The native format."""
    XML = "xml"
    """The native format's structure as XML."""
    CONTROL = "control"
    """A decision of ours, as JSON: a manual bind, an erasure, a replay from quarantine, a setting."""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """One accepted request: its body as it came, but decompressed.

    `received_us`: µs since the epoch at which the server had read it; `n_events`: how many events were
    accepted with it; `key_id`: the write key that vouched for it, never the key itself.
    """

    project: str
    form: Form
    received_us: int
    body: bytes
    n_events: int
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A batch at its place in the log; offsets rise, and need not be dense."""

    offset: int
    batch: RawBatch


class BackPressureError(TransientError):
    """The log takes no more for the moment; nothing of the batch was kept."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{reason}; try again in {retry_after_s} s")


class EventLog(Protocol):
    """Appends durably and in order; read by offset, by any process, while it is written."""

    def submit(self, batch: RawBatch) -> Future[int]:
        """Hand a batch in; the future gives its offset once it is durable, many batches to one commit.

        Raises:
            BackPressureError: too many bytes wait already, or the log is not writable.
        The future raises StorageFullError where the disk has no room, and then nothing of the batch is kept.
        """
        ...

    def read(self, after: int, most_bytes: int) -> list[LogEntry]:
        """Entries with offsets above `after`, in order: as many as `most_bytes` of bodies hold, at least one
        where there is one."""
        ...

    def last_offset(self) -> int:
        """The offset of the newest durable entry; 0 where there never was one."""
        ...

    def first_offset(self) -> int:
        """The offset of the oldest entry still kept; `last_offset() + 1` where none is."""
        ...

    def trim(self, up_to: int) -> int:
        """Forget, durably, entries with offsets up to `up_to`; gives how many bytes of bodies that freed."""
        ...

    def rewrite(self, entries: Iterator[LogEntry]) -> None:
        """Put other bodies in place of those at the entries' offsets (an erasure); offsets and times stay."""
        ...

    def close(self) -> None:
        """Make durable what waits, and take no more."""
        ...
