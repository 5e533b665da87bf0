"""Gaussian mixtures against scikit-learn, SciPy and closed forms."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference

from latentia.errors import ConfigError, TrainingError
from latentia.kinds.mixture.estimator import GaussianMixture
from latentia.mixture import GaussianComponents, Rows, e_step, gaussian, initialize, run_em, summarize
from latentia.mixture.components import Components
from latentia.mixture.feature_pairs import FeaturePairs
from latentia.mixture.responsibilities import Thin

TYPES = ("full", "tied", "diag", "spherical")


def blobs(n=1500, d=5, k=4, seed=0, offset=20.0, gap=2.0):
    random = np.random.default_rng(seed)
    means = random.normal(size=(k, d)) * gap + offset
    mixing = random.normal(size=(d, d))
    return means[random.integers(k, size=n)] + random.normal(size=(n, d)) @ mixing


def quietly(estimator, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*args, **kwargs)


@pytest.mark.parametrize("by_component", [False, True])
@pytest.mark.parametrize("kind", TYPES)
def test_equals_scikit_learn_from_the_same_start(kind, by_component, monkeypatch):
    if by_component:  # the form of a pass for narrow components far from the centre gives the same numbers
        monkeypatch.setattr(gaussian, "_ROUNDING", {torch.float64: -1.0})
    x = blobs()
    options = {"covariance_type": kind, "max_iter": 25, "tol": 0.0, "random_state": 3}
    theirs, ours = quietly(Reference(4, **options), x), quietly(GaussianMixture(4, **options), x)
    assert ours.n_iter_ == theirs.n_iter_ == 25
    for name in (
        "weights_",
        "means_",
        "covariances_",
        "precisions_cholesky_",
        "precisions_",
        "lower_bounds_",
    ):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-10, err_msg=name
        )
    np.testing.assert_allclose(ours.score_samples(x), theirs.score_samples(x), rtol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-9)
    assert ours.bic(x) == pytest.approx(theirs.bic(x), rel=1e-9)
    assert ours.aic(x) == pytest.approx(theirs.aic(x), rel=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_given_parameters_are_the_start(kind):
    x = blobs(d=3, k=2)
    random = np.random.default_rng(1)
    precision = {
        "full": np.stack([np.eye(3) * 0.3] * 2),
        "tied": np.eye(3) * 0.3,
        "diag": np.full((2, 3), 0.3),
    }
    given = {
        "weights_init": [0.3, 0.7],
        "means_init": x[random.choice(len(x), 2)],
        "precisions_init": precision.get(kind, np.full(2, 0.3)),
        "covariance_type": kind,
        "max_iter": 3,
        "tol": 0.0,
    }
    theirs, ours = quietly(Reference(2, **given), x), quietly(GaussianMixture(2, **given), x)
    np.testing.assert_allclose(ours.lower_bounds_, theirs.lower_bounds_, rtol=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_float32_far_from_the_origin(kind):
    # Mean 1e4, scale 1: E[x^2] - mean^2 has no digit left in float32.
    random = np.random.default_rng(0)
    x = (random.normal(size=(4000, 3)) + 1e4 + 6.0 * random.integers(2, size=(4000, 1))).astype(np.float32)
    single = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x)
    double = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x.astype(np.float64))
    assert single.score(x) == pytest.approx(double.score(x.astype(np.float64)), rel=1e-5)
    np.testing.assert_allclose(single.covariances_, double.covariances_, rtol=1e-2, atol=2e-2)


def test_float32_narrow_components_far_from_each_other():
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, 2)) * 0.01 + 1e3 * random.integers(2, size=(2000, 1))
    mixture = GaussianMixture(2, covariance_type="diag", reg_covar=0.0, random_state=0).fit(
        x.astype(np.float32)
    )
    np.testing.assert_allclose(np.sqrt(mixture.covariances_), 0.01, rtol=0.1)


def test_statistics_are_additive_over_chunks(monkeypatch):
    x = blobs(n=700)
    components = GaussianComponents(4, 5)
    rows = Rows(x)
    components.prepare(rows, summarize(rows))
    initialize(components, rows, "kmeans", np.random.RandomState(0))
    whole = e_step(components, rows)
    monkeypatch.setattr(Components, "chunk_rows", 64)
    parts = e_step(components, rows)
    torch.testing.assert_close(parts.statistics, whole.statistics, rtol=1e-12, atol=1e-9)
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-13)


@pytest.mark.parametrize("form", ["dense", "thin", "by mean", "thin by mean"])
@pytest.mark.parametrize("kind", TYPES)
def test_a_pass_equals_plain_sums(kind, form, monkeypatch):
    """Statistics and log-likelihood of several chunks and blocks against loops in NumPy and SciPy's densities."""
    if "mean" in form:
        monkeypatch.setattr(gaussian, "_ROUNDING", {torch.float64: -1.0})
    random = np.random.default_rng(0)
    k, d = 12, 5
    means = random.normal(size=(k, d)) * (9.0 if "thin" in form else 0.7) + 3.0
    x = means[random.integers(k, size=9001)] + random.normal(size=(9001, d))
    weights = random.uniform(0.5, 2.0, size=len(x))
    rows = Rows(x, weights=weights)
    components = GaussianComponents(k, d, covariance_type=kind)
    components.prepare(rows, summarize(rows))
    root = random.normal(size=(k, d, d)) * 0.3 + np.eye(d)
    full = root @ root.transpose(0, 2, 1)
    variances = np.einsum("kii->ki", full)
    covariances = {"full": full, "tied": full[0], "diag": variances}.get(kind, variances[:, 0])
    share = random.dirichlet(np.ones(k))
    components.set_parameters(*(torch.from_numpy(np.array(v)) for v in (share, means, covariances)))
    matrices = {"full": full, "tied": full[[0] * k], "diag": np.stack([np.diag(v) for v in variances])}.get(
        kind, variances[:, :1, None] * np.eye(d)
    )
    joint = np.stack([multivariate_normal(m, c).logpdf(x) for m, c in zip(means, matrices, strict=True)], 1)
    joint += np.log(share)
    evidence = np.logaddexp.reduce(joint, 1)
    r = np.exp(joint - evidence[:, None]) * weights[:, None]
    seen = []
    whole = components.statistics
    monkeypatch.setattr(components, "statistics", lambda phi, r: seen.append(type(r)) or whole(phi, r))

    step = e_step(components, rows)

    assert set(seen) == {Thin if "thin" in form else torch.Tensor}
    assert step.log_likelihood == pytest.approx(weights @ evidence, rel=1e-11)
    statistics = components.centred(step.statistics).numpy()
    u = x - components.centre.numpy()
    np.testing.assert_allclose(statistics[:, 0], r.sum(0), rtol=1e-11)
    np.testing.assert_allclose(statistics[:, 1 : d + 1], r.T @ u, rtol=1e-9, atol=1e-7)
    second = np.einsum("nk,ni,nj->kij", r, u, u)
    if kind in ("diag", "spherical"):
        second = np.einsum("kii->ki", second)
        second = second.sum(1, keepdims=True) if kind == "spherical" else second
    else:
        second = second[:, components.covariance.pairs.i, components.covariance.pairs.j]
    found = statistics[:, d + 1 :]
    if kind == "tied":
        second, found = second.sum(0), found.sum(0)
    np.testing.assert_allclose(found, second, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3, 6, 7])
def test_feature_pairs(d):
    random = np.random.default_rng(0)
    pairs = FeaturePairs(d)
    held = {frozenset(pair) for pair in zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)}
    assert held == {frozenset((i, j)) for i in range(d) for j in range(d)}
    u = torch.from_numpy(random.normal(size=(11, d)))
    filled = pairs.room(torch.empty(pairs.n_scratch, 11, dtype=torch.float64)).fill(u)
    torch.testing.assert_close(filled, torch.cat([u.T, u.T[pairs.i] * u.T[pairs.j]]), rtol=0, atol=0)
    matrix = torch.from_numpy(random.normal(size=(3, d, d)))
    matrix = matrix + matrix.mT
    torch.testing.assert_close(pairs.symmetric(pairs.of(matrix)), matrix, rtol=0, atol=0)
    form = (pairs.of(matrix) * pairs.weights()) @ pairs.of(u[:, :, None] * u[:, None, :]).T
    torch.testing.assert_close(form, -0.5 * torch.einsum("kij,bi,bj->kb", matrix, u, u))


def test_batches_go_on_only_from_statistics_that_say_what_they_are():
    x = blobs(n=400, d=4, k=2)
    mixture = GaussianMixture(2, random_state=0).fit(x)
    state = mixture.state()
    again = GaussianMixture(2, random_state=0).from_state(state)
    np.testing.assert_array_equal(again.partial_fit(x).means_, mixture.partial_fit(x).means_)
    del state["stepwise.pairs"]  # as a version that laid them out otherwise
    with pytest.raises(ConfigError, match="fit it again"):
        GaussianMixture(2, random_state=0).from_state(state).partial_fit(x)


def test_log_density_equals_scipy():
    x = blobs(n=50, d=3, k=2)
    mixture = GaussianMixture(2, random_state=0).fit(x)
    expected = sum(
        w * multivariate_normal(m, c).pdf(x)
        for w, m, c in zip(mixture.weights_, mixture.means_, mixture.covariances_, strict=True)
    )
    np.testing.assert_allclose(mixture.score_samples(x), np.log(expected), rtol=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_integer_weights_equal_repeated_rows(kind):
    x = blobs(n=300, k=2)
    weights = np.random.default_rng(0).integers(0, 4, size=300)
    given = {
        "means_init": x[:2],
        "weights_init": [0.5, 0.5],
        "covariance_type": kind,
        "init_params": "random_from_data",
    }
    given["precisions_init"] = {
        "full": np.stack([np.eye(5)] * 2),
        "tied": np.eye(5),
        "diag": np.ones((2, 5)),
    }.get(kind, np.ones(2))
    weighted = quietly(GaussianMixture(2, max_iter=10, tol=0.0, **given), x, sample_weight=weights)
    repeated = quietly(GaussianMixture(2, max_iter=10, tol=0.0, **given), x.repeat(weights, axis=0))
    np.testing.assert_allclose(weighted.covariances_, repeated.covariances_, rtol=1e-9)
    np.testing.assert_allclose(weighted.lower_bounds_, repeated.lower_bounds_, rtol=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_likelihood_never_falls(kind):
    for seed in range(5):
        mixture = quietly(
            GaussianMixture(
                6, covariance_type=kind, tol=0.0, max_iter=60, init_params="random", random_state=seed
            ),
            blobs(n=400, seed=seed),
        )
        assert np.diff(mixture.lower_bounds_).min() > -1e-9


def test_a_wrong_m_step_is_an_error():
    class Wrong(GaussianComponents):
        def update_components(self, statistics):
            super().update_components(statistics)
            self.parameters["means"] = self.parameters["means"] + 0.5

    x = blobs()
    components, rows = Wrong(2, 5), Rows(x)
    components.prepare(rows, summarize(rows))
    initialize(components, rows, "kmeans", np.random.RandomState(0))
    with pytest.raises(TrainingError, match="M-step lowered"):
        run_em(components, rows, max_iter=30, tol=0.0)


def test_both_criteria_stop_and_are_named():
    x = blobs()
    by_likelihood = GaussianMixture(3, random_state=0).fit(x)
    by_q = GaussianMixture(3, criterion="q", tol=1e-4, random_state=0).fit(x)
    assert by_likelihood.result_.criterion.startswith("mean log-likelihood")
    assert by_q.result_.criterion.startswith("Q")
    q = by_q.result_.expected
    assert by_q.converged_
    assert abs(q[-1] - q[-2]) < 1e-4 * abs(q[-2])
    assert abs(q[-2] - q[-3]) >= 1e-4 * abs(q[-3])


def test_restarts_keep_the_best_and_seeds_are_exact():
    x = blobs(k=6, n=600)
    one = [
        quietly(GaussianMixture(6, random_state=s, init_params="random_from_data"), x).lower_bound_
        for s in range(3)
    ]
    many = quietly(GaussianMixture(6, n_init=5, random_state=0, init_params="random_from_data"), x)
    assert many.lower_bound_ >= one[0]
    again = quietly(GaussianMixture(6, n_init=5, random_state=0, init_params="random_from_data"), x)
    np.testing.assert_array_equal(many.means_, again.means_)


def test_warm_start_goes_on():
    x = blobs()
    whole = quietly(GaussianMixture(4, max_iter=8, tol=0.0, random_state=0), x)
    halves = GaussianMixture(4, max_iter=4, tol=0.0, random_state=0, warm_start=True)
    quietly(quietly(halves, x), x)
    np.testing.assert_allclose(halves.means_, whole.means_, rtol=1e-10)


def test_empty_component_is_rescued():
    x = np.concatenate([blobs(n=300, k=1, offset=0.0), np.full((1, 5), 60.0) + np.arange(5)])
    far = np.stack([x[:300].mean(0), np.full(5, -1e4)])
    given = {
        "means_init": far,
        "weights_init": [0.5, 0.5],
        "precisions_init": np.ones((2, 5)),
        "covariance_type": "diag",
    }
    mixture = quietly(GaussianMixture(2, reg_covar=1e-3, **given), x)
    assert mixture.result_.rescued[0] == (1, 1)
    assert mixture.weights_.min() * len(x) > 0.5


def test_stepwise_em_approaches_the_full_fit():
    x = blobs(n=6000, gap=4.0)
    full = GaussianMixture(4, random_state=0).fit(x)
    stepwise = GaussianMixture(4, random_state=0)
    for batch in np.array_split(np.random.default_rng(0).permutation(x), 30):
        stepwise.partial_fit(batch)
    assert stepwise.score(x) > full.score(x) - 0.05
    assert stepwise.n_iter_ == 30


def test_sample_has_the_fitted_moments():
    x = blobs(k=2)
    for kind in TYPES:
        mixture = GaussianMixture(2, covariance_type=kind, random_state=0).fit(x)
        drawn, labels = mixture.sample(40_000)
        for k in range(2):
            np.testing.assert_allclose(drawn[labels == k].mean(0), mixture.means_[k], atol=0.15)
        expected = {"full": lambda c: np.diag(c[0]), "tied": np.diag, "diag": lambda c: c[0]}.get(
            kind, lambda c: np.full(5, c[0])
        )(mixture.covariances_)
        np.testing.assert_allclose(drawn[labels == 0].var(0), expected, rtol=0.05)


def test_state_rebuilds_the_estimator():
    x = blobs(d=3)
    mixture = GaussianMixture(3, covariance_type="tied", random_state=0).fit(x)
    again = GaussianMixture(**mixture.get_params()).from_state(mixture.state())
    np.testing.assert_array_equal(again.predict_proba(x), mixture.predict_proba(x))
    assert again.result_ == mixture.result_


def test_given_parameters_are_checked():
    x = blobs(d=3)
    for bad, message in (
        ({"means_init": np.zeros((2, 2))}, "means_init has shape"),
        ({"weights_init": [0.9, 0.9]}, "sum to 1"),
        ({"precisions_init": -np.stack([np.eye(3)] * 2)}, "positive definite"),
        ({"covariance_type": "fulll"}, "covariance_type='fulll'"),
        ({"criterion": "loglik"}, "criterion='loglik'"),
        ({"init_params": "kmean"}, "did you mean 'kmeans'"),
        ({"reg_covar": -1.0}, "reg_covar"),
    ):
        with pytest.raises(ConfigError, match=message):
            GaussianMixture(2, **bad).fit(x)


def test_singular_covariance_is_named():
    x = np.random.default_rng(0).normal(size=(40, 2))
    x = np.column_stack([x, x[:, 0]])
    with pytest.raises(TrainingError, match="component 0 is singular"):
        GaussianMixture(1, reg_covar=0.0).fit(x)
    findings = GaussianMixture(1, reg_covar=1e-9).fit(x).verdict(x)
    assert [f.kind for f in findings] == ["singular"]


def test_verdict_names_duplicates():
    x = np.random.default_rng(0).normal(size=(500, 2))
    mixture = GaussianMixture(
        2, means_init=np.zeros((2, 2)), weights_init=[0.5, 0.5], init_params="random"
    ).fit(x)
    assert "duplicate" in {f.kind for f in mixture.verdict(x)}
    far = np.concatenate([x, x + 30])
    assert GaussianMixture(2, random_state=0).fit(far).verdict(far) == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_rows(tmp_path):
    # A fit on 16x the rows of a memory map may not need more private memory.
    peaks = []
    for n in (100_000, 1_600_000):
        path = tmp_path / f"{n}.npy"
        table = np.lib.format.open_memmap(path, "w+", np.float32, (n, 8))
        random = np.random.default_rng(0)
        for i in range(0, n, 100_000):
            table[i : i + 100_000] = random.normal(size=(100_000, 8)) + 5 * random.integers(
                2, size=(100_000, 1)
            )
        table.flush()
        del table
        code = (
            "import numpy as np, threading, time, warnings; warnings.simplefilter('ignore')\n"
            "from latentia.kinds.mixture.estimator import GaussianMixture\n"
            "peak = [0]\n"
            "def anonymous():\n"
            "    return int(next(l for l in open('/proc/self/status') if l.startswith('RssAnon')).split()[1])\n"
            "def watch():\n"
            "    while True:\n"
            "        peak[0] = max(peak[0], anonymous()); time.sleep(0.01)\n"
            f"x = np.load({str(path)!r}, mmap_mode='r')\n"
            "GaussianMixture(2, covariance_type='diag', max_iter=1, init_params='random_from_data').fit(x[:50000])\n"
            "start = anonymous(); threading.Thread(target=watch, daemon=True).start()\n"
            "GaussianMixture(2, covariance_type='diag', max_iter=2, init_params='random_from_data', random_state=0).fit(x)\n"
            "print(peak[0] - start)"
        )
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        peaks.append(int(out.stdout) / 1024)
    assert peaks[1] < peaks[0] + 60  # MiB; the data are 3 and 49 MiB


@pytest.mark.parametrize(
    ("gap", "narrow"), [(8.0, 1.0), (1.5, 0.05), (0.3, 1.0)], ids=["near", "rough", "crowded"]
)
def test_screened_pass_equals_the_dense_one(gap, narrow, monkeypatch):
    # "near": distance alone tells; "rough": one narrow direction hides it; "crowded": most pairs matter.
    random = np.random.default_rng(0)
    d, k = 36, 8
    means = random.normal(size=(k, d)) * gap
    scale = np.where(np.arange(d) < d // 2, narrow, 1.0)
    x = (means[random.integers(k, size=9000)] + random.normal(size=(9000, d))) * scale
    rows = Rows(x)
    components = GaussianComponents(k, d)
    components.prepare(rows, summarize(rows))
    eye = torch.diag(torch.from_numpy(scale**2))
    start = torch.full((k,), 1 / k, dtype=torch.float64), torch.from_numpy(means * scale), eye.repeat(k, 1, 1)
    components.set_parameters(*start)
    screened = e_step(components, rows)
    assert components.passing.crowded == (gap == 0.3)
    monkeypatch.setattr(gaussian.Screen, "worthwhile", staticmethod(lambda *_: False))
    monkeypatch.setattr(components, "thin_share", 0.0)
    dense = e_step(components, rows)
    assert screened.log_likelihood == pytest.approx(dense.log_likelihood, rel=1e-13)
    torch.testing.assert_close(screened.statistics, dense.statistics, rtol=1e-10, atol=1e-8)
