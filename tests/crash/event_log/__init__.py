"""kill -9 of a process that writes the event log."""
