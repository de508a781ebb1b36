"""Looking ids up in many runs at once: what passed the sieves is compared in one go, page beside page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xingji.govern.dedup.keys import Ids, Int64s, Places
from xingji.govern.dedup.page import PAGE, PAGE_IDS, received_us
from xingji.govern.dedup.run import Run
from xingji.govern.dedup.sieve import Marks

_AT_ONCE = 1_024
"""Candidates compared at once, each with a page: a lot of repeats must not take memory for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Stored copies of asked ids: `places` among the asked, `runs` among the runs (`intp[k]` each), and when
    each was received (`received_us: int64[k]`)."""

    places: Places
    runs: Places
    received_us: Int64s


def find(runs: Sequence[Run], asked: Ids) -> Found:
    """Every stored copy of the asked ids, which are in order.

    Raises:
        DamagedFileError: a page that had to be read is not what was written.
    """
    parts = list(_parts(runs, asked))
    return Found(
        np.concatenate([np.zeros(0, np.intp), *(part.places for part in parts)]),
        np.concatenate([np.zeros(0, np.intp), *(part.runs for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.received_us for part in parts)]),
    )


def _parts(runs: Sequence[Run], asked: Ids) -> Iterator[Found]:
    candidates = _candidates(runs, asked)
    for first in range(0, len(candidates.places), _AT_ONCE):
        yield _compared(runs, asked, candidates.slice(first, first + _AT_ONCE))


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Ids that may be in runs (`intp[k]` each): which, in which run, and on which page of it."""

    places: Places
    runs: Places
    pages: Places

    def slice(self, first: int, end: int) -> _Candidates:
        return _Candidates(self.places[first:end], self.runs[first:end], self.pages[first:end])


def _candidates(runs: Sequence[Run], asked: Ids) -> _Candidates:
    marks = Marks.of(asked.high, asked.low)
    found = [run.candidates(asked, marks) for run in runs]
    none = np.zeros(0, np.intp)
    return _Candidates(
        np.concatenate([none, *(places for places, _ in found)]),
        np.repeat(np.arange(len(runs)), [len(places) for places, _ in found]),
        np.concatenate([none, *(pages for _, pages in found)]),
    )


def _compared(runs: Sequence[Run], asked: Ids, candidates: _Candidates) -> Found:
    """Those of a few candidates that are there."""
    is_next = np.ones(len(candidates.pages), np.bool_)  # neighbours are often on one page, above all repeats
    is_next[1:] = np.diff(candidates.runs).astype(np.bool_) | np.diff(candidates.pages).astype(np.bool_)
    page_of = np.cumsum(is_next) - 1
    wanted = zip(candidates.runs[is_next].tolist(), candidates.pages[is_next].tolist())
    pages = np.frombuffer(b"".join([runs[run].page_bytes(page, page + 1) for run, page in wanted]), PAGE)
    same = pages["high"][page_of] == asked.high[candidates.places, None]
    same &= pages["low"][page_of] == asked.low[candidates.places, None]
    same &= np.arange(PAGE_IDS) < _n_used(runs, candidates)[:, None]
    rows, at = np.nonzero(same)
    page, run = page_of[rows], candidates.runs[rows]
    bases_us = np.array([run.base_us for run in runs], np.int64)[run]
    times_us = received_us(pages["after_us"][page, at], pages["after_us_above"][page, at], bases_us)
    return Found(candidates.places[rows], run, times_us)


def _n_used(runs: Sequence[Run], candidates: _Candidates) -> Int64s:
    """How many ids there are on each candidate's page, if it is its run's last."""
    n_ids = np.array([run.n_ids for run in runs], np.int64)
    return n_ids[candidates.runs] - PAGE_IDS * candidates.pages
