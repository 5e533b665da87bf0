"""The Gaussian-mixture linear classifier against its special cases and known truths."""

import warnings

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

import latentia
from latentia.data.synthetic import ring, sliding, xor
from latentia.errors import ConfigError
from latentia.kinds.classifier.estimator import GaussianMixtureClassifier
from latentia.kinds.mixture.estimator import GaussianMixture
from latentia.mixture.solvers import SOLVERS, SoftmaxProblem, improve

TRAIN = xor().sample(2000, seed=0)
TEST = xor().sample(10_000, seed=1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_component_is_a_gaussian_and_a_logistic_regression(n_classes):
    x, y = load_iris(return_X_y=True)
    x, y = x[y < n_classes], y[y < n_classes]
    mixture = GaussianMixtureClassifier(1, covariance_type="full", l2=0.5, tol=1e-12, reg_covar=0.0).fit(x, y)
    logistic = LogisticRegression(C=2.0, tol=1e-10, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(mixture.predict_proba(x), logistic.predict_proba(x), atol=1e-5)
    np.testing.assert_allclose(mixture.coef_[0], logistic.coef_, atol=1e-4)
    np.testing.assert_allclose(mixture.means_[0], x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(mixture.covariances_[0], np.cov(x.T, bias=True), rtol=1e-10)


def test_labels_independent_of_x_leave_a_mixture_of_gaussians():
    x = TRAIN[0]
    y = np.tile([0, 1], len(x) // 2)  # as good as independent: no rule separates neighbours
    joint = GaussianMixtureClassifier(4, l2=1e4, n_init=1, tol=1e-9, random_state=0).fit(x, y)
    alone = GaussianMixture(4, covariance_type="spherical", tol=1e-9, max_iter=500, random_state=0).fit(x)
    np.testing.assert_allclose(joint.score_samples(x), alone.score_samples(x), atol=5e-3)
    np.testing.assert_allclose(joint.predict_proba(x), 0.5, atol=0.06)


def test_recovers_the_truth():
    truth = ring(6.0, n_experts=3, sharpness=2.0)
    x, y, _ = truth.sample(20_000, seed=0)
    mixture = GaussianMixtureClassifier(3, random_state=0).fit(x, y)
    distance = ((truth.means[:, None] - mixture.means_[None]) ** 2).sum(-1)
    order = linear_sum_assignment(distance)[1]
    np.testing.assert_allclose(mixture.means_[order], truth.means, atol=0.06)
    np.testing.assert_allclose(mixture.covariances_[order], 1.0, atol=0.05)
    np.testing.assert_allclose(mixture.coef_[order, 0], truth.slopes, atol=0.3)
    np.testing.assert_allclose(mixture.weights_[order], truth.weights, atol=0.02)
    np.testing.assert_allclose(mixture.predict_proba(x)[:, 1], truth.probability(x), atol=0.15)


def test_beats_logistic_regression_on_xor_and_matches_the_kernel_machine():
    ours = GaussianMixtureClassifier(4, random_state=0).fit(*TRAIN[:2]).score(*TEST[:2])
    assert ours > LogisticRegression().fit(*TRAIN[:2]).score(*TEST[:2]) + 0.20
    assert ours > SVC().fit(*TRAIN[:2]).score(*TEST[:2]) - 0.01
    assert ours > xor().best_accuracy() - 0.01


def test_is_no_worse_than_logistic_regression_without_structure():
    truth = sliding(slide=0.0)
    train, test = truth.sample(2000, seed=0), truth.sample(10_000, seed=1)
    ours = GaussianMixtureClassifier(4, random_state=0).fit(*train[:2]).score(*test[:2])
    assert ours > LogisticRegression().fit(*train[:2]).score(*test[:2]) - 0.01


@pytest.mark.parametrize("kind", ["spherical", "diag", "tied", "full"])
def test_joint_likelihood_never_falls(kind):
    for seed in range(3):
        x, y, _ = ring(2.0, n_experts=4, n_features=3).sample(300, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture = GaussianMixtureClassifier(
                4,
                covariance_type=kind,
                l2=1e-6,
                tol=0.0,
                n_init=1,
                max_iter=60,
                init_params="random",
                random_state=seed,
            ).fit(x, y)
        assert np.diff(mixture.lower_bounds_).min() > -1e-7


# evolution takes seconds, so it is among the slow tests
@pytest.mark.parametrize(
    "solver",
    [pytest.param(s, marks=pytest.mark.slow) if s == "cma-es" else s for s in SOLVERS if s != "newton"],
)
def test_solvers_reach_the_same_q(solver):
    x, y, _ = xor(2.5).sample(500, seed=0)
    options = {"tol": 1e-6, "n_init": 1, "random_state": 0}
    exact = GaussianMixtureClassifier(4, solver="newton", **options).fit(x, y)
    other = GaussianMixtureClassifier(4, solver=solver, **options).fit(x, y)
    assert other.result_.expected[-1] == pytest.approx(exact.result_.expected[-1], rel=1e-3)
    assert np.diff(other.lower_bounds_).min() > -1e-8


@pytest.mark.parametrize("n_classes", [2, 4])
def test_gradient_and_newton_step_equal_autograd(n_classes):
    random = np.random.default_rng(0)
    features = torch.from_numpy(np.column_stack([random.normal(size=(50, 3)), np.ones(50)]))
    targets = torch.from_numpy(random.integers(n_classes, size=50))
    weights = torch.from_numpy(random.uniform(size=50))
    problem = SoftmaxProblem(features, targets, n_classes, torch.full((4,), 0.3, dtype=torch.float64))
    v = torch.from_numpy(random.normal(size=(problem.n_rows, 4)))

    def value(flat):
        v = flat.reshape(problem.n_rows, 4)
        logits = features @ v.T
        if n_classes == 2:
            logits = torch.cat([torch.zeros_like(logits), logits], 1)
        chosen = torch.log_softmax(logits, 1)[torch.arange(50), targets]
        return weights @ chosen - 0.15 * v.square().sum()

    gradient = torch.autograd.functional.jacobian(value, v.reshape(-1))
    hessian = torch.autograd.functional.hessian(value, v.reshape(-1))
    assert problem.value(v, weights) == pytest.approx(float(value(v.reshape(-1))), rel=1e-12)
    torch.testing.assert_close(problem.gradient(v, weights).reshape(-1), gradient)
    torch.testing.assert_close(
        problem.newton_step(v, weights).reshape(-1), -torch.linalg.solve(hessian, gradient)
    )


def test_a_solver_never_ends_below_its_start(monkeypatch):
    monkeypatch.setitem(SOLVERS._entries, "newton", lambda problem, weights, start, random: start + 100.0)
    problem = SoftmaxProblem(torch.ones(4, 1).double(), torch.tensor([0, 1, 0, 1]), 2, torch.ones(1).double())
    start = torch.zeros(1, 1).double()
    found, before, after = improve("newton", problem, torch.ones(4).double(), start, np.random.RandomState(0))
    assert found is start
    assert before == after


def test_joint_density_and_responsibilities():
    x, y, _ = TRAIN
    mixture = GaussianMixtureClassifier(4, random_state=0).fit(x, y)
    conditional = mixture.predict_proba(x)[np.arange(len(y)), y]
    np.testing.assert_allclose(
        mixture.score_samples(x, y), mixture.score_samples(x) + np.log(conditional), atol=1e-9
    )
    gates = mixture.responsibilities(x)
    np.testing.assert_allclose(gates.sum(1), 1.0)
    class_given_component = 1 / (1 + np.exp(-(x @ mixture.coef_[:, 0].T + mixture.intercept_[:, 0])))
    by_bayes = gates * np.where(y[:, None] == 1, class_given_component, 1 - class_given_component)
    by_bayes /= by_bayes.sum(1, keepdims=True)
    np.testing.assert_allclose(mixture.responsibilities(x, y), by_bayes, atol=1e-9)


def test_sample_gives_rows_and_classes():
    x, y, _ = TRAIN
    mixture = GaussianMixtureClassifier(4, random_state=0).fit(x, np.where(y == 1, "yes", "no"))
    drawn, classes = mixture.sample(4000)
    assert set(classes) == {"yes", "no"}
    np.testing.assert_allclose(drawn.var(0), x.var(0), rtol=0.1)
    assert (mixture.predict(drawn) == classes).mean() > 0.83


def test_integer_weights_equal_repeated_rows():
    x, y, _ = xor().sample(200, seed=3)
    weights = np.random.default_rng(0).integers(0, 3, size=200)
    one = GaussianMixtureClassifier(1, tol=1e-10).fit(x, y, sample_weight=weights)
    two = GaussianMixtureClassifier(1, tol=1e-10).fit(x.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(one.coef_, two.coef_, rtol=1e-6)
    np.testing.assert_allclose(one.covariances_, two.covariances_, rtol=1e-9)


def test_state_and_criteria():
    x, y, _ = TRAIN
    mixture = GaussianMixtureClassifier(4, random_state=0).fit(x, y)
    again = GaussianMixtureClassifier(**mixture.get_params()).from_state(mixture.state())
    np.testing.assert_array_equal(again.predict_proba(x), mixture.predict_proba(x))
    n_free = 3 + 4 * 2 + 4 + 4 * 3
    assert mixture.bic(x, y) == pytest.approx(
        -2 * mixture.score_samples(x, y).sum() + n_free * np.log(len(x))
    )
    shares = mixture.responsibilities(x, y)
    entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-300)))
    assert mixture.icl(x, y) == pytest.approx(mixture.bic(x, y) + 2 * entropy)
    information = (2 + 1 + 3) * np.log(shares.sum(0)).sum() + 3 * np.log(len(x))
    assert mixture.laplace(x, y) == pytest.approx(-2 * mixture.score_samples(x, y).sum() + information)
    assert mixture.verdict(x, y) == ()


def test_the_number_of_experts_is_selected():
    x, y, _ = TRAIN
    selection = latentia.select(GaussianMixtureClassifier(random_state=0), x, (2, 4, 6), y=y)
    assert selection.chosen["bic"] == selection.chosen["icl"] == 4
    assert selection.best("bic").score(x, y) > 0.85  # labels are drawn; a line is right for half of them


def test_verdict_names_what_is_wrong():
    x, y, _ = TRAIN
    with pytest.warns(ConvergenceWarning):
        short = GaussianMixtureClassifier(4, max_iter=1, tol=0.0, random_state=0).fit(x, y)
    assert "not-converged" in {f.kind for f in short.verdict(x, y)}


def test_parameters_are_checked():
    x, y, _ = TRAIN
    with pytest.raises(ConfigError, match="did you mean 'newton'"):
        GaussianMixtureClassifier(2, solver="newtn").fit(x, y)
    with pytest.raises(ConfigError, match=r"l2=0\.0"):
        GaussianMixtureClassifier(2, l2=0).fit(x, y)
