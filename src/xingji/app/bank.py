"""Which bank is simulated, as the command line says it."""

from __future__ import annotations

import contextlib
import datetime as dt
from argparse import ArgumentParser, Namespace
from zoneinfo import ZoneInfo

from xingji.loan import SimulationConfig
from xingji.model.errors import CallerError, FieldError

USUAL = SimulationConfig(today=dt.date(2026, 1, 1))
"""The bank that is simulated when nothing is said, but for its day."""
_ZONE = ZoneInfo("Asia/Shanghai")


def add_bank(parser: ArgumentParser) -> None:
    """Let a command be told which bank is simulated."""
    about, days, seed = (
        f"about how many ({USUAL.events:,})",
        f"full days before today ({USUAL.days})",
        USUAL.seed,
    )
    parser.add_argument("--events", metavar="N", type=int, default=USUAL.events, help=about)
    parser.add_argument("--days", metavar="N", type=int, default=USUAL.days, help=days)
    parser.add_argument("--seed", metavar="S", type=int, default=seed, help=f"another bank for each ({seed})")
    parser.add_argument("--today", metavar="DATE", help="the day on which the log ends (today in Shanghai)")


def bank_of(arguments: Namespace) -> SimulationConfig:
    """The simulation that a command line asks for; raises CallerError for one that cannot be."""
    today = _day(arguments.today)
    try:
        return SimulationConfig(
            today=today, seed=arguments.seed, days=arguments.days, events=arguments.events
        )
    except ValueError as fault:
        raise CallerError(f"--{fault}") from None


def _day(text: str | None) -> dt.date:
    if text is None:
        return dt.datetime.now(_ZONE).date()
    with contextlib.suppress(ValueError):
        return dt.date.fromisoformat(text)
    raise FieldError("--today", text, "a day such as 2026-03-02")
