"""Every error Xingji raises on purpose: who is at fault, and whether trying again can help, are types."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable


class XingjiError(Exception):
    """The root of all errors raised on purpose; its text is one clear sentence for a person."""

    retryable = False


class CallerError(XingjiError):
    """The request is at fault; the same request will fail again."""


class OurError(XingjiError):
    """Xingji or the machine is at fault, not the caller."""


class TransientError(OurError):
    """The fault may pass: the same request can be tried again at no harm."""

    retryable = True


class FieldError(CallerError):
    """A field of a document is wrong: names its path, its value and what was allowed.

    >>> raise_ = FieldError("steps[1].event", 7, "a name, a list of names or '*'")
    >>> str(raise_)
    "steps[1].event is 7; allowed: a name, a list of names or '*'"
    """

    def __init__(self, path: str, value: object, allowed: str) -> None:
        self.path, self.value, self.allowed = path, value, allowed
        super().__init__(f"{path} is {shown(value)}; allowed: {allowed}")


class UnknownNameError(CallerError):
    """A name that nothing bears; offers the nearest names that exist."""

    def __init__(self, path: str, name: str, known: Iterable[str], what: str) -> None:
        self.path, self.name = path, name
        self.nearest = nearest_names(name, known)
        offer = f"; the nearest: {', '.join(self.nearest)}" if self.nearest else ""
        super().__init__(f"{path} names the unknown {what} {shown(name)}{offer}")


class QueryTooLargeError(CallerError):
    """The query would need more than its memory bound, and was refused before it started."""

    def __init__(self, needed_bytes: int, bound_bytes: int, hint: str) -> None:
        self.needed_bytes, self.bound_bytes = needed_bytes, bound_bytes
        super().__init__(
            f"the query needs about {needed_bytes >> 20} MiB and its bound is {bound_bytes >> 20} MiB; {hint}"
        )


class InputError(CallerError):
    """A file or stream that cannot be read: names the file and the place in it."""

    def __init__(self, file: str, reason: str, place: str = "") -> None:
        self.file, self.reason, self.place = file, reason, place
        super().__init__(f"{file}{f', {place}' if place else ''}: {reason}")


class Cancelled(CallerError):
    """The caller left or asked to stop; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the query was cancelled")


class DamagedFileError(OurError):
    """A stored file does not hold what was written; it is named, and the rest goes on without it."""

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file} is damaged: {reason}")


class StorageFullError(TransientError):
    """The disk has no room; nothing was half-written."""

    def __init__(self, folder: str, needed: str) -> None:
        super().__init__(f"no room left in {folder} to {needed}; free some space and try again")


class BusyError(TransientError):
    """Another process holds what this one needs."""

    def __init__(self, what: str, holder: str) -> None:
        super().__init__(f"{what} is in use by {holder}; try again when it has ended")


class LostProcessError(TransientError):
    """A process that was started to help has ended by itself; what it was asked for is not known."""

    def __init__(self, status: int) -> None:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        super().__init__(
            f"a process that was helping {how}; the machine may have too little memory; try again"
        )


def shown(value: object, limit: int = 80) -> str:
    """A value as JSON text, cut to `limit` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest_names(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to `limit` known names nearest in spelling, the nearest first."""
    lowered = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=limit, cutoff=0.5)
    return [lowered[key] for key in found]
