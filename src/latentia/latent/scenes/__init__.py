"""What stands at p(z), q(z|x) and p(x|z) of models of scenes: counts, mixtures of pixels, paths of objects."""
