"""Mixtures that are fitted by Expectation-Maximization."""
