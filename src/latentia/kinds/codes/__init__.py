"""Models whose codes are whole numbers: VQ-VAEs and their relatives."""
