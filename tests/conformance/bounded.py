"""Random questions to kernels that check every index: a program, as Numba decides that at compile time."""

from __future__ import annotations

import json
import sys

from tests.conformance.answers import by_engine
from tests.reference.dice import SeededDice
from tests.reference.random_logs import make_log
from tests.reference.random_queries import KINDS
from xingji.model.errors import CallerError

SEEDS = range(10_000, 10_150)


def main() -> int:
    """How many questions read or wrote outside an array; each is printed."""
    outside = 0
    for kind, query in KINDS.items():
        for seed in SEEDS:
            dice = SeededDice(seed)
            log = make_log(dice, n_users=8, n_events=30)
            document = query(dice, log.anchor_us)
            try:
                by_engine(document, log.events, log.users, 1 + seed % 3)
            except CallerError:
                continue
            except IndexError as fault:
                outside += 1
                print(kind, seed, fault, json.dumps(document, ensure_ascii=False))
    return outside


if __name__ == "__main__":
    sys.exit(min(main(), 100))
