"""Ids that were seen."""
