"""How far the project has come, by when events were received: what decides which ids may go.

An id held too long changes no answer, since the times themselves are compared; an id gone too early does.
So a clock that was wrong for a while must not make ids go: a leap counts for little, a step back for nothing.
"""

from __future__ import annotations

import msgspec

PATIENCE_LOTS = 64
"""After so many lots far behind the highest time, that one was a wrong clock's, and is given up."""


class Age(msgspec.Struct, frozen=True):
    """`age_us` never falls; `high_us`: the highest received time believed; `n_behind`: lots far behind it."""

    age_us: int = 0
    high_us: int | None = None
    n_behind: int = 0

    def after(self, lot_us: int, leap_us: int) -> Age:
        """The age after a lot whose latest event was received at `lot_us`.

        A step forward counts in full up to `leap_us`, and for no more. Lots more than that behind are a
        replay's, or the first after a clock was put right; only if they go on do we go on from there.
        """
        if self.high_us is None:
            return Age(self.age_us, lot_us)
        forward_us = lot_us - self.high_us
        if forward_us >= -leap_us:
            return Age(self.age_us + min(max(forward_us, 0), leap_us), max(self.high_us, lot_us))
        if self.n_behind + 1 < PATIENCE_LOTS:
            return Age(self.age_us, self.high_us, self.n_behind + 1)
        return Age(self.age_us, lot_us)
