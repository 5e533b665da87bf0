"""How it is fitted, and its runs."""

import numpy as np

from latentia.diagnostics import Finding, Remedy, ordered
from latentia.kinds.kind import make
from latentia.kinds.run import Measured, Run
from toypca.estimator import ToyPCA
from toypca.words import FEW, WORDS


class Recipe:
    """Fit to the training rows."""

    holds_out = False

    def __init__(self, params):
        self.estimator = make(ToyPCA, params)
        self.asked = {}

    def fit(self, dataset, out, resume, say):
        say("finding directions")
        return self.estimator.fit(dataset.train.x), {}


def recipe(params):
    return Recipe(params)


class ToyRun(Run):
    """A fitted toy."""

    def measure(self, split, effort):
        scores = self.log_density(self.split(split).x)
        kept = float(self.estimator.pca_.explained_variance_ratio_.sum())
        d = self.estimator.pca_.n_components_ + 1
        remedy = Remedy(f"more directions: `--set n_directions={d}`", settings={"n_directions": int(d)})
        found = Finding(FEW if kept < 0.5 else "", f"{kept:.0%} of the variance is kept.", (remedy,))
        return Measured(
            split, {"n": len(scores), "log_likelihood": scores.mean()}, ordered([found], WORDS.order)
        )

    def drawn(self, n, *, seed, mean=True, label=None):
        return self.estimator.sample(n, seed)

    def log_density(self, items):
        return np.asarray(self.estimator.score_samples(items))

    def vectors(self, items):
        return self.estimator.transform(items)


RUN = ToyRun
