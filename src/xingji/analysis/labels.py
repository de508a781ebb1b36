"""Labels of nodes: one code for each text, whatever property or event name it came from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import numpy as np

from xingji.analysis.values import Value, to_json, values_of
from xingji.lake.part import Dictionary, Int32s


class LabelTable:
    """Codes of label texts met during a query; code 0 is missing; safe to share between threads.

    A trailing slash is dropped, then the first of `groups` (glob, label) whose pattern fits replaces the
    text.
    """

    def __init__(self, groups: Sequence[tuple[str, str]]) -> None:
        self.texts: list[str] = [""]
        self._groups = groups
        self._codes: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.texts)

    def encode(self, values: Iterable[Value]) -> Int32s:
        """The code of each value's label, 0 for None."""
        with self._lock:
            return np.array([0 if value is None else self._code(value) for value in values], np.int32)

    def encode_dictionary(self, dictionary: Dictionary) -> Int32s:
        """The codes of a dictionary's values, `int32[len(dictionary)]`."""
        return self.encode([None, *(value for chunk in dictionary.chunks for value in values_of(chunk))])

    def code_of(self, text: str) -> int | None:
        """The code of a label as results show it; None if no node bears it."""
        return self._codes.get(text)

    def _code(self, value: Value) -> int:
        shown = to_json(value)
        text = self._cleaned(
            shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, default=str)
        )
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self.texts)
            self.texts.append(text)
        return code

    def _cleaned(self, text: str) -> str:
        text = text[:-1] if len(text) > 1 and text.endswith("/") else text
        return next((label for pattern, label in self._groups if fnmatchcase(text, pattern)), text)
