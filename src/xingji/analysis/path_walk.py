"""What the path kernels walk: the rows of a bucket, or the events of property values brought together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from xingji.analysis.attempts import FOREVER_US
from xingji.analysis.columns import EVENT_NAME
from xingji.analysis.context import Context
from xingji.analysis.kernels.paths import END, START, USED
from xingji.analysis.labels import LabelTable
from xingji.analysis.selection import Target
from xingji.analysis.sessions import Sessions, cut
from xingji.analysis.stream import Request, Stream, over_streams
from xingji.analysis.values import ValueTable
from xingji.lake.order import offsets_of
from xingji.lake.part import EventNumbers, Int32s, Int64s, Rows
from xingji.model.query import EventSelector, Paths

T = TypeVar("T")
Flags = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows as the kernels of `kernels.paths` take them; `label_of` gives label codes, `unit: int64[n_units]`
    names the units, whose rows are `begin` up to `end`."""

    begin: Rows
    end: Rows
    sessions: Sessions
    time: Int64s
    codes: EventNumbers
    role_of: Flags | None
    label: EventNumbers | Int32s
    label_of: Int32s
    bounds: tuple[int, int]
    unit: Int64s
    owner: Int64s | None = None

    def flagged(self, wanted: npt.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
        """The units of the flagged sessions, and the users whose events they are."""
        units = self.sessions.units_of(np.flatnonzero(wanted))
        if self.owner is None:
            return self.unit[units], self.unit[units]
        of_unit = np.zeros(len(self.unit), np.bool_)
        of_unit[units] = True
        return self.unit[units], np.unique(self.owner[np.repeat(of_unit, self.end - self.begin)])


def path_targets(query: Paths) -> tuple[list[Target], tuple[int, int, int, int]]:
    """The selectors of a query as targets, and the bits that include, exclude, start and end a way."""
    every = (EventSelector(None),)
    lists: list[Sequence[EventSelector]] = [
        query.include or every, query.exclude, *((one,) if one else () for one in (query.start, query.end)),
    ]  # fmt: skip
    targets: list[Target] = []
    bits: list[int] = []
    for selectors in lists:
        bits.append(sum(1 << (len(targets) + at) for at in range(len(selectors))))
        targets += [Target(selector) for selector in selectors]
    include, exclude, start, end = bits
    return targets, (include, exclude, start, end)


def target_roles(bits_of: npt.NDArray[np.uint64], roles: tuple[int, int, int, int]) -> Flags:
    """The roles of each code from the bits that include, exclude, start and end a way."""
    include, exclude, start, end = (np.uint64(bits) for bits in roles)
    used = (bits_of & include != 0) & (bits_of & exclude == 0)
    marks = (used, USED), (bits_of & start != 0, START), (bits_of & end != 0, END)
    return sum(
        (mask.astype(np.uint8) * np.uint8(role) for mask, role in marks), np.zeros(len(bits_of), np.uint8)
    )


def stream_walks(
    context: Context, query: Paths, labels: LabelTable, unit_values: ValueTable, task: Callable[[Walk], T]
) -> list[T]:
    """The task's result for walks over the units of a property, whose sessions are cut by their own events'
    gaps."""
    targets, roles = path_targets(query)
    columns = {"name": EVENT_NAME} | ({"label": query.label} if query.label else {})
    request = Request(targets, context.first_us, context.end_us, columns, unit_values=unit_values)

    def walk(stream: Stream) -> T:
        label_of_value = labels.encode(request.values.values)
        label = label_of_value[stream.columns.of("name")]
        if query.label is not None:
            own = label_of_value[stream.columns.of("label")]
            label = np.where(own == 0, label, own)
        kinds, codes = np.unique(stream.bits, return_inverse=True)
        role_of = target_roles(kinds, roles)
        used = (role_of[codes] & USED) != 0
        before = offsets_of(used)[stream.offsets].astype(np.uint32)
        begin, end, time = before[:-1], before[1:], stream.time[used]
        return task(
            Walk(
                begin,
                end,
                cut(begin, end, time, None, query.gap_us),
                time,
                codes[used].astype(np.uint16),
                role_of,
                label[used].astype(np.int32),
                np.arange(len(labels), dtype=np.int32),
                (-FOREVER_US, FOREVER_US),
                stream.unit,
                None if stream.owner is None else stream.owner[used],
            )
        )

    return over_streams(context, request, walk)
