"""Properties decoded into records of the names that an event is known to have: cheaper than dictionaries.

The properties of one event are much alike. The names it showed so far make a decoder that takes all its
events of a lot at once, checks names and lengths while it reads, and refuses what it does not know; that goes
the long way, by dictionaries and rule by rule, and the shape learns from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Any

import msgspec

from xingji.govern.events.reasons import Reason
from xingji.govern.events.rules import MOST_PROPERTIES, MOST_TEXT, RuleError, check_value, checked_properties
from xingji.govern.files.column_types import NAME_LIMIT

Properties = Any
"""A record of a shape, or an object."""
_MOST_LESSONS = 64
"""An event that goes on showing new names is not worth another decoder."""
_MOST_FIELDS = 50_000
_SPARSE_FACTOR = 6
"""Records that fill fewer than one in so many fields are cheaper as dictionaries."""
_Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
_Scalar = _Text | int | float | bool | None
_Nested = _Text | int | float | bool | list[Any] | dict[str, Any] | None
_PropertyName = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LIMIT)]
_OBJECTS = msgspec.json.Decoder(
    list[Annotated[dict[_PropertyName, _Scalar], msgspec.Meta(max_length=MOST_PROPERTIES)] | None]
)
_ANYTHING = msgspec.json.Decoder(Any)
_FAULTS = (msgspec.DecodeError, ValueError, RecursionError)
_NULL = b"null"


class _Shape:
    """A record with a field for each of some names; `nested`: those that may hold lists and objects."""

    def __init__(self, names: Sequence[str], nested: frozenset[str]) -> None:
        kinds = [(f"f{at}", _Nested if name in nested else _Scalar, None) for at, name in enumerate(names)]
        rename = {f"f{at}": name for at, name in enumerate(names)}
        record = msgspec.defstruct("Properties", kinds, rename=rename, forbid_unknown_fields=True, gc=False)
        kind: Any = list[record | None]  # type: ignore[valid-type]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        self._nested = [(f"f{at}", name) for at, name in enumerate(names) if name in nested]

    def decoded(self, text: bytes) -> list[Properties]:
        """The records of a JSON array. Raises one of _FAULTS where any is not of this shape, or too deep."""
        records: list[Properties] = self._decoder.decode(text)
        for field, name in self._nested:
            for record in records:
                if record is not None:
                    _check_nested(getattr(record, field), name)
        return [{} if record is None else record for record in records]


def _check_nested(value: Any, name: str) -> None:
    if isinstance(value, list | dict):
        try:
            check_value(value, name)
        except RuleError as fault:
            raise ValueError(str(fault)) from None


class _Known:
    """What was learnt of one event: the names of its properties, and the decoder made of them."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.nested: set[str] = set()
        self.lessons = 0
        self.shape: _Shape | None = None

    def learn(self, objects: Sequence[dict[str, Any]]) -> None:
        """Make a decoder that also takes objects like these, if they show something new."""
        names = [name for name in dict.fromkeys(chain.from_iterable(objects)) if _may_be_field(name)]
        nested = {name for one in objects for name, value in one.items() if isinstance(value, list | dict)}
        is_new = not (self.names.keys() >= set(names) and self.nested >= nested)
        filled = sum(map(len, objects))
        n_names = len(self.names.keys() | names)
        if not is_new or self.lessons >= _MOST_LESSONS or n_names > MOST_PROPERTIES:
            return
        self.lessons += 1
        if n_names * len(objects) <= _SPARSE_FACTOR * filled:
            self.names.update(dict.fromkeys(names))
            self.nested |= nested
            self.shape = _Shape(tuple(self.names), frozenset(self.nested))


def _may_be_field(name: str) -> bool:
    """Whether a record can have a field of that name."""
    return '"' not in name and "\\" not in name and min(name, default=" ") >= " "


class Shapes:
    """The properties that events are known to have; kept from lot to lot, and bounded."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def decode(self, events: Sequence[str], texts: Sequence[msgspec.Raw]) -> list[Properties | RuleError]:
        """The properties of each event of a lot, from JSON text, or the rule that they break."""
        members: dict[str, list[int]] = {}
        for row, event in enumerate(events):
            members.setdefault(event, []).append(row)
        found: list[Properties | RuleError] = [None] * len(events)
        for event, rows in members.items():
            for row, one in zip(rows, self._of_event(event, [texts[row] for row in rows]), strict=True):
                found[row] = one
        return found

    def _of_event(self, event: str, texts: Sequence[msgspec.Raw]) -> list[Properties | RuleError]:
        known = self._known.get(event)
        array = b"[" + b",".join(texts) + b"]"
        if known is not None and known.shape is not None:
            try:
                return known.shape.decoded(array)
            except _FAULTS:
                pass
        try:
            objects = [one or {} for one in _OBJECTS.decode(array)]
        except _FAULTS:
            found = [checked_text(text, "properties") for text in texts]
            objects = [one for one in found if not isinstance(one, RuleError)]
        else:
            found = list(objects)
        self._learn(event, objects)
        return found

    def _learn(self, event: str, objects: Sequence[dict[str, Any]]) -> None:
        known = self._known.get(event)
        if known is None:
            if sum(len(one.names) for one in self._known.values()) > _MOST_FIELDS:
                self._known.clear()
            known = self._known[event] = _Known()
        known.learn(objects)


def checked_text(text: msgspec.Raw, field: str) -> dict[str, Any] | RuleError:
    """The properties of one event from JSON text, or the rule that they break."""
    try:
        return checked_properties(_ANYTHING.decode(text), field)
    except RuleError as fault:
        return fault
    except RecursionError:
        return RuleError(Reason.TOO_DEEP, f"{field} is nested too deeply to be read")
    except (msgspec.DecodeError, ValueError) as fault:
        reason = Reason.NUMBER_OUT_OF_RANGE if "out of range" in str(fault) else Reason.UNREADABLE
        return RuleError(reason, f"{field} cannot be read: {str(fault).lower()}")
