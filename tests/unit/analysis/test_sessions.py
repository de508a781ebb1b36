"""Sessions found in one walk are those that their definition gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xingji.analysis.kernels.sessions import number_sessions
from xingji.analysis.sessions import cut

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12)
"""How long after the one before it each event is, and whether it is a client's."""
GAP_US = 2


def _by_definition(time: list[int], client: list[bool]) -> list[list[int]]:
    """The rows of each session of a user."""
    found: list[list[int]] = []
    last_us: int | None = None
    for row, (now, own) in enumerate(zip(time, client, strict=True)):
        near = last_us is not None and now - last_us <= GAP_US
        if own and not near:
            found.append([])
        if own or near:
            found[-1].append(row)
        last_us = now if own else last_us
    return found


@given(users=st.lists(EVENTS, max_size=6), all_own=st.booleans())
def test_sessions(users: list[list[tuple[int, bool]]], all_own: bool) -> None:
    times: list[int] = []
    clients: list[bool] = []
    begin, end, expected, numbers = [], [], [], []
    for user in users:
        time = np.cumsum([later for later, _ in user]).tolist()
        client = [all_own or own for _, own in user]
        sessions = _by_definition(time, client)
        expected.append([(len(times) + rows[0], len(times) + rows[-1] + 1) for rows in sessions])
        numbers += [
            next((at for at, rows in enumerate(sessions) if row in rows), -1) for row in range(len(user))
        ]
        begin.append(len(times))
        times, clients = times + time, clients + client
        end.append(len(times))
    flags = None if all_own else np.array(clients, np.uint8)
    rows = np.array(begin, np.uint32), np.array(end, np.uint32)
    found = cut(*rows, np.array(times, np.int64), flags, GAP_US)
    pairs = list(zip(found.begin.tolist(), found.end.tolist(), strict=True))
    borders = found.offsets.tolist()
    assert [pairs[borders[u] : borders[u + 1]] for u in range(len(users))] == expected
    out = np.full(len(times), -1, np.int32)
    number_sessions(found.begin, found.end, found.offsets, out)
    assert out.tolist() == numbers


def test_the_units_of_sessions() -> None:
    begin, end = np.array([0, 3, 3], np.uint32), np.array([3, 3, 6], np.uint32)
    found = cut(begin, end, np.array([0, 1, 9, 0, 5, 9], np.int64), None, GAP_US)
    assert found.units_of(np.array([1, 2, 4])).tolist() == [0, 2]
