"""Trouble staged on a lake, at every point where it writes."""
