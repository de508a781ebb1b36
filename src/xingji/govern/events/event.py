"""What a request's events become: events, or what goes to quarantine."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Identity = tuple[str, str]
"""Kind and value."""


class Kind(StrEnum):
    """What an event says: that something happened, or something about who it is."""

    TRACK = "track"
    IDENTIFY = "identify"
    PROFILE_SET = "profile_set"
    PROFILE_SET_ONCE = "profile_set_once"
    PROFILE_INCREMENT = "profile_increment"
    PROFILE_APPEND = "profile_append"
    PROFILE_UNSET = "profile_unset"
    BIND = "bind"
    UNBIND = "unbind"


class Place(msgspec.Struct, frozen=True):
    """Where an event stands: the log's offset of its request, and its number there from 0."""

    offset: int
    index: int


class Event(msgspec.Struct, frozen=True):
    """One event that may be stored.

    `event_id`: 16 bytes; `time_us` (corrected) and `received_us`: µs since the epoch; `identities`: the valid
    ones, the strongest first; `name`: empty unless it is a track event.
    """

    place: Place
    event_id: bytes
    kind: Kind
    name: str
    time_us: int
    received_us: int
    identities: tuple[Identity, ...]
    properties: dict[str, Any]
    user_properties: dict[str, Any]


class Quarantined(msgspec.Struct, frozen=True):
    """One event that may not be stored, as the bytes it came as; `reason` is a stable code, `message` says
    what was found and what is allowed."""

    place: Place
    received_us: int
    reason: str
    message: str
    body: bytes
