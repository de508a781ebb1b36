"""The suite of the port Ledger."""
