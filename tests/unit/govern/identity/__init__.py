"""Whose an event is."""
