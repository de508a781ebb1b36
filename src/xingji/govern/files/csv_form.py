"""How a delimited file is laid out: its delimiter and the names of its columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from xingji.govern.files.lines import NOT_UTF8, LineReader, encoding_hint
from xingji.model.errors import FieldError, InputError

WHITESPACE = "whitespace"
DELIMITERS = {",": ",", ";": ";", "\t": "\t", "|": "|", "tab": "\t", WHITESPACE: WHITESPACE}
"""What `--delimiter` takes, and what it means."""
_GUESSED = (",", ";", "\t", "|")
_HEAD_LINES = 200
_MOST_UNREADABLE = 0.5


@dataclass(frozen=True, slots=True)
class CsvForm:
    """`delimiter` is one character or `WHITESPACE`; `has_header`: the first record holds the names."""

    delimiter: str
    columns: tuple[str, ...]
    has_header: bool


def csv_form(
    lines: LineReader, encoding: str, delimiter: str | None = None, columns: Sequence[str] = ()
) -> CsvForm | None:
    """The form of a file from how it begins; None for an empty file. Raises InputError and FieldError.

    `columns` names the columns of a file that has no header.
    """
    if delimiter is not None and delimiter not in DELIMITERS:
        raise FieldError("--delimiter", delimiter, "',', ';', '|', tab or whitespace")
    head = [line for line in _decoded(lines, encoding) if line.strip()]
    if not head:
        return None
    if "\r" in head[0]:
        raise InputError(
            lines.source.file, "lines end in carriage returns; save it with line feeds", "line 1"
        )
    chosen = DELIMITERS[delimiter] if delimiter is not None else _guess(head, len(columns))
    if columns:
        return CsvForm(chosen, tuple(columns), has_header=False)
    return CsvForm(chosen, _names(split(head, chosen)[0]), has_header=True)


def _decoded(lines: LineReader, encoding: str) -> list[str]:
    texts: list[str] = []
    head = lines.head(_HEAD_LINES)
    for number, line in enumerate(head, start=1):
        try:
            texts.append(line.decode(encoding))
        except UnicodeDecodeError:
            if number == 1 or (
                (len(head) - len(texts)) > len(head) * _MOST_UNREADABLE and number == len(head)
            ):
                raise InputError(
                    lines.source.file, NOT_UTF8 + encoding_hint(encoding), f"line {number}"
                ) from None
    return texts


def split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Lines as records."""
    if delimiter == WHITESPACE:
        return [line.split() for line in lines]
    records = csv.reader((line.replace("\r", " ") for line in lines), delimiter=delimiter)
    return [record for record in records if record]


def _guess(head: Sequence[str], n_columns: int) -> str:
    """The delimiter that cuts most lines into the same number of fields, and into the most of them."""
    candidates = (*_GUESSED, WHITESPACE) if n_columns else _GUESSED
    scored = [(_score(split(head, candidate), n_columns), candidate) for candidate in candidates]
    best = max(scored, key=lambda one: one[0])
    return best[1] if best[0] > (0.0, 0) else ","


def _score(records: Sequence[Sequence[str]], n_columns: int) -> tuple[float, int]:
    wanted = n_columns or len(records[0])
    if wanted < 2 and not n_columns:
        return (0.0, 0)
    alike = sum(len(record) == wanted for record in records)
    return (round(alike / len(records), 1), wanted)


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """The header's names; a column without one is called `column_<n>`, a name's second column `<name>_2`."""
    names: list[str] = []
    for number, text in enumerate(header, start=1):
        name = text.strip() or f"column_{number}"
        again = 2
        while name in names:
            name, again = f"{text.strip()}_{again}", again + 1
        names.append(name)
    return tuple(names)
