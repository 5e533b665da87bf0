import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentia.report.embedding import latent_map


@pytest.fixture(scope="module")
def codes_and_labels():
    x, y = load_digits(return_X_y=True)
    return PCA(10, random_state=0).fit_transform(x)[:400], y[:400]


def test_one_and_two_dimensions_are_shown_as_they_are(codes_and_labels):
    codes = codes_and_labels[0]
    for dims in (1, 2):
        chart = latent_map(codes[:, :dims])
        assert chart.method == "codes"
        assert chart.trustworthiness is None
        np.testing.assert_array_equal(chart.points, codes[:, :dims])


def test_tsne_is_seeded_and_keeps_neighbourhoods(codes_and_labels):
    first, second = (latent_map(codes_and_labels[0], seed=3) for _ in range(2))
    assert first.method == "t-SNE"
    np.testing.assert_array_equal(first.points, second.points)
    assert first.trustworthiness > 0.95
    assert not np.array_equal(first.points, latent_map(codes_and_labels[0], seed=4).points)


def test_label_accuracy_is_that_of_leave_one_out_nearest_neighbours(codes_and_labels):
    codes, labels = codes_and_labels[0][:150], codes_and_labels[1][:150]
    right = 0
    for i in range(len(codes)):
        kept = np.arange(len(codes)) != i
        guess = KNeighborsClassifier(10).fit(codes[kept], labels[kept]).predict(codes[i : i + 1])
        right += int(guess[0] == labels[i])
    chart = latent_map(codes, labels)
    assert chart.label_accuracy == pytest.approx(right / len(codes))
    assert chart.majority == pytest.approx(np.bincount(labels).max() / len(labels))


def test_unknown_labels_take_no_part(codes_and_labels):
    codes, labels = codes_and_labels[0][:120], codes_and_labels[1][:120].copy()
    known = latent_map(codes[:60], labels[:60]).label_accuracy
    labels[60:] = -1
    assert latent_map(codes, labels).label_accuracy == pytest.approx(known)


def test_many_codes_are_thinned_and_broken_ones_left_out(codes_and_labels):
    codes = np.vstack([codes_and_labels[0][:, :2]] * 10)
    codes[7, 1] = np.nan
    chart = latent_map(codes, max_points=500)
    assert len(chart.points) == len(np.unique(chart.rows)) == 500
    assert 7 not in latent_map(codes, max_points=len(codes)).rows
    np.testing.assert_array_equal(chart.points, codes[chart.rows])


@pytest.mark.parametrize("count", [1, 2, 5, 12, 200])
def test_identical_codes_fall_on_one_point(count):
    chart = latent_map(np.full((count, 6), 0.3))
    assert chart.method == "PCA"
    assert chart.points.shape == (count, 2)
    np.testing.assert_allclose(chart.points, 0.0, atol=1e-12)


def test_few_codes_are_laid_out_by_principal_components(codes_and_labels):
    codes = codes_and_labels[0][:9]
    chart = latent_map(codes)
    oracle = PCA(2, svd_solver="full").fit_transform(codes)
    apart = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (chart.points, oracle)]
    np.testing.assert_allclose(apart[0] / apart[0].max(), apart[1] / apart[1].max(), atol=1e-10)


def test_codes_that_differ_in_the_last_digits_still_give_a_map(codes_and_labels):
    codes = 1e-9 * codes_and_labels[0][:100] + 1.0
    chart = latent_map(codes)
    assert chart.method == "t-SNE"
    assert np.isfinite(chart.points).all()
    assert chart.trustworthiness > 0.9


def test_many_duplicates_among_the_codes(codes_and_labels):
    codes = codes_and_labels[0][:200].copy()
    codes[:120] = codes[0]
    assert np.isfinite(latent_map(codes).points).all()
