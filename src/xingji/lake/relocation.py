"""What a compaction does to lodgings and overrides: rows were moved to whom they belonged at its plan.

Users may have been merged and parted since. Whatever happened, the rows are where the plan said, and belong
to whom they belong now: where these differ, an override takes the place of the one that was served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.lake.overrides import Flags, Overrides
from xingji.lake.pairs import find_pairs
from xingji.lake.part import Int64s
from xingji.ports.lake_store import Pairs


@dataclass(frozen=True)
class Relocation:
    """The rows of users `own[i]` were moved from under `places[i]` to under `into[i]`."""

    own: Int64s
    places: Int64s
    into: Int64s

    @classmethod
    def of(cls, plan: Overrides, lodgers: Pairs) -> Relocation:
        """What serving all overrides of a plan does; `lodgers` (user, place) of the users absorbed in it."""
        others = lodgers[~plan.is_apart(lodgers[:, 1], lodgers[:, 0])]
        return cls(
            np.concatenate([plan.absorbed, others[:, 0], plan.own]),
            np.concatenate([plan.absorbed, others[:, 1], plan.places]),
            np.concatenate([plan.survivors, plan.resolve(others[:, 1]), plan.owners]),
        )

    def where(self, chosen: Flags) -> Relocation:
        """Some of the moves."""
        return Relocation(self.own[chosen], self.places[chosen], self.into[chosen])

    def emptied(self, fresh: Pairs | None) -> Flags:
        """Which moves left nothing behind: `fresh` (own user, place) are rows that came since; None: any may.

        The override of an absorbed user serves everything that is stored under it.
        """
        if fresh is None:
            return np.zeros(len(self.own), np.bool_)
        left = find_pairs(fresh, np.stack([self.own, self.places], axis=1)) >= 0
        flags: Flags = ~left & ~((self.own == self.places) & np.isin(self.places, fresh[:, 1]))
        return flags

    def has(self, own: Int64s, places: Int64s) -> Flags:
        """Which rows, by their own users and whom they were stored under, were moved."""
        moved, asked = np.stack([self.own, self.places], axis=1), np.stack([own, places], axis=1)
        flags: Flags = find_pairs(moved, asked) >= 0
        return flags

    def lodged(self) -> Pairs:
        """The lodgings (user, place) that begin."""
        pairs: Pairs = np.stack([self.own, self.into], axis=1)[self.own != self.into]
        return pairs

    def vacated(self) -> Pairs:
        """The lodgings (user, place) that end."""
        pairs: Pairs = np.stack([self.own, self.places], axis=1)[self.own != self.places]
        return pairs

    def overrides(self, now: Overrides, emptied: Relocation) -> Overrides:
        """The overrides after the moves, of which `emptied` left nothing behind; `now`: those before."""
        left = now.where(
            ~np.isin(now.absorbed, emptied.places[emptied.own == emptied.places]),
            ~emptied.has(now.own, now.places),
        )
        belongs = now.owners_of(self.places, np.where(self.own == self.places, 0, self.own))
        strayed = (self.own != self.into) & (belongs != now.resolve(self.into))
        return Overrides.of(
            left.absorbed,
            left.survivors,
            np.concatenate([left.places, self.into[strayed]]),
            np.concatenate([left.own, self.own[strayed]]),
            np.concatenate([left.owners, belongs[strayed]]),
        )
