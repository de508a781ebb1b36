"""The benchmark, module by module."""
