"""The Gaussian-mixture linear classifier against common classifiers, on synthetic and real data.

    python benchmarks/mixture_classifier.py [--repeats 5]

Repeated stratified splits; mean and standard deviation over splits of accuracy, log-loss (nats), expected calibration
error (ten bins) and the time to fit (seconds). K of the mixtures is chosen by BIC on the training part. Printed and
kept under benchmarks/results/mixture_classifier.txt.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_wine, make_moons
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from latentia.data.synthetic import ring, sliding, xor
from latentia.kinds.mixture.estimator import GaussianMixture, GaussianMixtureClassifier
from latentia.mixture import SOLVERS

RESULTS = Path(__file__).parent / "results" / "mixture_classifier.txt"


class ChosenClassifier(ClassifierMixin, BaseEstimator):
    """The classifier with K in 1..5 and spherical or diagonal covariance chosen by BIC."""

    def fit(self, X, y):
        tried = [
            GaussianMixtureClassifier(
                k, covariance_type=kind, n_init=2, tol=1e-4, random_state=0, reg_covar=1e-3
            ).fit(X, y)
            for kind in ("spherical", "diag")
            for k in range(1, 6)
        ]
        self.best_ = min(tried, key=lambda m: m.bic(X, y))
        self.classes_ = self.best_.classes_
        return self

    def predict(self, X):
        return self.best_.predict(X)

    def predict_proba(self, X):
        return self.best_.predict_proba(X)


class TwoStage(ClassifierMixin, BaseEstimator):
    """A Gaussian mixture first, then a logistic regression on responsibilities times (1, x)."""

    def fit(self, X, y):
        tried = [
            GaussianMixture(k, covariance_type="spherical", n_init=3, random_state=0).fit(X)
            for k in range(1, 7)
        ]
        self.mixture_ = min(tried, key=lambda m: m.bic(X))
        self.logistic_ = LogisticRegression(max_iter=2000).fit(self._features(X), y)
        self.classes_ = self.logistic_.classes_
        return self

    def _features(self, X):
        r = self.mixture_.predict_proba(X)
        return (r[:, :, None] * np.column_stack([np.ones(len(X)), X])[:, None, :]).reshape(len(X), -1)

    def predict(self, X):
        return self.logistic_.predict(self._features(X))

    def predict_proba(self, X):
        return self.logistic_.predict_proba(self._features(X))


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


MODELS = {
    "mixture classifier": lambda: scaled(ChosenClassifier()),
    "logistic regression": lambda: scaled(LogisticRegression(max_iter=2000)),
    "QDA": lambda: scaled(QuadraticDiscriminantAnalysis(reg_param=1e-3)),
    "GMM then logistic": lambda: scaled(TwoStage()),
    "random forest": lambda: RandomForestClassifier(200, random_state=0),
    "RBF-SVM": lambda: scaled(SVC(probability=False)),
    "gradient boosting": lambda: HistGradientBoostingClassifier(random_state=0),
}


def data_sets():
    for name, truth in (
        ("xor", xor()),
        ("ring 4", ring(4.0)),
        ("ring 2", ring(2.0)),
        ("ring 4, d=10", ring(4.0, n_features=10)),
        ("sliding", sliding()),
        ("no structure", sliding(slide=0.0)),
    ):
        x, y, _ = truth.sample(4000, seed=0)
        yield f"{name} (best {truth.best_accuracy():.3f})", x, y
    yield "two moons", *make_moons(1000, noise=0.2, random_state=0)
    yield "breast cancer", *load_breast_cancer(return_X_y=True)
    yield "wine", *load_wine(return_X_y=True)


def calibration_error(p, y, classes):
    """Expected gap between confidence and accuracy over ten bins."""
    confidence, right = p.max(1), classes[p.argmax(1)] == y
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)
    ]
    return float(np.sum(gaps))


def evaluate(make, x, y, repeats):
    rows = []
    for train, test in StratifiedShuffleSplit(repeats, test_size=0.5, random_state=0).split(x, y):
        model = make()
        start = time.perf_counter()
        model.fit(x[train], y[train])
        seconds = time.perf_counter() - start
        accuracy = model.score(x[test], y[test])
        if hasattr(model, "predict_proba"):
            p = model.predict_proba(x[test])
            rows.append(
                (accuracy, log_loss(y[test], p), calibration_error(p, y[test], model.classes_), seconds)
            )
        else:
            rows.append((accuracy, np.nan, np.nan, seconds))
    return np.mean(rows, 0), np.std(rows, 0)


def solvers():
    """Q and time of the five solvers on one problem."""
    x, y, _ = xor(2.5).sample(1000, seed=0)
    yield f"{'solver':20} {'Q (nats a row)':>15} {'iterations':>10} {'seconds':>8}   (xor 2.5, n=1000, K=4)"
    for solver in SOLVERS:
        start = time.perf_counter()
        model = GaussianMixtureClassifier(4, solver=solver, tol=1e-7, n_init=1, random_state=0).fit(x, y)
        yield f"{solver:20} {model.result_.expected[-1]:15.6f} {model.n_iter_:10d} {time.perf_counter() - start:8.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")

    for name, x, y in data_sets():
        say(f"{name}: n={len(x)}, d={x.shape[1]}, half for training, {arguments.repeats} splits")
        say(f"  {'':20} {'accuracy':>15} {'log-loss':>15} {'calibration':>15} {'seconds':>8}")
        for label, make in MODELS.items():
            mean, spread = evaluate(make, x, y, arguments.repeats)
            cells = [
                f"{m:7.3f} +- {s:.3f}" if np.isfinite(m) else f"{'-':>15}"
                for m, s in zip(mean[:3], spread[:3], strict=True)
            ]
            say(f"  {label:20} {' '.join(f'{c:>15}' for c in cells)} {mean[3]:8.2f}")
    for line in solvers():
        say(line)


if __name__ == "__main__":
    main()
