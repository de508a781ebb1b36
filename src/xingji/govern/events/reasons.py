"""Why an event is quarantined: codes that stay, since filters, alerts and ledgers are made of them."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The rule that an event broke."""

    UNREADABLE = "unreadable"
    """The event, or the whole entry of the log, is not of its format."""
    NO_OBJECT = "no_object"
    """The event is a number, a text or a list."""
    UNKNOWN_TYPE = "unknown_type"
    NO_EVENT_NAME = "no_event_name"
    BAD_EVENT_NAME = "bad_event_name"
    BAD_EVENT_ID = "bad_event_id"
    BAD_TIME = "bad_time"
    """The time is no instant."""
    IMPLAUSIBLE_TIME = "implausible_time"
    """The time is an instant, but too far from when the event was received."""
    NO_IDENTITY = "no_identity"
    """There is no id, or junk only."""
    UNKNOWN_IDENTITY_KIND = "unknown_identity_kind"
    BAD_IDENTITY = "bad_identity"
    BAD_PLATFORM = "bad_platform"
    BAD_PROPERTIES = "bad_properties"
    """The properties are no object, or not what an operation on a profile takes."""
    BAD_PROPERTY_NAME = "bad_property_name"
    TOO_MANY_PROPERTIES = "too_many_properties"
    TEXT_TOO_LONG = "text_too_long"
    TOO_DEEP = "too_deep"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    BAD_VALUE = "bad_value"
    """A value in XML is not what its type says."""
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"
    """A text was cut in the middle of a character."""
