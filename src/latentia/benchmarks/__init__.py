"""Benchmarks that compare models on the same data, in the same units, by the same code."""
