"""A query with something odd in it is answered or refused: no other error comes out of the engine."""

from __future__ import annotations

import json

import pytest

from tests.conformance.answers import snapshot_of
from tests.reference.dice import SeededDice
from tests.reference.random_logs import make_log
from tests.reference.random_queries import KINDS
from tests.unit.model.documents import spoilt
from xingji.analysis.engine import run_query
from xingji.model.errors import CallerError
from xingji.model.parse import parse_query

N_QUERIES = 1_000


@pytest.mark.parametrize("kind", KINDS)
def test_spoilt_queries(kind: str) -> None:
    log = make_log(SeededDice(5))
    snapshot = snapshot_of(log.events, log.users, 2)
    answered = 0
    for seed in range(N_QUERIES):
        dice = SeededDice(seed)
        try:
            query = parse_query(spoilt(KINDS[kind](dice, log.anchor_us), dice))
            result = run_query(query, snapshot)
        except CallerError:
            continue
        answered += 1
        assert json.dumps(result, default=float, allow_nan=False)
    assert 10 < answered < N_QUERIES
