"""Synthetic classification data with a hidden cluster: every parameter known, difficulty as a knob.

In each set Z is a component, X|Z=k ~ N(mu_k, I), and P(Y=1|X, Z=k) = sigmoid(w_k'x + b_k): the model of the
Gaussian-mixture linear classifier (Xu, Jordan & Hinton 1995), so that the truth p(y|x) and with it the best possible
accuracy are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentia.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ExpertsTruth:
    """Parameters of a mixture of Gaussians with a logistic expert in each.

    Attributes:
        weights: P(Z=k), `[K]`.
        means: mu_k, `[K, d]`; the covariance of each component is the identity.
        slopes: w_k, `[K, d]`.
        intercepts: b_k, `[K]`.
    """

    weights: np.ndarray
    means: np.ndarray
    slopes: np.ndarray
    intercepts: np.ndarray

    def sample(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw rows `[n, d]`, classes 0/1 `[n]` and components `[n]`."""
        import numpy as np

        random = np.random.default_rng(seed)
        z = random.choice(len(self.weights), size=n, p=self.weights)
        x = self.means[z] + random.normal(size=(n, self.means.shape[1]))
        p = _sigmoid((x * self.slopes[z]).sum(1) + self.intercepts[z])
        return x, (random.uniform(size=n) < p).astype(np.int64), z

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The true P(Y=1|X=x) `[n]`: experts weighted by P(Z=k|x)."""
        import numpy as np

        log_joint = np.log(self.weights) - 0.5 * ((x[:, None, :] - self.means) ** 2).sum(-1)
        share = np.exp(log_joint - log_joint.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        return np.asarray((share * _sigmoid(x @ self.slopes.T + self.intercepts)).sum(1))

    def best_accuracy(self, n: int = 100_000, seed: int = 1) -> float:
        """Accuracy of the best possible classifier, by Monte Carlo over `n` rows."""
        import numpy as np

        p = self.probability(self.sample(n, seed)[0])
        return float(np.maximum(p, 1 - p).mean())


def xor(distance: float = 3.0, sharpness: float = 4.0, n_features: int = 2) -> ExpertsTruth:
    """Four Gaussians at (+-distance, +-distance); the rule on the first axis flips sign from one to the next.

    Args:
        distance: of each mean from both axes, in standard deviations: the smaller, the harder.
        sharpness: slope of each rule: the larger, the less noise in y.
        n_features: d >= 2; features beyond the second are noise.

    Example:
        >>> x, y, z = xor().sample(100)
        >>> x.shape
        (100, 2)
    """
    import numpy as np

    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    means = _padded([(distance * a, distance * b) for a, b in corners], n_features)
    slopes = _padded([(sharpness * (-1) ** k, 0.0) for k in range(4)], n_features)
    return ExpertsTruth(np.full(4, 0.25), means, slopes, -(slopes * means).sum(1))


def ring(
    radius: float = 4.0,
    n_experts: int = 3,
    sharpness: float = 4.0,
    n_features: int = 2,
    rotation: float = 0.0,
) -> ExpertsTruth:
    """Gaussians on a circle, each cut through its mean along the radius (the slope is tangential).

    Args:
        radius: of the circle, in standard deviations: the smaller, the more the Gaussians overlap.
        n_experts: K.
        sharpness: slope of each rule.
        n_features: d >= 2; features beyond the second are noise.
        rotation: of the circle, in radians.

    Example:
        >>> round(ring(4.0).best_accuracy(), 2)
        0.87
    """
    import numpy as np

    if n_experts < 1:
        raise ConfigError(f"n_experts={n_experts}: at least 1 was expected")
    angle = rotation + 2 * np.pi * np.arange(n_experts) / n_experts
    means = _padded(radius * np.stack([np.cos(angle), np.sin(angle)], 1), n_features)
    slopes = _padded(sharpness * np.stack([-np.sin(angle), np.cos(angle)], 1), n_features)
    return ExpertsTruth(np.full(n_experts, 1 / n_experts), means, slopes, -(slopes * means).sum(1))


def sliding(
    slide: float = 1.0, n_experts: int = 4, spacing: float = 4.0, sharpness: float = 4.0, n_features: int = 2
) -> ExpertsTruth:
    """Gaussians in a row along the first axis, whose boundary on the second slides from one to the next.

    Args:
        slide: how far the boundary moves between neighbours, up and down in turn; 0 makes all rules one (the hidden
            component is then of no use: a negative control).
        n_experts: K.
        spacing: between neighbouring means, in standard deviations.
        sharpness: slope of each rule.
        n_features: d >= 2; features beyond the second are noise.

    Example:
        >>> sliding(slide=0.0).intercepts.tolist()
        [-0.0, 0.0, -0.0, 0.0]
    """
    import numpy as np

    if n_experts < 1:
        raise ConfigError(f"n_experts={n_experts}: at least 1 was expected")
    place = np.arange(n_experts) - (n_experts - 1) / 2
    means = _padded(np.stack([spacing * place, np.zeros(n_experts)], 1), n_features)
    slopes = _padded(np.tile([0.0, sharpness], (n_experts, 1)), n_features)
    offset = slide * (-1.0) ** np.arange(n_experts)
    return ExpertsTruth(np.full(n_experts, 1 / n_experts), means, slopes, -sharpness * offset)


def _padded(two: object, n_features: int) -> np.ndarray:
    """Columns of zeros behind the first two."""
    import numpy as np

    if n_features < 2:
        raise ConfigError(f"n_features={n_features}: at least 2 were expected")
    table = np.asarray(two, dtype=np.float64)
    return np.concatenate([table, np.zeros((len(table), n_features - 2))], 1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
