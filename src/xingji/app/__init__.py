"""Settings, wiring and the command line: who reads the clock, the environment, and chooses adapters."""
