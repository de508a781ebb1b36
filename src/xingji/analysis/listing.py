"""The units behind a number, as a paged list of names or values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.analysis.context import Context
from xingji.analysis.stream import users_of_sessions
from xingji.analysis.values import ValueTable, order_key, to_json
from xingji.lake.part import Int64s
from xingji.model.query import UsersOf


def list_units(
    context: Context, unit: Int64s, owner: npt.NDArray[np.int64], spot: UsersOf, values: ValueTable
) -> dict[str, Any]:
    """`{"total", "offset", "limit", "users" | "values"}` of the distinct units.

    `unit`: ids of users, or codes in `values` when a unit is a value; `owner`: the users whose events they
    are (-1: none).
    """
    if context.scope.count_by.kind == "property" and not spot.as_users:
        found = sorted((values.values[code] for code in np.unique(unit).tolist()), key=order_key)
        return _page("values", [to_json(value) for value in found], spot)
    match context.scope.count_by.kind:
        case "property":
            users = np.unique(owner[owner >= 0])
        case "session":
            users = np.unique(users_of_sessions(unit))
        case _:
            users = np.unique(unit)
    return _page("users", sorted(context.snapshot.user_names_of(users)), spot)


def _page(name: str, found: list[Any], spot: UsersOf) -> dict[str, Any]:
    page = found[spot.offset : spot.offset + spot.limit]
    return {"total": len(found), "offset": spot.offset, "limit": spot.limit, name: page}
