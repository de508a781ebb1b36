"""Every operator on every type of value, one event at a time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.conformance.answers import ANSWERS, Answer
from tests.conformance.peer_documents import us
from tests.reference.log import Event

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
LAST_US = us("2026-01-05T12:00:00Z")
MISSING = None
DAY = {"value": 1, "unit": "day"}

TRUE: list[tuple[object, str, object]] = [
    *((MISSING, op, operand) for op, operand in [("!=", "x"), ("not_in", ["x"]), ("not_contains", "x")]),
    (MISSING, "is_not_set", None),
    ("x", "is_set", None),
    ("", "is_set", None),
    (False, "is_set", None),
    (0, "is_set", None),
    ([], "is_set", None),
    ("x", "=", "x"),
    (1, "=", 1),
    (1.0, "=", 1),
    (1, "=", 1.0),
    (Decimal("1.00"), "=", 1),
    (True, "=", True),
    (0.1, "=", 0.1),
    (Decimal("0.10"), "=", 0.1),
    (9_007_199_254_740_993, "=", 9_007_199_254_740_993),
    ("x", "!=", "X"),
    (1, "!=", "1"),
    ("1", "!=", 1),
    (True, "!=", 1),
    (1, "!=", True),
    ("true", "!=", True),
    (NOON, "!=", "2026-01-05T12:00:00.5Z"),
    (NOON, "!=", "noon"),
    (["x"], "!=", "x"),
    (NOON, "=", "2026-01-05T12:00:00Z"),
    (NOON, "=", "2026-01-05T20:00:00+08:00"),
    (NOON, "<", "2027-01-01"),
    (NOON, "in", ["noon", "2026-01-05T12:00:00Z"]),
    (NOON, "between", ["2026-01-05", "2026-01-06"]),
    (0.5, "<", 10**400),
    (0.5, "!=", 10**400),
    (1, "<", 10**400),
    (Decimal("1.00"), ">", -(10**400)),
    ("x", "in", ["y", "x"]),
    (1, "in", ["1", 1]),
    (0.5, "in", [0.5]),
    (False, "in", [False]),
    ("x", "not_in", ["y", 1]),
    (1, "not_in", ["1", True]),
    ([1], "not_in", [1]),
    (1, "<", 2),
    (1, "<=", 1.0),
    (2, ">", 1.5),
    (2.5, ">=", 2.5),
    (Decimal("0.10"), "<", 0.11),
    (-1, "<", 0),
    ("a", "<", "b"),
    ("Z", "<", "a"),
    ("b", ">", "a"),
    ("é", ">", "z"),
    ("2026-01-05", ">=", "2026-01-05"),
    (1, "between", [1, 2]),
    (2, "between", [1, 2]),
    ("b", "between", ["a", "c"]),
    (1.5, "between", [1, 2]),
    ("abc", "contains", "b"),
    ("abc", "contains", "abc"),
    (["x", 1], "contains", "x"),
    (["x", 1], "contains", 1),
    ("abc", "not_contains", "B"),
    (["x"], "not_contains", "y"),
    (12, "not_contains", 1),
    (True, "not_contains", True),
    ("abc", "starts_with", "ab"),
    ("abc", "ends_with", "bc"),
    ("abc", "regex", "b"),
    ("abc", "regex", "^a.c$"),
    ("ABC", "regex", "(?i)abc"),
    ("a\nb", "regex", "a\\nb"),
    (NOON, "in_last", DAY),
    ("2026-01-05T12:00:00Z", "in_last", DAY),
    ("2026-01-04T12:00:00Z", "in_last", DAY),
    (NOON, "before", "2026-01-05T12:00:00.000001Z"),
    ("2026-01-05", "before", "2026-01-05T08:00:01+08:00"),
    (NOON, "after", "2026-01-05T11:59:59.999999Z"),
    ("2026-01-05T12:00:00+00:00", "after", "2026-01-05"),
]

FALSE: list[tuple[object, str, object]] = [
    *(
        (MISSING, op, operand)
        for op, operand in [
            ("=", "x"),
            ("in", ["x"]),
            ("<", 1),
            ("<=", 1),
            (">", 1),
            (">=", 1),
            ("between", [0, 1]),
            ("contains", "x"),
            ("starts_with", "x"),
            ("ends_with", "x"),
            ("regex", ".*"),
            ("is_set", None),
            ("in_last", DAY),
            ("before", "2027-01-01"),
            ("after", "2025-01-01"),
        ]
    ),
    ("", "is_not_set", None),
    (0, "is_not_set", None),
    ("1", "=", 1),
    (1, "=", "1"),
    (1, "=", True),
    (True, "=", 1),
    ("x", "=", "X"),
    (["x"], "=", "x"),
    (9_007_199_254_740_992, "=", 9_007_199_254_740_993),
    (0.1, "=", 0.11),
    (0.5, "=", 10**400),
    (NOON, "=", "noon"),
    (NOON, "=", 1),
    ("2026-01-05T12:00:00Z", "=", "2026-01-05T20:00:00+08:00"),
    (NOON, "contains", "2026"),
    (NOON, "regex", "2026"),
    ("x", "!=", "x"),
    (1.0, "!=", 1),
    (Decimal("1.00"), "!=", 1.0),
    ("1", "in", [1]),
    (True, "in", [1, "true"]),
    ("x", "not_in", ["x"]),
    (1.0, "not_in", [1]),
    ("1", "<", 2),
    (1, "<", "2"),
    (True, "<", 2),
    (False, ">=", 0),
    (["a"], "<", "b"),
    (NOON, "<", "2027"),
    (NOON, ">", "2027-01-01"),
    (2, "<", 2),
    (2, ">", 2),
    (1, "between", [2, 3]),
    (1, "between", [2, 0]),
    ("1", "between", [0, 2]),
    (12, "contains", 1),
    ("abc", "contains", "B"),
    (["abc"], "contains", "b"),
    (["1"], "contains", 1),
    (["x"], "not_contains", "x"),
    ("abc", "not_contains", "a"),
    ("abc", "starts_with", "b"),
    (12, "starts_with", "1"),
    (True, "ends_with", "e"),
    (["a"], "starts_with", "a"),
    ("abc", "regex", "^b"),
    (1, "regex", "1"),
    ("2026-01-04T11:59:59.999999Z", "in_last", DAY),
    ("2026-01-05T12:00:00.000001Z", "in_last", DAY),
    ("soon", "in_last", DAY),
    (LAST_US, "in_last", DAY),
    (NOON, "before", "2026-01-05T12:00:00Z"),
    (NOON, "after", "2026-01-05T12:00:00Z"),
    ("noon", "before", "2027-01-01"),
    (1, "after", "1960-01-01"),
    ("2026-02-30", "after", "1960-01-01"),
]


@pytest.mark.parametrize("expected", [True, False], ids=["true", "false"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_operators(answer: Answer, expected: bool) -> None:
    rows = TRUE if expected else FALSE
    wrong = [row for row in rows if holds(answer, *row) is not expected]
    assert wrong == []


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_not_is_the_contrary(answer: Answer) -> None:
    wrong = [row for row in TRUE if holds(answer, *row, negated=True)]
    wrong += [row for row in FALSE if not holds(answer, *row, negated=True)]
    assert wrong == []


def holds(answer: Answer, value: object, op: str, operand: object, negated: bool = False) -> bool:
    """Whether an event with the value is kept by the filter; another event has the property, too."""
    predicate: dict[str, Any] = {"property": "event.v", "op": op}
    if operand is not None:
        predicate["value"] = operand
    log = [Event("u", "a", LAST_US - 1, 0, {"v": value}), Event("u", "other", LAST_US, 1, {"v": "other"})]
    document = {"kind": "trend", "series": [{"event": "a"}], "interval": "total"}
    document["filter"] = {"not": predicate} if negated else predicate
    return bool(answer(document, log)["series"][0]["total"])
