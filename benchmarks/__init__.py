"""The engine beside its peers: the same events and questions, in one run, on two cores."""
