"""From requests in the log to events: decoded, checked, their times corrected; or quarantined, with why."""
