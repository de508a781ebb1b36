"""Exact deduplication by event id over a horizon of received times, across batches, days and restarts."""

from xingji.govern.dedup.keys import keys_of, keys_of_column
from xingji.govern.dedup.seen import HORIZON_US, LATE_US, SeenIds

__all__ = ["HORIZON_US", "LATE_US", "SeenIds", "keys_of", "keys_of_column"]
