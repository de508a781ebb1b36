"""The analyses: what a query means, worked out by kernels over the buckets of a snapshot."""
