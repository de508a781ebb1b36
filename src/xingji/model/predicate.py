"""Predicates: one typed tree with one meaning, for analyses, segments, alerts, rules and journeys alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Scalar = str | bool | int | float | Decimal
"""A property's value: numbers written with a fraction are `Decimal` in queries and `float` or `Decimal` in
data."""

Owner = Literal["event", "user", "tag"]
Operator = Literal[
    "=", "!=", "in", "not_in", "<", "<=", ">", ">=", "between", "contains", "not_contains", "starts_with",
    "ends_with", "regex", "is_set", "is_not_set", "in_last", "before", "after",
]  # fmt: skip

NEGATIVE: frozenset[Operator] = frozenset({"!=", "not_in", "not_contains", "is_not_set"})
"""The operators that a missing property satisfies."""


@dataclass(frozen=True, slots=True)
class PropertyRef:
    """A named property of an event, of its user, or a tag; `at_event` asks for the user's value at the
    event's time."""

    owner: Owner
    name: str
    at_event: bool = False

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}{'@event' if self.at_event else ''}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`property op operand`; the operand is a scalar, a tuple of scalars, µs (times) or None (`is_set`)."""

    property: PropertyRef
    op: Operator
    operand: Scalar | tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every term is; an empty `all` is always true."""

    terms: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where some term is; an empty `any` is never true."""

    terms: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the term is not."""

    term: Predicate


Predicate = Comparison | AllOf | AnyOf | Not


def properties_of(predicate: Predicate | None) -> Iterator[PropertyRef]:
    """Every property a predicate reads, in order, repeats included."""
    match predicate:
        case None:
            return
        case Comparison(ref):
            yield ref
        case AllOf(terms) | AnyOf(terms):
            for term in terms:
                yield from properties_of(term)
        case Not(term):
            yield from properties_of(term)
