"""Exact deduplication, module by module."""
