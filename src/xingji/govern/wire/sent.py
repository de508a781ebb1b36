"""An event as it was sent: fields of the right types, and not yet looked into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from xingji.govern.events.event import Kind
from xingji.govern.events.rules import MOST_ID_BYTES, MOST_IDENTITY_BYTES, MOST_NAME_BYTES, RuleError

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAME_BYTES)]
_IdentityText = Annotated[str, msgspec.Meta(max_length=MOST_IDENTITY_BYTES)]
NO_PROPERTIES = msgspec.Raw(b"{}")


class SentIdentities(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The ids of an event, the strongest kind first."""

    customer_no: _IdentityText | int | None = None
    login: _IdentityText | int | None = None
    unionid: _IdentityText | int | None = None
    openid: _IdentityText | int | None = None
    mobile: _IdentityText | int | None = None
    device: _IdentityText | int | None = None
    anonymous: _IdentityText | int | None = None


class Sent(msgspec.Struct, gc=False):
    """An event's fields under their names; a field that is missing or null is None, `properties` and
    `user_properties` are JSON text."""

    event_id: Annotated[str, msgspec.Meta(max_length=MOST_ID_BYTES)] | None = None
    type: Kind | None = None
    event: Name | None = None
    time: str | int | float | None = None
    identities: SentIdentities | None = None
    platform: Name | None = None
    properties: msgspec.Raw = NO_PROPERTIES
    user_properties: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request's events in order, each as it was sent or with what is wrong with it; `sent_at` is JSON text,
    empty where there is none; `original` gives the bytes an event came as."""

    events: list[Sent | RuleError]
    sent_at: bytes
    original: Callable[[int], bytes]
