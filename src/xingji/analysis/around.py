"""Keeping the events before, between or after the steps of each user's chosen attempt of a funnel."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from xingji.analysis.context import Context
from xingji.analysis.funnel import choose_in_view, previous_required
from xingji.analysis.kernels.spread import mark_between
from xingji.lake.part import ViewLike
from xingji.model.query import AroundFunnel

Around = Callable[[ViewLike], npt.NDArray[np.uint8]]
_ALL, _NONE = -1, -2


def around_of(context: Context, around: AroundFunnel) -> Around:
    """A function from a view to its kept rows, `uint8[n_rows]`."""
    own = dataclasses.replace(context, scope=around.funnel.scope)

    def kept(view: ViewLike) -> npt.NDArray[np.uint8]:
        user, rows = choose_in_view(own, around.funnel, view)
        first, last = (np.full(len(view.user_ids), _NONE, np.int64) for _ in range(2))
        step = around.step - 1
        before = previous_required(around.funnel)[step]
        reached = rows[:, step] >= 0
        if around.state == "dropped":
            reached = (rows[:, before] >= 0) & ~reached if before >= 0 else np.zeros(len(rows), np.bool_)
            step = before
        user, rows = user[reached], rows[reached]
        if around.position == "after":
            first[user], last[user] = rows[:, step], _ALL
        elif around.position == "before":
            first[user], last[user] = _ALL, rows[:, step]
        else:
            first[user], last[user] = rows[:, before], rows[:, step]
        out = np.zeros(view.n_rows, np.uint8)
        mark_between(view.begin, view.end, first, last, out)
        return out

    return kept
