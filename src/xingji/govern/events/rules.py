"""What an event must be: a rule takes a field as it was sent and gives it checked, or says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xingji.govern.events.event import Identity, Kind
from xingji.govern.events.reasons import Reason
from xingji.govern.files.column_types import DEPTH_LIMIT, NAME_LIMIT
from xingji.govern.files.identity import KINDS
from xingji.govern.identity.junk import is_junk, may_be_junk
from xingji.model.errors import nearest_names, shown

MOST_PROPERTIES = 500
"""Properties of one event."""
MOST_NAME_BYTES = 255
MOST_ID_BYTES = 256
MOST_IDENTITY_BYTES = 1_024
MOST_TEXT = 65_536
"""Characters of one text among the properties."""
_PLAIN_ID = MOST_IDENTITY_BYTES // 4
_KINDS = {kind.value: kind for kind in Kind}
_NAME = f"a text of up to {MOST_NAME_BYTES} bytes without control characters"
_TIME = "ISO 8601 with an offset, or epoch seconds, ms or µs"


class RuleError(Exception):
    """An event breaks a rule."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Checked:
    """The fields of an event beside its properties, each of a type it may have."""

    event_id: str | None
    kind: Kind
    name: str | None
    time: str | int | float | None
    identities: dict[str, str | int] | None
    platform: str | None


def checked_fields(event_id: Any, kind: Any, name: Any, time: Any, identities: Any, platform: Any) -> Checked:
    """Fields that are whatever was sent, one after the other; the first that is wrong is told.

    Raises:
        RuleError: names the field, its value and what is allowed.
    """
    return Checked(
        event_id=_id_text(event_id),
        kind=_kind(kind),
        name=_name(name),
        time=_time(time),
        identities=_identities(identities),
        platform=_platform(platform),
    )


def _kind(sent: Any) -> Kind:
    if sent is None:
        return Kind.TRACK
    kind = _KINDS.get(sent) if isinstance(sent, str) else None
    if kind is None:
        raise RuleError(Reason.UNKNOWN_TYPE, f"type is {shown(sent)}; allowed: {', '.join(_KINDS)}")
    return kind


def _name(sent: Any) -> str | None:
    if sent is None or sent == "":
        return None
    if not isinstance(sent, str) or not is_name(sent):
        raise RuleError(Reason.BAD_EVENT_NAME, f"event is {shown(sent)}; allowed: {_NAME}")
    return sent


def _id_text(sent: Any) -> str | None:
    if sent is None:
        return None
    if isinstance(sent, int) and not isinstance(sent, bool):
        sent = str(sent)
    check_id(sent)
    return str(sent)


def check_id(sent: Any) -> None:
    """Raise RuleError where an event's id is none."""
    if not isinstance(sent, str) or len(sent.encode()) > MOST_ID_BYTES:
        allowed = f"a text of up to {MOST_ID_BYTES} bytes, or a whole number"
        raise RuleError(Reason.BAD_EVENT_ID, f"event_id is {shown(sent)}; allowed: {allowed}")


def _time(sent: Any) -> str | int | float | None:
    if sent is None or (isinstance(sent, str | int | float) and not isinstance(sent, bool)):
        return sent
    raise bad_time(sent)


def bad_time(sent: Any) -> RuleError:
    """What is wrong with a time that is no instant."""
    return RuleError(Reason.BAD_TIME, f"time is {shown(sent)}; allowed: {_TIME}")


def _platform(sent: Any) -> str | None:
    if sent is None or sent == "":
        return None
    if not isinstance(sent, str) or not is_name(sent):
        raise RuleError(Reason.BAD_PLATFORM, f"platform is {shown(sent)}; allowed: {_NAME}")
    return sent


def _identities(sent: Any) -> dict[str, str | int] | None:
    """The ids there are; what they are worth is asked later."""
    if sent is None:
        return None
    if not isinstance(sent, dict):
        allowed = "an object of kind and value"
        raise RuleError(Reason.NO_IDENTITY, f"identities is {shown(sent)}; allowed: {allowed}")
    found: dict[str, str | int] = {}
    for kind, value in sent.items():
        if kind not in KINDS:
            near = nearest_names(kind, KINDS)
            hint = f"the nearest: {', '.join(near)}; " if near else ""
            message = f"identities has {shown(kind)}; {hint}allowed: {', '.join(KINDS)}"
            raise RuleError(Reason.UNKNOWN_IDENTITY_KIND, message)
        if value is None or isinstance(value, bool):
            continue
        if not isinstance(value, str | int):
            raise bad_identity(kind, value)
        found[kind] = value
    return found


def bad_identity(kind: str, sent: Any) -> RuleError:
    """What is wrong with an id that cannot be one."""
    allowed = f"a text of up to {MOST_IDENTITY_BYTES} bytes without control characters, or a whole number"
    return RuleError(Reason.BAD_IDENTITY, f"identities.{kind} is {shown(sent)}; allowed: {allowed}")


def identities_of(sent: tuple[str | int | None, ...] | None) -> tuple[Identity, ...]:
    """The ids that identify somebody, the strongest first; junk is left out.

    `sent`: a value of each of `KINDS`, in their order.
    """
    found = []
    for kind, value in zip(KINDS, sent or ()):
        if value is None:
            continue
        is_plain = isinstance(value, str) and _is_plainly_an_id(value)
        text = str(value) if is_plain else _identity(kind, value)
        if text:
            found.append((kind, text))
    if not found:
        given = {kind: value for kind, value in zip(KINDS, sent or ()) if value is not None}
        message = f"identities is {shown(given if sent else None)}; allowed: one id at least that is no junk"
        raise RuleError(Reason.NO_IDENTITY, message)
    return tuple(found)


def _is_plainly_an_id(text: str) -> bool:
    """Whether there is nothing to look at more closely, as with most ids."""
    return not may_be_junk(text) and len(text) <= _PLAIN_ID and text.isprintable()


def _identity(kind: str, value: str | int) -> str:
    """The text of an id; empty where it identifies nobody."""
    text = str(value) if isinstance(value, int) else value.strip()
    if len(text.encode()) > MOST_IDENTITY_BYTES or _has_controls(text):
        raise bad_identity(kind, value)
    return "" if is_junk(kind, text) else text


def is_name(text: str) -> bool:
    """Whether a text may name an event or a platform.

    >>> is_name("apply_submit"), is_name("a" * 256), is_name("a\\n")
    (True, False, False)
    """
    return 0 < len(text.encode()) <= MOST_NAME_BYTES and not _has_controls(text)


def checked_properties(sent: Any, field: str) -> dict[str, Any]:
    """The properties of an event, or of its user."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise RuleError(Reason.BAD_PROPERTIES, f"{field} is {shown(sent)}; allowed: an object")
    if len(sent) > MOST_PROPERTIES:
        many = f"{field} has {len(sent)} names; allowed: up to {MOST_PROPERTIES}"
        raise RuleError(Reason.TOO_MANY_PROPERTIES, many)
    for name, value in sent.items():
        if not 1 <= len(name) <= NAME_LIMIT or "\x00" in name:
            allowed = f"1 to {NAME_LIMIT} characters"
            message = f"{field} has the name {shown(name)}; allowed: {allowed}"
            raise RuleError(Reason.BAD_PROPERTY_NAME, message)
        check_value(value, f"{field}.{name}")
    return sent


def check_value(value: Any, path: str, levels: int = DEPTH_LIMIT) -> None:
    """Raise RuleError where a value is nested too deeply, or a text in it is too long."""
    if isinstance(value, str):
        if len(value) > MOST_TEXT:
            found = f"{path} is {shown(value, 40)} of {len(value)} characters"
            raise RuleError(Reason.TEXT_TOO_LONG, f"{found}; allowed: up to {MOST_TEXT}")
    elif isinstance(value, list | dict):
        if not levels:
            message = f"{path} is {shown(value, 40)}, nested deeper; allowed: up to {DEPTH_LIMIT} levels"
            raise RuleError(Reason.TOO_DEEP, message)
        for inner in value.values() if isinstance(value, dict) else value:
            check_value(inner, path, levels - 1)


def check_texts(value: Any, path: str) -> None:
    """Raise RuleError where a text, also one that is a name, has a NUL in it."""
    if isinstance(value, str) and "\x00" in value:
        raise RuleError(Reason.NUL_CHARACTER, f"{path} is {shown(value)}; allowed: a text without NUL")
    if isinstance(value, dict):
        for name, inner in value.items():
            check_texts(name, f"a name in {path}")
            check_texts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            check_texts(inner, path)


def _has_controls(text: str) -> bool:
    return not text.isprintable() and any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
