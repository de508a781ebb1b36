"""What an event must be: a rule takes a field as it was sent and gives it checked, or says what is wrong."""

from __future__ import annotations

from typing import Any

from xingji.govern.events.event import Identity, Kind
from xingji.govern.files.column_types import DEPTH_LIMIT, NAME_LIMIT
from xingji.govern.files.identity import KINDS
from xingji.govern.identity.junk import is_junk
from xingji.model.errors import nearest_names, shown

MOST_PROPERTIES = 500
"""Properties of one event."""
MOST_NAME_BYTES = 255
MOST_ID_BYTES = 256
MOST_IDENTITY_BYTES = 1_024
_KINDS = {kind.value: kind for kind in Kind}
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
_PLAIN = frozenset((str, int, bool, float, type(None)))
"""Values of which there is nothing to check: a request bounds their length, and its reader their range."""
_MOST_KNOWN = 20_000
_known_names: set[str] = set()
"""Property names found to be good, so that each is looked at once; a cache of the process, and bounded."""


class RuleError(Exception):
    """An event breaks a rule; `reason` is the rule's code."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


def kind_of(sent: Any) -> Kind:
    """The kind of an event; `track` where it says none."""
    if sent is None:
        return Kind.TRACK
    kind = _KINDS.get(sent) if isinstance(sent, str) else None
    if kind is None:
        raise RuleError("unknown_type", f"type is {shown(sent)}; allowed: {', '.join(_KINDS)}")
    return kind


def name_of(sent: Any, kind: Kind) -> str:
    """The name of a track event; others have none."""
    if kind is not Kind.TRACK:
        return ""
    if sent is None or sent == "":
        raise RuleError("no_event_name", "event is missing; allowed: a name")
    if not isinstance(sent, str) or len(sent.encode()) > MOST_NAME_BYTES or _has_controls(sent):
        allowed = f"a text of up to {MOST_NAME_BYTES} bytes without control characters"
        raise RuleError("bad_event_name", f"event is {shown(sent)}; allowed: {allowed}")
    return sent


def id_text_of(sent: Any) -> str:
    """The text of an event's id; empty where it has none."""
    if sent is None or sent == "":
        return ""
    text = str(sent) if isinstance(sent, int) and not isinstance(sent, bool) else sent
    if not isinstance(text, str) or len(text.encode()) > MOST_ID_BYTES:
        raise RuleError("bad_event_id", f"event_id is {shown(sent)}; allowed: up to {MOST_ID_BYTES} bytes")
    return text


def identities_of(sent: Any) -> tuple[Identity, ...]:
    """The ids that identify somebody, the strongest first; junk is left out."""
    if not isinstance(sent, dict):
        raise RuleError("no_identity", f"identities is {shown(sent)}; allowed: an object of kind and value")
    ids = []
    for kind, value in sent.items():
        rank = _RANKS.get(kind)
        if rank is None:
            near = nearest_names(kind, KINDS)
            hint = f"; the nearest: {', '.join(near)}" if near else ""
            raise RuleError("unknown_identity_kind", f"identities has {shown(kind)}{hint}")
        if text := _id_of(kind, value):
            ids.append((rank, text))
    found = tuple((KINDS[rank], text) for rank, text in sorted(ids))
    if not found:
        raise RuleError("no_identity", f"identities is {shown(sent)}; none of them identifies anybody")
    return found


def _id_of(kind: str, sent: Any) -> str:
    """The text of an id; empty where it is none."""
    if sent is None or isinstance(sent, bool):
        return ""
    text = sent.strip() if isinstance(sent, str) else str(sent) if isinstance(sent, int) else None
    if text is None or len(text.encode()) > MOST_IDENTITY_BYTES or _has_controls(text):
        allowed = f"a text of up to {MOST_IDENTITY_BYTES} bytes, or a whole number"
        raise RuleError("bad_identity", f"identities.{kind} is {shown(sent)}; allowed: {allowed}")
    return "" if is_junk(kind, text) else text


def properties_of(sent: Any, field: str) -> dict[str, Any]:
    """The properties of an event, or of its user, without those that are null."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise RuleError("bad_properties", f"{field} is {shown(sent)}; allowed: an object")
    if len(sent) > MOST_PROPERTIES:
        many = f"{field} has {len(sent)} names; allowed: up to {MOST_PROPERTIES}"
        raise RuleError("too_many_properties", many)
    for name, value in sent.items():
        if name not in _known_names:
            _check_name(name, field)
        if value.__class__ not in _PLAIN:
            _check_depth(value, f"{field}.{name}", DEPTH_LIMIT)
    return sent


def _check_name(name: str, field: str) -> None:
    if not 1 <= len(name) <= NAME_LIMIT or "\x00" in name:
        allowed = f"1 to {NAME_LIMIT} characters"
        raise RuleError("bad_property_name", f"{field} has the name {shown(name)}; allowed: {allowed}")
    if len(_known_names) < _MOST_KNOWN:
        _known_names.add(name)


def _check_depth(value: Any, path: str, levels: int) -> None:
    if not isinstance(value, list | dict):
        return
    if not levels:
        raise RuleError("too_deep", f"{path} is nested deeper than {DEPTH_LIMIT} levels")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, path, levels - 1)


def _has_controls(text: str) -> bool:
    return not text.isprintable() and any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
