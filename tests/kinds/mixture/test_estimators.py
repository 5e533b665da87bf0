"""scikit-learn's contract, bad input, and the choice of K, for every mixture estimator."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from latentia.errors import ConfigError, DataError
from latentia.kinds import kind_of
from latentia.kinds.classifier.estimator import GaussianMixtureClassifier
from latentia.kinds.mixture import estimator as mixtures
from latentia.kinds.mixture.estimator import (
    BernoulliMixture,
    CategoricalMixture,
    DirichletMultinomialMixture,
    GaussianMixture,
    MultinomialMixture,
    PoissonMixture,
)
from latentia.mixture import select

COUNT_KINDS = [CategoricalMixture, PoissonMixture, MultinomialMixture, DirichletMultinomialMixture]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 3))
COUNTS = RANDOM.poisson(4.0, size=(80, 3)) + 1

# These two checks take whatever accepts sparse input and has `predict_proba` for a classifier, and look up
# `classifier_tags.multi_class`, which a density estimator does not have.
NOT_A_CLASSIFIER = dict.fromkeys(
    ("check_estimator_sparse_array", "check_estimator_sparse_matrix"), "presumes a classifier"
)
# These feed fractional values or rows of zeros, which count mixtures refuse unless strict=False.
REFUSED = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
        "check_estimator_sparse_tag",
        "check_estimators_pickle",
        "check_fit_score_takes_y",
        "check_pipeline_consistency",
        "check_sample_weights_list",
        "check_sample_weights_not_an_array",
        "check_sample_weights_pandas_series",
    ),
    "feeds fractional counts or rows of zeros",
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (GaussianMixture(), NOT_A_CLASSIFIER),
        (GaussianMixture(covariance_type="diag"), NOT_A_CLASSIFIER),
        (GaussianMixtureClassifier(), {}),
        (BernoulliMixture(), NOT_A_CLASSIFIER),
        *((kind(strict=False), NOT_A_CLASSIFIER) for kind in COUNT_KINDS),
        *((kind(), NOT_A_CLASSIFIER | REFUSED) for kind in COUNT_KINDS),
    ],
    ids=str,
)
def test_scikit_learn_contract(estimator, expected):
    check_estimator(estimator, expected_failed_checks=expected)


@pytest.mark.parametrize("name", mixtures.__all__)
def test_bad_input_is_named(name):
    kind = getattr(mixtures, name)
    x = COUNTS.astype(float) if kind in COUNT_KINDS else X
    y = (RANDOM.uniform(size=80) < 0.5,) if kind is GaussianMixtureClassifier else ()

    def refused(message, table=x, error=DataError, weights=None, n_components=2):
        with pytest.raises(error, match=message):
            kind(n_components).fit(table, *(part[: len(table)] for part in y), sample_weight=weights)

    holes = x.copy()
    holes[7, 1] = np.nan
    if name not in (
        "MixedMixture",
        "GaussianMixture",
        "GaussianMixtureClassifier",
    ):  # a missing cell to these
        refused("NaN in row 7, column 1", holes)
    holes[7, 1] = np.inf
    refused("is inf" if name == "MixedMixture" else "infinity in row 7, column 1", holes)
    refused("n_components=0", error=ConfigError, n_components=0)
    refused("n_components=2.5", error=ConfigError, n_components=2.5)
    refused(
        "n_components=3 but the data have only 2 distinct rows",
        np.tile(x[:2] % 2 + np.eye(3)[:2], (40, 1)),
        n_components=3,
    )
    refused("negative .* at row 3", weights=np.where(np.arange(80) == 3, -1.0, 1.0))
    refused("zero for every row", weights=np.zeros(80))
    refused("NaN or infinity at row 2", weights=np.where(np.arange(80) == 2, np.nan, 1.0))


@pytest.mark.parametrize("kind", COUNT_KINDS)
def test_bad_counts_are_named(kind):
    bad = COUNTS.astype(float)
    bad[5, 2] = -1
    with pytest.raises(DataError, match="-1 in row 5, column 2"):
        kind(2).fit(bad)
    bad[5, 2] = 1.5
    with pytest.raises(DataError, match=r"1\.5 in row 5, column 2"):
        kind(2).fit(bad)
    assert np.isfinite(kind(1, strict=False).fit(bad).score(bad))


@pytest.mark.parametrize("kind", [MultinomialMixture, DirichletMultinomialMixture])
def test_rows_without_a_count_are_named(kind):
    bad = COUNTS.copy()
    bad[9] = 0
    with pytest.raises(DataError, match="row 9 holds no count at all"):
        kind(2).fit(bad)
    with pytest.raises(DataError, match="at least two columns"):
        kind(1).fit(COUNTS[:, :1])
    lax = kind(1, strict=False).fit(bad)
    assert lax.score_samples(bad)[9] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("kind", [GaussianMixture, GaussianMixtureClassifier])
def test_constant_feature_is_named(kind):
    flat = X.copy()
    flat[:, 1] = 1e4
    y = (RANDOM.uniform(size=80) < 0.5,) if kind is GaussianMixtureClassifier else ()
    with pytest.raises(DataError, match="column 1 is constant"):
        kind(1).fit(flat, *y)


def test_one_class_is_named():
    with pytest.raises(DataError, match="one class"):
        GaussianMixtureClassifier().fit(X, np.zeros(80))


def test_selection_finds_the_number_of_gaussians():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 2)) + 7.0 * np.repeat(
        np.eye(2)[[0, 1, 1]] * [[1, 1], [1, 1], [1, -1]], 200, axis=0
    )
    chosen = select(GaussianMixture(random_state=0, n_init=2), x, range(1, 6))
    assert {chosen.chosen[c] for c in ("bic", "icl", "laplace")} == {3}
    assert "bic" not in chosen.at_edge
    assert chosen.best("bic").n_components == 3
    assert [row["n_components"] for row in chosen.table] == [1, 2, 3, 4, 5]
    assert "3*" not in str(chosen)  # the star marks values, not numbers of components
    assert str(chosen).count("*") == 4
    assert select(GaussianMixture(random_state=0), x, [1, 2, 3]).at_edge == ("aic", "bic", "icl", "laplace")
    with pytest.raises(ConfigError, match="empty"):
        select(GaussianMixture(), x, [])


def test_selection_is_the_same_in_parallel():
    x = RANDOM.normal(size=(200, 2))
    one = select(GaussianMixture(random_state=0, n_init=2), x, [1, 2])
    two = select(GaussianMixture(random_state=0, n_init=2), x, [1, 2], n_jobs=2)
    assert one.table == two.table


def test_icl_adds_the_entropy():
    mixture = GaussianMixture(3, random_state=0).fit(X)
    r = mixture.predict_proba(X)
    entropy = -np.sum(r * np.log(np.clip(r, 1e-300, None)))
    assert mixture.icl(X) == pytest.approx(mixture.bic(X) + 2 * entropy, rel=1e-9)


def test_laplace_penalises_each_component_by_its_rows():
    mixture = GaussianMixture(2, covariance_type="diag", random_state=0).fit(X)
    mass = mixture.predict_proba(X).sum(0)
    expected = -2 * mixture.score(X) * 80 + (6 * np.log(mass)).sum() + np.log(80)
    assert mixture.laplace(X) == pytest.approx(expected, rel=1e-9)


def test_short_names_mean_mixtures():
    for short, name in (("gmm", "gaussian-mixture"), ("dmm", "dirichlet-multinomial-mixture")):
        kind = kind_of(short)
        assert (kind.name, kind.model_name(short)) == ("mixture", name)
    assert type(kind_of("dmm").recipe({"model": "dmm"}).estimator) is DirichletMultinomialMixture


def test_scores_are_weighed():
    model = GaussianMixture(2, random_state=0).fit(X)
    weight = RANDOM.integers(0, 3, len(X))
    assert model.score(X, sample_weight=weight) == pytest.approx(
        model.score(np.repeat(X, weight, 0)), rel=1e-12
    )
