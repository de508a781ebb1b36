"""Figures as people read them: grouped digits, percentages, lengths of time, bars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table

NOTHING = "–"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SPARKS = "▁▂▃▄▅▆▇█"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
_SMALLER = {"d": (3_600, "h"), "h": (60, "min"), "min": (1, "s")}


def number(value: int | float | Decimal | None) -> str:
    """A number with its digits in groups of three; fractions with at most four digits that matter.

    >>> number(1234567), number(0.51249), number(1234.5), number(None)
    ('1,234,567', '0.5125', '1,234.5', '–')
    """
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    digits = 2 if isinstance(value, Decimal) or abs(value) >= 1000 else 4
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float | None) -> str:
    """A share as percent with one digit.

    >>> percent(0.5), percent(1.0), percent(None)
    ('50.0%', '100.0%', '–')
    """
    return NOTHING if share is None else f"{share * 100:.1f}%"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units.

    >>> duration(0.25), duration(75), duration(90_000), duration(None)
    ('0.25 s', '1 min 15 s', '1 d 1 h', '–')
    """
    if seconds is None:
        return NOTHING
    if abs(seconds) < 59.5:
        return f"{seconds:.3g} s"
    size, unit = next((size, unit) for unit, size in _UNITS if round(abs(seconds)) >= size)
    smaller_size, smaller = _SMALLER[unit]
    count, rest = divmod(round(abs(seconds) / smaller_size), size // smaller_size)
    shown = f"{count} {unit} {rest} {smaller}" if rest else f"{count} {unit}"
    return f"-{shown}" if seconds < 0 else shown


def bar(share: float | None, width: int = 24) -> str:
    """A bar of up to `width` characters, to an eighth of one.

    >>> bar(0.5, 4), bar(0.0, 4), bar(1.0, 4)
    ('██', '', '████')
    """
    eighths = round(min(max(share or 0.0, 0.0), 1.0) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def spark(values: Sequence[int | float | Decimal | None]) -> str:
    """A line of small columns, one a value, the highest being the largest value.

    >>> spark([0, 1, 2, None])
    '▁▅█ '
    """
    top = max((float(value) for value in values if value is not None), default=0.0)
    return "".join(
        " " if v is None else _SPARKS[round(max(float(v), 0.0) / top * 7) if top > 0 else 0] for v in values
    )


def value_text(value: Any) -> str:
    """A value of a property, as a breakdown shows it.

    >>> value_text(None), value_text(True), value_text("a"), value_text(3)
    ('(not set)', 'true', 'a', '3')
    """
    if value is None:
        return "(not set)"
    return str(value).lower() if isinstance(value, bool) else str(value)


def group_title(breakdown: Sequence[Any]) -> str:
    """The values of a group as a heading; empty for the only group of a result without breakdown."""
    return " · ".join(map(value_text, breakdown))


def table(title: str, *columns: str, left: int = 1) -> Table:
    """An empty table whose first `left` columns hold texts and the others figures."""
    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    made.show_edge, made.pad_edge = False, False
    made.min_width = cell_len(title) + 2  # else a title longer than the columns is broken
    for at, name in enumerate(columns):
        made.add_column(name, justify="left" if at < left else "right", no_wrap=at >= left)
    return made
