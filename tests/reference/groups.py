"""Groups of a breakdown: their order, the limit, and Other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tests.reference.units import Group, Scene
from tests.reference.values import canonical
from xingji.model.query import UsersOf

OTHER: Group = ((9, "Other"),)


def ranked(figures: Mapping[Group, object]) -> list[Group]:
    """The groups by figure, the largest first and None last, then by value."""
    return sorted(figures, key=lambda group: (figures[group] is None, -_number(figures[group]), group))


def _number(figure: object) -> Fraction:
    return Fraction(0) if figure is None else Fraction(figure)


def shown_groups(figures: Mapping[Group, object], scene: Scene) -> tuple[list[Group], bool]:
    """The groups that get a line of their own, and whether there are more, which go into Other."""
    limit = scene.scope.breakdown_limit
    return ranked(figures)[:limit], len(figures) > limit


def breakdown_of(group: Group, scene: Scene) -> list[object]:
    """A group as a result names it."""
    if group == OTHER:
        return ["Other"] * len(scene.scope.breakdown)
    return [value_shown(kind, value) for kind, value in group]


def value_shown(kind: int, value: object) -> object:
    """The value that a key stands for."""
    match kind:
        case 0:
            return None
        case 2:
            assert isinstance(value, Fraction)
            return int(value) if value.denominator == 1 else float(value)
        case 4:
            assert isinstance(value, str)
            return json.loads(value)
        case _:
            return value


def picked(spot: UsersOf, groups: Sequence[Group], scene: Scene) -> Group | None:
    """The group that `users_of` names among those of the result; None where there is no such group."""
    wanted = canonical(list(spot.breakdown or ()))
    return next((group for group in groups if canonical(breakdown_of(group, scene)) == wanted), None)
