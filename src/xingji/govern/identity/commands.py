"""What a person may say about ids: commands in the log, and events of the same meaning."""

from __future__ import annotations

import msgspec

from xingji.govern.events.event import Event, Identity, Kind, Place

NUMBER, REASON, WHO = "bind", "reason", "who"
"""Properties of events of kind bind and unbind: the number of an act to take back, why, and who says so."""


class Bind(msgspec.Struct, frozen=True, tag_field="control", tag="identity.bind"):
    """The two ids are one person's: whoever has them becomes one, unless an exclusive kind forbids it."""

    one: Identity
    other: Identity
    who: str = ""
    reason: str = ""


class Unbind(msgspec.Struct, frozen=True, tag_field="control", tag="identity.unbind"):
    """Two ids are not one person's by coming together, whatever events said and will say, until a `Bind`."""

    one: Identity
    other: Identity
    who: str = ""
    reason: str = ""


class Undo(msgspec.Struct, frozen=True, tag_field="control", tag="identity.undo"):
    """Take back the act of a number: all comings-together of its ids in events, a bind, unbind or undo."""

    number: int
    who: str = ""
    reason: str = ""


class Deny(msgspec.Struct, frozen=True, tag_field="control", tag="identity.deny"):
    """The id identifies nobody from now on; what it is bound to stays."""

    identity: Identity
    who: str = ""
    reason: str = ""


class Allow(msgspec.Struct, frozen=True, tag_field="control", tag="identity.allow"):
    """The id identifies again, from now on."""

    identity: Identity
    who: str = ""
    reason: str = ""


Command = Bind | Unbind | Undo | Deny | Allow


class Said(msgspec.Struct, frozen=True):
    """A command at its place in the log; `time_us`: when it was given, µs since the epoch."""

    place: Place
    time_us: int
    command: Command


Item = Event | Said
"""What a lot is made of."""


def encode_command(command: Command) -> bytes:
    """The JSON by which a command stands in the log.

    >>> encode_command(Deny(("mobile", "10086"), "7", "the hotline"))
    b'{"control":"identity.deny","identity":["mobile","10086"],"who":"7","reason":"the hotline"}'
    """
    return msgspec.json.encode(command)


def commands_in(event: Event) -> list[Command]:
    """What an event of kind bind or unbind says: that its strongest id and each other are one person's, or
    not."""
    if event.kind not in (Kind.BIND, Kind.UNBIND):
        return []
    who, reason = (str(event.properties.get(name, "")) for name in (WHO, REASON))
    number = event.properties.get(NUMBER)
    if event.kind is Kind.UNBIND and isinstance(number, int):
        return [Undo(number, who, reason)]
    command = Bind if event.kind is Kind.BIND else Unbind
    strongest, *others = event.identities
    return [command(strongest, other, who, reason) for other in others]
