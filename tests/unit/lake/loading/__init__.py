"""Tests of the way from the log to the lake."""
