"""Models whose codes are vectors: variational autoencoders and their relatives."""
