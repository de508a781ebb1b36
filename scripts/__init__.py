"""What the Makefile runs: steps of the build and the rules it checks."""
