"""Probabilistic PCA (Tipping & Bishop 1999), around scikit-learn's."""
