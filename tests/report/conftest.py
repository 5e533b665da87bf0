"""Reports on real data: scikit-learn's sets, with principal components as the model that stands in for a VAE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA

from latentia.report import Figure, ReportInput

Make = Callable[..., ReportInput]


def fitted(
    x: np.ndarray,
    latent_dim: int,
    *,
    shown: int,
    labels: np.ndarray | None = None,
    epochs: int = 40,
    **changes: object,
) -> ReportInput:
    """A report on rows `[n, *event]` with `latent_dim` principal components as codes."""
    flat = x.reshape(len(x), -1).astype(float)
    pca = PCA(latent_dim, random_state=0).fit(flat)
    codes = pca.transform(flat)
    rebuilt = pca.inverse_transform(codes).reshape(x.shape)
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(max(64, shown), latent_dim)) * np.sqrt(pca.explained_variance_)
    samples = pca.inverse_transform(drawn).reshape(-1, *x.shape[1:])
    squared = ((x - rebuilt) ** 2).reshape(len(x), -1).sum(axis=1)
    sigma2 = squared.mean() / flat.shape[1]
    scores = -0.5 * (squared / sigma2 + flat.shape[1] * np.log(2 * np.pi * sigma2))
    worst = np.argsort(scores)[:12]
    kl = 0.5 * np.log1p(pca.explained_variance_ / sigma2)
    time = np.arange(1, epochs + 1)
    bound = scores.mean() - kl.sum() - 60 * np.exp(-time / 6) + 0.4 * rng.normal(size=epochs)
    history = [
        {
            "epoch": int(t),
            "train_loss": float(-b - 3 + 0.2 * t / epochs),
            "validation_elbo": float(b),
            "validation_kl": float(kl.sum() * (1 - np.exp(-t / 4))),
            "validation_log_likelihood": float(b + kl.sum() * (1 - np.exp(-t / 4))),
            "learning_rate": float(2e-3 * np.sin(np.pi * (t - 0.5) / epochs)),
        }
        for t, b in zip(time, bound, strict=True)
    ]
    report = ReportInput(
        title="Ten principal components of handwritten digits",
        model="principal components",
        model_summary="A linear stand-in for a variational autoencoder: probabilistic principal components "
        "(Tipping and Bishop 1999).",
        data="digits",
        command=f"latentia fit digits --model sigma-vae --latent-dim {latent_dim} --epochs {epochs} --seed 0 --out runs/digits",
        created="2025-06-01T12:00:00",
        verdict="healthy",
        evidence=[
            f"The code carries {kl.sum():.1f} nats per item, spread over {latent_dim} of {latent_dim} dimensions.",
            f"The squared error is {squared.mean():.2f} per item; the variance of the residuals is {sigma2:.4f}.",
            f"`sigma2` is {sigma2 / flat.var(axis=0).mean():.1%} of the variance of the data.",
        ],
        remedies=[],
        figures=[
            Figure(
                "log_likelihood",
                float(scores.mean()),
                "nats",
                "test",
                "importance-weighted, 1,000 samples per item",
            ),
            Figure("elbo", float(scores.mean() - kl.sum()), "nats", "test"),
            Figure(
                "active_units",
                latent_dim,
                f"of {latent_dim}",
                "test",
                "variance of the posterior mean above 0.01",
            ),
            Figure("squared error per sample", float(squared.mean()), "", "test"),
            Figure("distortion", float(-scores.mean()), "nats", "test"),
            Figure("kl", float(kl.sum()), "nats", "test", "rate"),
            Figure("sigma2", float(sigma2), "", "train", "analytic optimum, shared by all pixels"),
            Figure("bits_per_dim", None, "bits", "test", "not defined: the data are not 256-level images"),
            Figure("seconds", 41.27, "s", "", "the fit alone, on 2 cores"),
        ],
        history=history,
        kl_per_dim=kl,
        active=kl > 0.01,
        originals=x[:shown],
        reconstructions=rebuilt[:shown],
        samples=samples,
        worst=(x[worst], rebuilt[worst], scores[worst]),
        codes=codes,
        labels=labels,
        choices=[
            ("likelihood", "Gaussian with optimal variance: the data are images with 17 levels in [0, 1]."),
            ("network", "Convolutional: the event is an image, `[1, 8, 8]`."),
            ("latent_dim", "10, asked for."),
        ],
        settings={
            "batch_size": 128,
            "max_epochs": epochs,
            "learning_rate": 0.002,
            "random_state": 0,
            "device": "cpu",
        },
        versions={"latentia": "0.1.0", "torch": "2.13.0", "Python": "3.11"},
        split="test",
    )
    return replace(report, **changes)


@pytest.fixture(scope="session")
def digits() -> Make:
    """Digits, 8x8, with `latent_dim` components."""
    images, labels = load_digits(return_X_y=True)
    x = images.reshape(-1, 1, 8, 8) / 16

    def make(latent_dim: int = 10, n: int = 600, **changes: object) -> ReportInput:
        return fitted(x[:n], latent_dim, shown=min(n, 32), **{"labels": labels[:n], **changes})

    return make


@pytest.fixture(scope="session")
def tables() -> dict[str, ReportInput]:
    """Tables by name: classes in words, a quantity as label, many features, counts."""
    wine, cancer, diabetes = load_wine(), load_breast_cancer(), load_diabetes()
    counts = np.rint(load_digits().data[:400, 2:40])
    none = {"choices": [], "title": "Principal components of a table"}
    return {
        "wine": fitted(
            standard(wine.data), 2, shown=178, labels=np.array(wine.target_names)[wine.target],
            feature_names=wine.feature_names, **none,
        ),
        "cancer": fitted(
            standard(cancer.data), 5, shown=300, labels=cancer.target, class_names=list(cancer.target_names),
            feature_names=list(cancer.feature_names), **none,
        ),
        "diabetes": fitted(
            diabetes.data, 1, shown=200, labels=diabetes.target + 0.5, feature_names=diabetes.feature_names, **none
        ),
        "counts": fitted(counts, 4, shown=400, **none),
    }  # fmt: skip


def standard(rows: np.ndarray) -> np.ndarray:
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)
