"""Predicates as masks over the rows of a view: dictionary values first, codes second, rows last."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import re2

from xingji.analysis.columns import row_values
from xingji.analysis.values import Document, Instant, Value, canonical, instant_of, values_of
from xingji.lake.part import Dictionary, Rows, Snapshot, ViewLike
from xingji.model.predicate import NEGATIVE, AllOf, AnyOf, Comparison, Not, Predicate

Mask = npt.NDArray[np.bool_]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def row_mask(
    predicate: Predicate, view: ViewLike, snapshot: Snapshot, as_of_us: int, rows: Rows | None = None
) -> Mask:
    """Where the predicate holds, for every row or for the given ones, `bool[n]`."""
    match predicate:
        case AllOf(terms):
            return _fold(np.logical_and, terms, True, view, snapshot, as_of_us, rows)
        case AnyOf(terms):
            return _fold(np.logical_or, terms, False, view, snapshot, as_of_us, rows)
        case Not(term):
            return np.logical_not(row_mask(term, view, snapshot, as_of_us, rows))
        case Comparison():
            return row_values(
                view,
                snapshot,
                predicate.property,
                lambda found: dictionary_mask(predicate, found, as_of_us),
                np.bool_,
                rows,
            )


def _fold(
    join: np.ufunc,
    terms: tuple[Predicate, ...],
    start: bool,
    view: ViewLike,
    snapshot: Snapshot,
    as_of_us: int,
    rows: Rows | None,
) -> Mask:
    mask = np.full(view.n_rows if rows is None else len(rows), start)
    for term in terms:
        join(mask, row_mask(term, view, snapshot, as_of_us, rows), out=mask)
    return mask


def dictionary_mask(comparison: Comparison, dictionary: Dictionary, as_of_us: int) -> Mask:
    """Which codes of a dictionary satisfy a comparison, `bool[len(dictionary)]`."""
    missing = np.array([comparison.op in NEGATIVE])
    return np.concatenate(
        [missing, *(_chunk_mask(comparison, chunk, as_of_us) for chunk in dictionary.chunks)]
    )


def _chunk_mask(comparison: Comparison, chunk: pa.Array, as_of_us: int) -> Mask:
    if pa.types.is_string(chunk.type):
        quick = _text_mask(comparison, chunk)
        if quick is not None:
            return quick
    test = tester(comparison, as_of_us)
    return np.fromiter((test(value) for value in values_of(chunk)), np.bool_, len(chunk))


def _text_mask(comparison: Comparison, chunk: pa.Array) -> Mask | None:
    """The commonest comparisons of texts, done by Arrow."""
    operand = comparison.operand
    match comparison.op:
        case "=" | "!=" if isinstance(operand, str):
            found = pc.equal(chunk, operand)
        case "in" | "not_in":
            texts = [value for value in operand if isinstance(value, str)]  # type: ignore[union-attr]
            found = pc.is_in(chunk, value_set=pa.array(texts, pa.string()))
        case "contains" | "not_contains" if isinstance(operand, str):
            found = pc.match_substring(chunk, operand)
        case "starts_with":
            found = pc.starts_with(chunk, operand)
        case "ends_with":
            found = pc.ends_with(chunk, operand)
        case _:
            return None
    mask: Mask = found.to_numpy(zero_copy_only=False)
    return ~mask if comparison.op in NEGATIVE else mask


def tester(comparison: Comparison, as_of_us: int) -> Callable[[Value], bool]:
    """A function that tells whether one set value satisfies the comparison."""
    op, operand = comparison.op, comparison.operand
    match op:
        case "is_set":
            return lambda _: True
        case "is_not_set":
            return lambda _: False
        case "=":
            return lambda value: same(value, operand)
        case "!=":
            return lambda value: not same(value, operand)
        case "in" | "not_in":
            wanted = op == "in"
            return lambda value: any(same(value, one) for one in operand) == wanted  # type: ignore[union-attr]
        case "between":
            low, high = cast("tuple[Any, Any]", operand)
            return lambda value: _ordered(operator.ge, value, low) and _ordered(operator.le, value, high)
        case "contains" | "not_contains":
            wanted = op == "contains"
            return lambda value: _contains(value, operand) == wanted
        case "starts_with":
            return lambda value: type(value) is str and value.startswith(str(operand))
        case "ends_with":
            return lambda value: type(value) is str and value.endswith(str(operand))
        case "regex":
            pattern = re2.compile(str(operand))
            return lambda value: type(value) is str and pattern.search(value) is not None
        case "in_last":
            start = as_of_us - int(operand)  # type: ignore[arg-type]
            return lambda value: (us := instant_of(value)) is not None and start <= us <= as_of_us
        case "before":
            return lambda value: (us := instant_of(value)) is not None and us < int(operand)  # type: ignore[arg-type]
        case "after":
            return lambda value: (us := instant_of(value)) is not None and us > int(operand)  # type: ignore[arg-type]
        case _:
            return lambda value: _ordered(_ORDER[op], value, operand)


def same(value: Value, operand: Value) -> bool:
    """Whether a value equals an operand: numbers by value (a float as its operand rounds), else by type and
    value."""
    if _is_number(value) and _is_number(operand):
        return bool(value == (_as_double(operand) if isinstance(value, float) else operand))
    if isinstance(value, Instant) and type(operand) is str:
        return instant_of(operand) == int(value)
    return canonical(value) == canonical(operand)


def _as_double(operand: Any) -> float:
    """The nearest double of a number, infinite where it is larger than any."""
    return float(Decimal(operand))


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool | Instant)


def _ordered(test: Callable[[Any, Any], bool], value: Value, operand: Value) -> bool:
    if _is_number(value) and _is_number(operand):
        return test(value, _as_double(operand) if isinstance(value, float) else operand)
    if isinstance(value, Instant):
        bound = instant_of(operand)
        return bound is not None and test(int(value), bound)
    return type(value) is str and type(operand) is str and test(value, operand)


def _contains(value: Value, operand: Value) -> bool:
    if isinstance(value, Document):
        found = json.loads(value)
        return isinstance(found, list) and any(same(item, operand) for item in found)
    return type(value) is str and type(operand) is str and operand in value
