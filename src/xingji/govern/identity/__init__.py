"""Whose an event is: ids that come together belong to one person, by rules of a sentence each."""
