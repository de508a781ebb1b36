"""Records of Python values (from JSON or XES) as rows of an event table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.govern.files.assembly import RowPlaces, event_table
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.fields import fields_of
from xingji.govern.files.instants import instants_of_values
from xingji.govern.files.mapping import Origins
from xingji.govern.files.property_columns import Properties, add_columns
from xingji.govern.files.refusal import RefusalTally, RowFaults
from xingji.govern.files.sparse import Sparse, columns_of

IDENTITIES, PROPERTIES, TYPE = "identities", "properties", "type"
TRACK = "track"
NOT_EVENTS = frozenset(
    [
        "identify",
        "bind",
        "unbind",
        "profile_set",
        "profile_set_once",
        "profile_increment",
        "profile_append",
        "profile_unset",
    ]
)
NO_IDENTITIES, NO_PROPERTIES = "identities is no object", "properties is no object"
UNKNOWN_TYPE = "an unknown type"
_ABSENT = Sparse(np.zeros(0, dtype=np.int64), [])


class RecordRows:
    """Records, their columns apart; the fields among them are asked for by name (see `FieldColumns`)."""

    def __init__(self, records: Sequence[dict[str, Any]], *, native: bool = True) -> None:
        """`native`: `identities`, `properties` and `type` mean what the ingest contract says."""
        self.n_rows = len(records)
        self.columns = columns_of(records)
        self.faults = RowFaults(self.n_rows)
        self._identities = self._unfolded(IDENTITIES, NO_IDENTITIES) if native else {}
        self._inner = self._unfolded(PROPERTIES, NO_PROPERTIES) if native else {}

    @classmethod
    def of_columns(
        cls, n_rows: int, columns: dict[str, Sparse], identities: dict[str, Sparse], inner: dict[str, Sparse]
    ) -> RecordRows:
        """Rows of columns that are apart already: outer ones, and those inside identities and properties."""
        rows = cls([])
        rows.n_rows, rows.columns, rows.faults = n_rows, columns, RowFaults(n_rows)
        rows._identities, rows._inner = identities, inner
        return rows

    def table(
        self, file: str, origins: Origins, types: ColumnTypes, places: RowPlaces, tally: RefusalTally
    ) -> pa.Table:
        """The events among the records."""
        self._drop_other_types()
        identities = {kind: f"{IDENTITIES}.{kind}" for kind in self._identities}
        fields = fields_of(self, origins, identities, lambda row: f"{file}#{places.number(row)}", self.faults)
        columns = {
            name: column for name, column in self.columns.items() if name not in origins.column_names()
        }
        properties = Properties(self.n_rows)
        add_columns(properties, self._with_inner(columns), types, self.faults)
        return event_table(fields, properties, self.faults, places, tally)

    def _unfolded(self, name: str, fault: str) -> dict[str, Sparse]:
        """The columns inside a column of objects, which is taken out; what is no object refuses its row."""
        column = self.columns.pop(name, None)
        if column is None:
            return {}
        if set(map(type, column.values)) == {dict}:
            inner, rows = column.values, column.positions
        else:
            at = [at for at, value in enumerate(column.values) if isinstance(value, dict)]
            wrong = [at for at, value in enumerate(column.values) if not isinstance(value, dict | None)]
            self.faults.mark(column.rows()[wrong], fault)
            inner, rows = [column.values[one] for one in at], column.rows()[at]
        found = columns_of(inner)
        return found if rows is None else {key: one.moved(rows) for key, one in found.items()}

    def _with_inner(self, columns: dict[str, Sparse]) -> dict[str, Sparse]:
        for name, inner in self._inner.items():
            outer = columns.get(name)
            columns[name] = inner if outer is None else outer.under(inner, self.n_rows)
        return columns

    def _drop_other_types(self) -> None:
        """The ingest contract's `type`, which stands beside identities: only `track` is an event."""
        column = self.columns.get(TYPE)
        if column is None or not self._identities:
            return
        native = np.zeros(self.n_rows, dtype=bool)
        for one in self._identities.values():
            native[one.rows()] = True
        kinds: dict[str, list[int]] = {}
        plain: list[tuple[int, Any]] = []
        for row, value in zip(column.rows().tolist(), column.values):
            if not native[row]:
                plain.append((row, value))
            elif value is not None and value != TRACK:
                known = isinstance(value, str) and value in NOT_EVENTS
                kinds.setdefault(f"no event but {value}" if known else UNKNOWN_TYPE, []).append(row)
        for reason, rows in kinds.items():
            self.faults.mark(rows, reason)
        del self.columns[TYPE]
        if plain:
            self.columns[TYPE] = Sparse(np.array([row for row, _ in plain]), [value for _, value in plain])

    def _column(self, name: str) -> Sparse:
        kind = name.removeprefix(f"{IDENTITIES}.")
        return self.columns.get(name, self._identities.get(kind, _ABSENT) if kind != name else _ABSENT)

    def texts(self, name: str) -> pa.Array:
        """A column as texts: strings, and whole numbers in digits."""
        column = self._column(name)
        values = column.values
        if not set(map(type, values)) <= {str, type(None)}:
            values = [_named(value) for value in values]
        array = pa.array(values, pa.string())
        return column.spread(array, self.n_rows) if len(values) else pa.nulls(self.n_rows, pa.string())

    def times(self, name: str, time_format: str | None) -> pa.Array:
        """A column as instants."""
        return instants_of_values(self._column(name).dense(self.n_rows), time_format)

    def present(self, name: str) -> npt.NDArray[np.bool_]:
        """Where a column has a value."""
        column, mask = self._column(name), np.zeros(self.n_rows, dtype=bool)
        mask[column.rows()[[value is not None for value in column.values]]] = True
        return mask


def _named(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else None
