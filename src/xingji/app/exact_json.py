"""Results as JSON text without loss: exact decimals are numbers, and what fits a line stands on one."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_WIDTH = 100
_text = json.JSONEncoder(ensure_ascii=False).encode


def one_line(value: Any) -> str:
    """A value as JSON on one line.

    JSON knows no infinity, so that is `1e999`, which readers take for it, and no not-a-number, which is null.

    >>> one_line({"total": Decimal("12345678901234567890.01"), "mean": 0.5, "none": None})
    '{"total": 12345678901234567890.01, "mean": 0.5, "none": null}'
    """
    match value:
        case str():
            return _text(value)
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case float():
            return _float(value)
        case Decimal():
            return format(value, "f")
        case dict():
            return (
                "{" + ", ".join(f"{_text(str(name))}: {one_line(each)}" for name, each in value.items()) + "}"
            )
        case list() | tuple():
            return "[" + ", ".join(map(one_line, value)) + "]"
        case _:
            raise TypeError(f"a result cannot hold a {type(value).__name__}")


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "null" if math.isnan(value) else "1e999" if value > 0 else "-1e999"


def pretty(value: Any) -> str:
    """A value as JSON over lines of about 100 characters: objects and lists break only where they do not fit.

    >>> print(pretty({"kind": "funnel", "groups": [{"breakdown": [], "steps": ["view", "submit"]}]}))
    {"kind": "funnel", "groups": [{"breakdown": [], "steps": ["view", "submit"]}]}
    """
    return _laid_out(value, "", 0)


def _laid_out(value: Any, indent: str, taken: int) -> str:
    """`taken`: characters of its line that stand before the value."""
    flat = one_line(value)
    if taken + len(flat) <= _WIDTH or not isinstance(value, dict | list | tuple) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        pairs = [(f"{_text(str(name))}: ", each) for name, each in value.items()]
        lines = [name + _laid_out(each, inner, len(inner) + len(name) + 1) for name, each in pairs]
        return "{\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}}}"
    if not any(isinstance(each, dict | list | tuple) for each in value):
        return f"[\n{inner}" + _filled(list(map(one_line, value)), inner) + f"\n{indent}]"
    lines = [_laid_out(each, inner, len(inner) + 1) for each in value]
    return "[\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}]"


def _filled(texts: list[str], indent: str) -> str:
    lines = [""]
    for at, text in enumerate(texts):
        piece = text + ("," if at < len(texts) - 1 else "")
        if lines[-1] and len(indent) + len(lines[-1]) + 1 + len(piece) > _WIDTH:
            lines.append(piece)
        else:
            lines[-1] += (" " if lines[-1] else "") + piece
    return f"\n{indent}".join(lines)
