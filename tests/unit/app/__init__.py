"""Settings, output and wiring of the command line, without starting it."""
