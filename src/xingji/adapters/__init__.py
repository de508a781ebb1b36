"""One folder for each implementation of a port; only the composing layer chooses among them."""
