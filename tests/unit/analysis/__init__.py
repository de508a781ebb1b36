"""What analyses are made of; what they answer is held by the conformance tests."""
