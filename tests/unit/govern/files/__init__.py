"""Tests of reading files as event logs."""
