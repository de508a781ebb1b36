"""Operations on users' properties change what they say, one after the other, in the log's order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from xingji.govern.events.decoding import Decoder
from xingji.govern.events.event import Kind
from xingji.govern.events.profiles import MOST_MEMBERS, Operation, apply_profile
from xingji.govern.events.user_changes import to_user_changes
from xingji.govern.files.column_types import ColumnTypes
from xingji.ports.event_log import Form, LogEntry, RawBatch

PRESENT = {"n": 2, "text": "a", "list": [1]}
OPERATIONS: dict[str, tuple[Kind, dict[str, Any], dict[str, Any]]] = {
    "set": (Kind.PROFILE_SET, {"n": 2, "x": 1}, {"n": 2, "x": 1}),
    "set once": (Kind.PROFILE_SET_ONCE, {"n": 5, "x": 1}, {"x": 1}),
    "increment": (Kind.PROFILE_INCREMENT, {"n": 0.5, "x": 3}, {"n": 2.5, "x": 3}),
    "increment a text": (Kind.PROFILE_INCREMENT, {"text": 1}, {}),
    "increment beyond numbers": (Kind.PROFILE_INCREMENT, {"n": 10**400}, {}),
    "append": (Kind.PROFILE_APPEND, {"list": [2, 3], "text": "b", "x": 1},
               {"list": [1, 2, 3], "text": ["a", "b"], "x": [1]}),
    "append too many": (Kind.PROFILE_APPEND, {"list": [7] * MOST_MEMBERS}, {"list": [7] * MOST_MEMBERS}),
    "unset": (Kind.PROFILE_UNSET, {"n": None, "x": None}, {"n": None}),
    "identify": (Kind.IDENTIFY, {"x": 1}, {"x": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "changes"), OPERATIONS.values(), ids=OPERATIONS.keys())
def test_operations(kind: Kind, values: dict[str, Any], changes: dict[str, Any]) -> None:
    assert apply_profile(PRESENT, Operation(kind, values)) == changes


class _Kept:
    """Users' properties in memory."""

    def values_of(self, users: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        return {user: PRESENT for user in users if user == "u-1"}


def test_changes_of_a_lot() -> None:
    sent = [("profile_increment", "u-1", {"n": 1}), ("profile_increment", "u-1", {"n": 1}),
            ("profile_set", "u-2", {"city": "沈阳"}), ("profile_unset", "u-1", ["text"]),
            ("profile_set_once", "u-2", {"city": "北京"})]  # fmt: skip
    batch = [
        {"type": kind, "identities": {"login": user}, "user_properties": given} for kind, user, given in sent
    ]
    body = json.dumps({"batch": batch}).encode()
    events = Decoder().decode([LogEntry(1, RawBatch("p", Form.JSON, 10**15, body, len(batch)))]).events
    found = to_user_changes(events, [user for _, user, _ in sent], _Kept(), ColumnTypes())
    assert found.present == {"u-1": {"n": 4, "list": [1]}, "u-2": {"city": "沈阳"}}
    assert found.table["user"].to_pylist() == ["u-1", "u-1", "u-2", "u-1"]
    assert found.table["p_n"].to_pylist() == [3, 4, None, None]
    assert found.table["p_city"].to_pylist() == [None, None, "沈阳", None]
    assert json.loads(found.table["properties_json"].to_pylist()[3]) == {"text": None}
