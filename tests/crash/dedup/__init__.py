"""Trouble staged on the ids that were seen, at every point where they are written."""
