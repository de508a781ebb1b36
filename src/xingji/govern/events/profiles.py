"""What operations on a user's properties do: values in, changes out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from xingji.govern.events.event import Kind
from xingji.govern.events.reasons import Reason
from xingji.govern.events.rules import RuleError, checked_properties
from xingji.govern.events.shapes import checked_text
from xingji.govern.files.refusal import excerpt_of
from xingji.model.errors import shown

MOST_MEMBERS = 500
"""Members of a list that values are appended to; the oldest leave."""
FIELD = "user_properties"
_LARGEST = sys.float_info.max
PROFILE_KINDS = frozenset(
    [
        Kind.PROFILE_SET,
        Kind.PROFILE_SET_ONCE,
        Kind.PROFILE_INCREMENT,
        Kind.PROFILE_APPEND,
        Kind.PROFILE_UNSET,
    ]
)
Values = dict[str, Any]


class Operation(msgspec.Struct, frozen=True):
    """One operation: its kind, and for each property what it is done with (for `unset`, nothing)."""

    kind: Kind
    values: Mapping[str, Any]


def changes_of(
    kind: Kind, properties: msgspec.Raw, user_properties: msgspec.Raw | msgspec.UnsetType
) -> Values:
    """The user's properties that an event is about, from JSON text; those that are null say nothing.

    A `profile_*` event may have them as `properties`; `profile_unset` names them, as a list or as keys.

    Raises:
        RuleError: they are not what the operation takes.
    """
    if user_properties is msgspec.UNSET:
        if kind not in PROFILE_KINDS:
            return {}
        return _checked(kind, properties, "properties")
    return _checked(kind, user_properties, FIELD)


def _checked(kind: Kind, text: msgspec.Raw, field: str) -> Values:
    if kind is Kind.PROFILE_UNSET and bytes(text).lstrip().startswith(b"["):
        return _named(text, field)
    found = checked_text(text, field)
    if isinstance(found, RuleError):
        raise found
    if kind is Kind.PROFILE_UNSET:
        return dict.fromkeys(found)
    values = {name: value for name, value in found.items() if value is not None}
    if kind is Kind.PROFILE_INCREMENT:
        for name, value in values.items():
            if not _is_number(value):
                raise RuleError(Reason.BAD_PROPERTIES, f"{field}.{name} is {shown(value)}; allowed: a number")
    return values


def _named(text: msgspec.Raw, field: str) -> Values:
    try:
        names = msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, ValueError, RecursionError):
        message = f"{field} is {excerpt_of(bytes(text))}; allowed: names, as a list or as an object's keys"
        raise RuleError(Reason.BAD_PROPERTIES, message) from None
    return checked_properties(dict.fromkeys(names), field)


def apply_profile(present: Mapping[str, Any], operation: Operation) -> Values:
    """What an operation changes of a user's present properties: new values by name, None where one goes.

    A value that is set stands in the changes even where it was the same before: it holds since then. What an
    increment finds and is no number stays as it is, and so does one whose sum would be larger than a float
    can be.

    >>> apply_profile({"visits": 2}, Operation(Kind.PROFILE_INCREMENT, {"visits": 1, "calls": 1}))
    {'visits': 3, 'calls': 1}
    """
    values = operation.values
    match operation.kind:
        case Kind.PROFILE_SET_ONCE:
            return {name: value for name, value in values.items() if present.get(name) is None}
        case Kind.PROFILE_UNSET:
            return {name: None for name in values if present.get(name) is not None}
        case Kind.PROFILE_INCREMENT:
            sums = {name: _sum(present.get(name), value) for name, value in values.items()}
            return {name: value for name, value in sums.items() if value is not None}
        case Kind.PROFILE_APPEND:
            return {name: _appended(present.get(name), value) for name, value in values.items()}
        case _:
            return dict(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _sum(present: Any, added: Any) -> Any:
    """Exact for what JSON wrote: 0.1 and 0.2 are 0.3. None where there is no sum."""
    if present is None:
        return added
    if not _is_number(present) or abs(present) > _LARGEST or abs(added) > _LARGEST:
        return None
    are_whole = isinstance(present, int) and isinstance(added, int)
    total: Any = present + added if are_whole else Decimal(str(present)) + Decimal(str(added))
    if abs(total) > _LARGEST:  # sums of whole numbers could grow until nobody writes them as text
        return None
    return total if are_whole or isinstance(present, Decimal) else float(total)


def _appended(present: Any, added: Any) -> list[Any]:
    before = present if isinstance(present, list) else [] if present is None else [present]
    return [*before, *(added if isinstance(added, list) else [added])][-MOST_MEMBERS:]
