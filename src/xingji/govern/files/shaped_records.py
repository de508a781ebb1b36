"""NDJSON lines decoded into records of known keys: twice as fast as into dictionaries, with the same result.

The keys that earlier lines showed (event by event, since an event's properties are much alike) make a decoder
that refuses any other; a chunk it refuses goes the long way by dictionaries, and the decoder learns from it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from typing import Any

import msgspec
import numpy as np

from xingji.govern.files.record_rows import IDENTITIES, PROPERTIES, RecordRows
from xingji.govern.files.sparse import Positions, Sparse, columns_of, of_parts

_MOST_LESSONS = 64
"""A log that goes on showing new keys is not worth another decoder."""
_MOST_FIELDS = 50_000
_SPARSE_FACTOR = 6
"""Records that fill fewer than one in so many fields are cheaper as dictionaries."""
_ALIKE_FACTOR = 2
"""If events fill at least one in so many of all properties, they are decoded together, else by event."""
_NO_PROPERTIES = msgspec.Raw(b"{}")
Hook = Callable[[str], Any] | None


class _UnlikeError(Exception):
    """A record has what no earlier one had."""


class _Shape:
    """A struct with a field for each of some names (attributes `f0`, `f1`, …), which refuses other names."""

    def __init__(self, names: Iterable[str], kinds: dict[str, Any], hook: Hook) -> None:
        self.names = tuple(names)
        fields = [(f"f{at}", *kinds.get(name, (Any, None))) for at, name in enumerate(self.names)]
        self.struct = msgspec.defstruct(
            "Record",
            fields,
            rename={f"f{at}": name for at, name in enumerate(self.names)},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(self.struct, float_hook=hook)

    def decoded(self, lines: bytes, n_lines: int) -> list[Any]:
        """A record a line. Raises _UnlikeError if the lines are not that."""
        try:
            records = self._decoder.decode_lines(lines)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _UnlikeError from None
        if len(records) != n_lines:
            raise _UnlikeError
        return records

    def columns(self, records: Sequence[Any]) -> dict[str, Sequence[Any]]:
        """The fields of records, column by column."""
        columns = zip(*map(msgspec.structs.astuple, records), strict=True) if records else repeat(())
        return dict(zip(self.names, columns, strict=False))


class _Lesson:
    """How many records of each event were seen, and how many properties they had."""

    def __init__(self) -> None:
        self.events: Counter[str | None] = Counter()
        self.filled = 0

    def count(self, event: str | None, properties: dict[str, Any]) -> None:
        """Count one record."""
        self.events[event] += 1
        self.filled += len(properties)


class ShapedRecords:
    """The keys known of a file's records, and the decoders made of them."""

    def __init__(self, event: str | None, hook: Hook) -> None:
        """`event`: the column that holds events' names; None if it is no column."""
        self._event, self._hook = event, hook
        self._plain = msgspec.json.Decoder(dict[str, Any], float_hook=hook)
        self._lessons = 0
        self._lessons_of_event: Counter[str] = Counter()
        self._outer_keys: dict[str, None] = {}
        self._identity_kinds: dict[str, None] = {}
        self._inner_keys: dict[str, None] = {}
        self._keys_of_event: dict[str, dict[str, None]] = {}
        self._outer: _Shape | None = None
        self._identities: _Shape | None = None
        self._inner: _Shape | None = None
        self._of_event: dict[str, _Shape] = {}

    def rows(self, lines: bytes, n_lines: int) -> RecordRows | None:
        """The records of whole lines; None if any is unlike what is known."""
        if self._outer is None:
            return None
        try:
            columns = self._outer.columns(self._outer.decoded(lines, n_lines))
            identities = _columns_inside(columns.pop(IDENTITIES, None), self._identities)
            properties = columns.pop(PROPERTIES, None)
            if self._inner is not None:
                inner = _columns_inside(properties, self._inner)
            else:
                inner = self._by_event(properties or [], columns[self._event] if self._event else [])
        except _UnlikeError:
            return None
        outer = {name: Sparse(None, values) for name, values in columns.items()}
        return RecordRows.of_columns(n_lines, outer, identities, inner)

    def _by_event(self, raws: Sequence[Any], events: Sequence[Any]) -> dict[str, Sparse]:
        members: dict[str, list[int]] = {}
        for row, event in enumerate(events):
            if event.__class__ is not str:
                raise _UnlikeError
            members.setdefault(event, []).append(row)
        parts: dict[str, list[tuple[Positions, Sequence[Any]]]] = {}
        for event, rows in members.items():
            positions = np.array(rows, dtype=np.int64)
            inner = self._inner_columns(event, b"\n".join([raws[row] for row in rows]), len(rows))
            for name, column in inner.items():
                at = positions if column.positions is None else positions[column.positions]
                parts.setdefault(name, []).append((at, column.values))
        return of_parts(parts)

    def _inner_columns(self, event: str, lines: bytes, n_lines: int) -> dict[str, Sparse]:
        """The properties of one event; where they are unlike those known, by dictionaries, and learnt."""
        shape = self._of_event.get(event)
        if shape is not None:
            with contextlib.suppress(_UnlikeError):
                found = shape.columns(shape.decoded(lines, n_lines))
                return {name: Sparse(None, values) for name, values in found.items()}
        try:
            records = self._plain.decode_lines(lines)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _UnlikeError from None
        if len(records) != n_lines:
            raise _UnlikeError
        self._learn_event(event, records)
        return columns_of(records)

    def _learn_event(self, event: str, records: list[dict[str, Any]]) -> None:
        """Know the keys of one event better; one that goes on showing new ones stays with dictionaries."""
        self._of_event.pop(event, None)
        self._lessons_of_event[event] += 1
        if self._lessons_of_event[event] > _MOST_LESSONS:
            return
        self._learn_properties(event, dict.fromkeys(chain.from_iterable(records)))
        keys = self._keys_of_event[event]
        if len(keys) * len(records) <= _SPARSE_FACTOR * sum(map(len, records)):
            self._of_event[event] = _Shape(keys, {}, self._hook)

    def learn(self, records: Sequence[dict[str, Any]]) -> None:
        """Make decoders that also take records like these."""
        self._lessons += 1
        self._outer = None
        if self._lessons > _MOST_LESSONS:
            return
        lesson = _Lesson()
        seen: set[Any] = set()
        for record in records:
            identities, properties = record.get(IDENTITIES), record.get(PROPERTIES)
            self._outer_keys |= dict.fromkeys(record)
            if isinstance(identities, dict):
                self._identity_kinds |= dict.fromkeys(identities)
            event = record.get(self._event) if self._event else None
            if isinstance(properties, dict) and isinstance(event, str | None):
                lesson.count(event, properties)
                if (event, keys := tuple(properties)) not in seen:
                    seen.add((event, keys))
                    self._learn_properties(event, dict.fromkeys(keys))
        if len(self._outer_keys) * len(records) <= _SPARSE_FACTOR * sum(map(len, records)):
            self._make_shapes(lesson)

    def _learn_properties(self, event: str | None, keys: dict[str, None]) -> None:
        self._inner_keys |= keys
        if event is not None:
            self._keys_of_event.setdefault(event, {}).update(keys)

    def _make_shapes(self, lesson: _Lesson) -> None:
        alike = len(self._inner_keys) * lesson.events.total() <= _ALIKE_FACTOR * lesson.filled
        fields = sum(len(self._keys_of_event.get(one, ())) * n for one, n in lesson.events.items() if one)
        by_event = {} if alike else self._keys_of_event
        if not alike and (self._event is None or fields > _SPARSE_FACTOR * lesson.filled):
            return
        if sum(map(len, (self._outer_keys, self._inner_keys, *by_event.values()))) > _MOST_FIELDS:
            return
        self._identities = _Shape(self._identity_kinds, {}, self._hook)
        self._inner = _Shape(self._inner_keys, {}, self._hook) if alike else None
        inner = (msgspec.Raw, _NO_PROPERTIES) if self._inner is None else (self._inner.struct | None, None)
        kinds = {IDENTITIES: (self._identities.struct | None, None), PROPERTIES: inner}
        self._outer = _Shape(self._outer_keys, kinds, self._hook)
        self._of_event = {event: _Shape(keys, {}, self._hook) for event, keys in by_event.items()}


def _columns_inside(found: Sequence[Any] | None, shape: _Shape | None) -> dict[str, Sparse]:
    """The columns of a column of structs."""
    if found is None:
        return {}
    if shape is None or None in found:
        raise _UnlikeError
    return {name: Sparse(None, values) for name, values in shape.columns(found).items()}
