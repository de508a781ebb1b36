"""Who is one person with whom, worked out by walking up one merge after the other; and what a lake says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tests.unit.lake.rows import Event, Row, rows_of_view
from xingji.lake.lake import Lake
from xingji.lake.snapshot import LakeSnapshot

History = dict[str, list[tuple[int, object]]]
"""By user: the changes of a property, each since when and to what."""


@dataclass
class ReferencePersons:
    """Every merge that is in force, by the absorbed user."""

    survivors: dict[str, str] = field(default_factory=dict)

    def copy(self) -> ReferencePersons:
        return ReferencePersons(dict(self.survivors))

    def regroup(self, merges: Iterable[tuple[str, str]], unmerges: Iterable[str]) -> bool:
        """Undo merges, then merge; False, and no change, where somebody would come to belong to itself."""
        after = dict(self.survivors)
        for name in unmerges:
            after.pop(name, None)
        for absorbed, survivor in merges:
            after.pop(absorbed, None)
            if _last(survivor, after) == absorbed:
                return False
            after[absorbed] = survivor
        self.survivors = after
        return True

    def owner(self, name: str) -> str:
        """Whom everything of a user belongs to."""
        return _last(name, self.survivors)

    def renamed(self, events: Iterable[Event]) -> list[Event]:
        """Events under whom they belong to."""
        return [replace(event, user=self.owner(event.user)) for event in events]

    def forget(self, name: str) -> set[str]:
        """All users that are one with the named, who are no more."""
        person = self.owner(name)
        gone = {user for user in {name, person, *self.survivors} if self.owner(user) == person}
        self.survivors = {a: s for a, s in self.survivors.items() if a not in gone}
        return gone


def _last(name: str, survivors: dict[str, str]) -> str:
    while name in survivors:
        name = survivors[name]
    return name


def rows_at(snapshot: LakeSnapshot, *names: str) -> list[Row]:
    """Every event of a snapshot, in no order."""
    found = [
        row
        for bucket in range(snapshot.n_buckets)
        for view in snapshot.views(bucket)
        for row in rows_of_view(view, snapshot, names)
    ]
    assert list(snapshot.warnings) == []
    return sorted(found, key=repr)


def histories_at(snapshot: LakeSnapshot, name: str) -> History:
    """The changes of a user property, by the names of users who have events."""
    found: History = {}
    for view in [view for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)]:
        history = view.history(name)
        if history is None:
            continue
        values = [None, *(value for chunk in history.dictionary.chunks for value in chunk.to_pylist())]
        for at, user in enumerate(snapshot.user_names_of(view.user_ids)):
            span = slice(int(history.offsets[at]), int(history.offsets[at + 1]))
            codes = [values[code] for code in history.codes[span].tolist()]
            if codes:
                assert user not in found
                found[user] = list(zip(history.time_us[span].tolist(), codes, strict=True))
    return found


def histories_of(lake: Lake, name: str) -> History:
    """The changes of a user property in the newest version."""
    with lake.snapshot() as snapshot:
        return histories_at(snapshot, name)


def owners_at(snapshot: LakeSnapshot, names: Sequence[str]) -> list[str]:
    """To whom a snapshot takes names to belong; those it does not know are themselves."""
    owners = []
    for name in names:
        found = snapshot.user_names_of(snapshot.user_ids_of([name]))
        owners.append(found[0] if found else name)
    return owners
