"""Formats of requests."""
