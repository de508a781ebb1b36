"""From what was sent to what is stored: decoding, validating and refusing events, each refusal with its reason."""
