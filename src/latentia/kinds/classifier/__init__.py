"""Classifiers with a hidden cluster: the Gaussian-mixture linear classifier."""
