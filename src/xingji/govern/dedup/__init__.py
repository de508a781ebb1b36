"""Exact deduplication by event id over a horizon of received times."""

from xingji.govern.dedup.seen import SeenIds

__all__ = ["SeenIds"]
