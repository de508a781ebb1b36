"""The analyses once more, slow and plain: what the kernels must agree with, to the last digit."""
