"""The field's benchmarks: one file each, and what they share."""
