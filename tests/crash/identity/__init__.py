"""Trouble with whose an event is."""
