"""The suite of the port EventLog."""
