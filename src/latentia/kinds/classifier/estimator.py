"""Classifiers as scikit-learn estimators."""

from __future__ import annotations

from latentia.kinds.mixture.classifier import GaussianMixtureClassifier

__all__ = ["GaussianMixtureClassifier"]
