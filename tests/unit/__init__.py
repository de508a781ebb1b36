"""One module or one function at a time."""
