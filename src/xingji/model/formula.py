"""Formulas over series: letters A, B, … for the series, numbers, + - * / and parentheses."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from xingji.model.errors import FieldError

Number = int | float
_TOKEN = re.compile(r"\s*(?:([0-9]{1,15}(?:\.[0-9]{1,15})?)|([A-Z])|([-+*/()]))")
_MAX_DEPTH = 50
_MAX_EXACT = 2**63
"""Whole numbers beyond this go on as floats, so that a product of products stays a number one can print."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in postfix order: numbers, `A`…`Z`, `+ - * /` and `neg`."""

    program: tuple[str | Number, ...]

    def value(self, series: Sequence[Number | Decimal | None]) -> Number | None:
        """The result for one value a series; None where one is missing or the result is no finite number.

        Whole values count as integers, however they are written; others as floats.
        """
        stack: list[Number | None] = []
        for part in self.program:
            if not isinstance(part, str):
                stack.append(part)
            elif part.isalpha() and len(part) == 1:
                stack.append(_plain(series[ord(part) - ord("A")]))
            elif part == "neg":
                top = stack.pop()
                stack.append(None if top is None else -top)
            else:
                right, left = stack.pop(), stack.pop()
                stack.append(_apply(part, left, right))
        return stack[0]


def _apply(sign: str, left: Number | None, right: Number | None) -> Number | None:
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    try:
        return _finite(_OPERATIONS[sign](left, right))
    except OverflowError:
        return None


def _plain(value: Number | Decimal | None) -> Number | None:
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == int(value) else float(value)


_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _finite(value: Number) -> Number | None:
    if isinstance(value, int) and abs(value) <= _MAX_EXACT:
        return value
    return float(value) if math.isfinite(value) else None


class _Parser:
    """Precedence climbing over the tokens of a formula."""

    def __init__(self, text: str, n_series: int) -> None:
        self.text, self.n_series = text, n_series
        self.tokens: list[str] = []
        self.program: list[str | Number] = []
        at = 0
        while at < len(text.rstrip()):
            token = _TOKEN.match(text, at)
            if token is None:
                self.fail()
            self.tokens.append(token.group().strip())
            at = token.end()

    def fail(self) -> NoReturn:
        last = chr(ord("A") + self.n_series - 1)
        raise FieldError(
            "formula", self.text, f"numbers of up to 15 digits, series A to {last}, + - * / and parentheses"
        )

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def sum(self, depth: int) -> None:
        self.product(depth)
        while self.peek() in ("+", "-") and self.tokens:
            sign = self.tokens.pop(0)
            self.product(depth)
            self.program.append(sign)

    def product(self, depth: int) -> None:
        self.atom(depth)
        while self.peek() in ("*", "/") and self.tokens:
            sign = self.tokens.pop(0)
            self.atom(depth)
            self.program.append(sign)

    def atom(self, depth: int) -> None:
        token = self.tokens.pop(0) if self.tokens and depth < _MAX_DEPTH else ""
        if token == "-":
            self.atom(depth + 1)
            self.program.append("neg")
        elif token == "(":
            self.sum(depth + 1)
            if not self.tokens or self.tokens.pop(0) != ")":
                self.fail()
        elif token.isalpha() and ord(token) - ord("A") < self.n_series:
            self.program.append(token)
        elif token and token[0].isdigit():
            self.program.append(float(token) if "." in token else int(token))
        else:
            self.fail()


def parse_formula(text: str, n_series: int) -> Formula:
    """The formula of a text over `n_series` series; raises FieldError.

    >>> parse_formula("(A + B) / 2", 2).value([3, 5])
    4.0
    """
    parser = _Parser(text, n_series)
    parser.sum(0)
    if parser.tokens:
        parser.fail()
    return Formula(tuple(parser.program))
