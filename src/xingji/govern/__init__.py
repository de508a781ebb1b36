"""From what was sent to what is stored: decoding, validating, and refusing events with the reason."""
