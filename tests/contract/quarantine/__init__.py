"""The suite of the port Quarantine."""
