"""Reading a JSON document field by field: every fault names its path, its value and what was allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from xingji.model.errors import CallerError, FieldError, UnknownNameError

T = TypeVar("T")
_MAX_DEPTH = 64


def load_document(text: str | bytes, what: str = "query") -> object:
    """The JSON value of a text; fractions become `Decimal`, and NaN, duplicate names and deep nesting are
    refused."""
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
    except RecursionError:
        raise CallerError(f"the {what} is nested too deeply; at most {_MAX_DEPTH} levels are read") from None
    except UnicodeDecodeError as fault:
        raise CallerError(f"the {what} is not UTF-8 text: {fault.reason} at byte {fault.start}") from None
    except json.JSONDecodeError as fault:
        raise CallerError(
            f"the {what} is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}"
        ) from None
    except ValueError as fault:
        raise CallerError(f"the {what} cannot be read: {fault}") from None


def _no_constant(name: str) -> NoReturn:
    raise CallerError(f"the document holds {name}, which JSON does not know")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise CallerError(f"the document names {json.dumps(twice, ensure_ascii=False)} twice in one object")
    return found


def is_whole(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON can escape halves of characters that no text can hold."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Reader:
    """One value of a document and the path that leads to it."""

    __slots__ = ("depth", "path", "value")

    def __init__(self, value: object, path: str = "", depth: int = 0) -> None:
        self.value, self.path, self.depth = value, path, depth
        if depth > _MAX_DEPTH:
            raise CallerError(f"{path} is nested too deeply; at most {_MAX_DEPTH} levels are read")
        if isinstance(value, str) and not is_whole(value):
            self.fail("text of whole characters, without half of a surrogate pair")

    def fail(self, allowed: str) -> NoReturn:
        """Refuse this value, saying what was allowed."""
        raise FieldError(self.path or "the document", self.value, allowed)

    def object(self, allowed: str = "an object") -> Fields:
        """This value as an object whose fields are then taken one by one."""
        if not isinstance(self.value, dict):
            self.fail(allowed)
        return Fields(self)

    def items(self, allowed: str = "a list", at_least: int = 0, at_most: int = 1000) -> list[Reader]:
        """This value as a list of between `at_least` and `at_most` items."""
        if not isinstance(self.value, list):
            self.fail(allowed)
        if not at_least <= len(self.value) <= at_most:
            bound = f"{at_least} to {at_most} items"
            raise CallerError(f"{self.path} has {len(self.value)} items; allowed: {bound}")
        return [Reader(item, f"{self.path}[{i}]", self.depth + 1) for i, item in enumerate(self.value)]

    def text(self, allowed: str = "a text that is not empty") -> str:
        """This value as text of 1 to 10,000 characters."""
        if not isinstance(self.value, str) or not 0 < len(self.value) <= 10_000:
            self.fail(allowed)
        return self.value

    def integer(self, low: int, high: int) -> int:
        """This value as a whole number in [low, high]."""
        value = self.value
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value) if abs(value) <= high else value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(f"a whole number from {low} to {high}")
        return value

    def flag(self) -> bool:
        """This value as true or false."""
        if not isinstance(self.value, bool):
            self.fail("true or false")
        return self.value

    def one_of(self, *choices: str) -> Any:
        """This value as one of the given words (typed loosely, so that the caller's `Literal` takes it)."""
        if not isinstance(self.value, str) or self.value not in choices:
            self.fail(" | ".join(choices))
        return self.value


class Fields:
    """The fields of an object; those that were never asked for are refused by `close`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._values: dict[str, object] = reader.value  # type: ignore[assignment]
        self._known: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        self._known.add(name)
        return self._values.get(name) is not None

    def items(self) -> Iterable[tuple[str, object]]:
        """Every field and its raw value."""
        return self._values.items()

    def given(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self._values

    def at(self, name: str) -> Reader:
        """A reader of the field, whatever it holds; an absent field reads as null."""
        self._known.add(name)
        path = f"{self._reader.path}.{name}" if self._reader.path else name
        return Reader(self._values.get(name), path, self._reader.depth + 1)

    def get(self, name: str, read: Callable[[Reader], T], default: T) -> T:
        """The field read by `read`; absent or null gives `default`."""
        return read(self.at(name)) if self.has(name) else default

    def need(self, name: str, read: Callable[[Reader], T]) -> T:
        """The field read by `read`; absent is refused."""
        if name not in self._values:
            self._known.add(name)
            raise CallerError(f"{self._reader.path or 'the document'} lacks the field {json.dumps(name)}")
        return read(self.at(name))

    def forbid(self, names: Iterable[str], why: str) -> None:
        """Refuse fields that mean nothing here, saying why."""
        for name in names:
            if self.has(name):
                raise CallerError(f"{self.at(name).path} cannot be given: {why}")

    def close(self) -> None:
        """Refuse every field that nobody asked for, offering the nearest names."""
        for name in self._values:
            if name not in self._known:
                place = f"{self._reader.path}.{name}" if self._reader.path else name
                raise UnknownNameError(place, name, self._known, "field")
