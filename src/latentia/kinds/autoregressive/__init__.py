"""Exact densities as products of conditionals: PixelCNN, PixelRNN and their relatives."""
