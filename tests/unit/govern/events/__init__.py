"""Events as they come in."""
