"""What a request's events become: events, or what goes to quarantine."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from xingji.govern.events.reasons import Reason
from xingji.ports.event_log import Form

Identity = tuple[str, str]
"""Kind and value."""
PLATFORM, DELAY, SHIFT = "platform", "$received_delay_ms", "$clock_shift_ms"
"""Properties that the server gives: the field of that name, how long an event was under way, and by how much
its time was corrected."""


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


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands: the log's offset of its request, and its number there from 0."""

    offset: int
    index: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event that may be stored.

    `event_id`: 16 bytes; `time_us` (corrected) and `received_us`: µs since the epoch; `identities`: the valid
    ones, the strongest first; `name`: empty unless it is a track event; `properties`: those that were sent,
    as an object, or as a record whose fields bear their names (None: not sent); `user_properties`: those to
    be changed; `shift_us`: what was added to the time that was sent.
    """

    place: Place
    event_id: bytes
    kind: Kind
    name: str
    time_us: int
    received_us: int
    identities: tuple[Identity, ...]
    properties: Any
    user_properties: dict[str, Any]
    platform: str | None = None
    shift_us: int = 0
    project: str = ""

    def delay_ms(self) -> int:
        """How long it was under way, or waited where it happened."""
        return max((self.received_us - self.time_us) // 1_000, 0)

    def all_properties(self) -> dict[str, Any]:
        """Its properties by name, with those that the server gives and without those that are null."""
        sent = properties_by_name(self.properties)
        if self.platform is not None:
            sent.setdefault(PLATFORM, self.platform)
        sent[DELAY] = self.delay_ms()
        sent.pop(SHIFT, None)
        if self.shift_us:
            sent[SHIFT] = self.shift_us // 1_000
        return sent


def properties_by_name(sent: Any) -> dict[str, Any]:
    """The properties of an object or a record that are not null."""
    if not isinstance(sent, dict):
        sent = dict(zip(sent.__struct_encode_fields__, msgspec.structs.astuple(sent), strict=True))
    return {name: value for name, value in sent.items() if value is not None}


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """One event that may not be stored, as the bytes it came as; `reason` is a stable code, `message` says
    what was found and what is allowed. Where a whole entry cannot be read, `n_events` is how many were
    accepted with it, and `is_entry` is set."""

    place: Place
    received_us: int
    reason: Reason
    message: str
    body: bytes
    project: str = ""
    form: Form = Form.JSON
    n_events: int = 1
    is_entry: bool = False
