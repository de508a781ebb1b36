"""Kernels: values in, values out; no clock, no I/O, no randomness; compiled ahead of first use."""
