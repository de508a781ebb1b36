"""The lake, module by module."""
