"""Tests of the stage between what was sent and what is stored."""
