"""The list of units behind a number."""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference.log import Event
from tests.reference.units import Scene, Unit
from tests.reference.values import key_of
from xingji.model.query import UsersOf


def listed(
    scene: Scene, spot: UsersOf, units: Iterable[tuple[Unit, Iterable[Event]]], **head: object
) -> dict[str, object]:
    """The result for units, each with the events that brought it here (whose users are listed on demand)."""
    found = list(units)
    count_by = scene.scope.count_by.kind
    if count_by == "property" and not spot.as_users:
        values = {unit.key: unit.value for unit, _ in found}
        names: list[object] = sorted(values.values(), key=key_of)
    elif count_by == "property":
        names = sorted({event.user for _, events in found for event in events})
    else:
        names = sorted({unit.events[0].user for unit, _ in found})
    page = names[spot.offset : spot.offset + spot.limit]
    column = "values" if count_by == "property" and not spot.as_users else "users"
    shown = {"total": len(names), column: page, "offset": spot.offset, "limit": spot.limit}
    return {**head, "view": "users", **shown}
