"""The event table: how readers hand events to the lake and to file queries, as Arrow columns in log order."""

from __future__ import annotations

import pyarrow as pa

USER, EVENT, TIME, EVENT_ID = "user", "event", "time", "event_id"
RECEIVED_AT = "received_at"
REST = "properties_json"
"""JSON object of the properties that fit no typed column (mixed types, lists, objects, beyond the column
limit)."""
PREFIX = "p_"
"""Property columns are named `p_<property>`."""

TIME_TYPE = pa.timestamp("us", tz="UTC")
MONEY_TYPE = pa.decimal128(18, 2)
PROPERTY_TYPES = (pa.string(), pa.int64(), pa.float64(), MONEY_TYPE, pa.bool_(), TIME_TYPE)
"""What a property column may hold (strings also dictionary-encoded)."""

MAX_PROMOTED = 1_000
MAX_EVENT_NAMES = 65_000
"""An event table has `user`, `event` (string or dictionary of string), `time` (timestamp[us, UTC]),
`event_id` (binary[16], or absent: derived), optionally `received_at`, property columns and `properties_json`;
rows in log order."""


def property_names(schema: pa.Schema) -> list[str]:
    """The properties that have a column of their own."""
    return [name.removeprefix(PREFIX) for name in schema.names if name.startswith(PREFIX)]
