"""From the log to the lake: entries are taken in lot by lot, and each of their events has one fate."""
