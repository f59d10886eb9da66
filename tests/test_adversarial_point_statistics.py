"""Statistics of point clouds: against scikit-learn, closed forms, and planted patterns."""

import math

import numpy as np
import pytest

from dlhelpers.adversarial import point_statistics


def test_nearest_neighbours_as_scikit_learn_finds_them():
    from sklearn.neighbors import NearestNeighbors

    P = np.random.default_rng(0).standard_normal((50, 6))
    distances = NearestNeighbors(n_neighbors=2).fit(P).kneighbors(P)[0][:, 1]
    np.testing.assert_allclose(point_statistics.nearest(P), distances, rtol=1e-9)
    assert point_statistics.neighbour_spread(P) == pytest.approx(distances.std() / distances.mean())


def test_statistics_ignore_shift_scale_and_rotation():
    rng = np.random.default_rng(1)
    P = rng.standard_normal((60, 5))
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    np.testing.assert_allclose(point_statistics.measure(3.0 * P @ turn + 2.0), point_statistics.measure(P), rtol=1e-8)


def test_each_statistic_sees_its_own_pattern_and_not_chance():
    rng = np.random.default_rng(2)
    even = point_statistics.null(200, 10, 99, seed=3)
    clusters = rng.standard_normal((8, 10))[rng.integers(8, size=200)] * 2 + 0.3 * rng.standard_normal((200, 10))
    stretched = rng.standard_normal((200, 10)) * np.r_[4.0, np.ones(9)]
    assert point_statistics.p_value(point_statistics.hopkins(clusters), even[:, 1]) == 0.01
    crowded = rng.standard_normal((200, 10)) * np.where(np.arange(200) < 100, 0.2, 1.0)[:, None]
    assert point_statistics.p_value(point_statistics.neighbour_spread(crowded), even[:, 0]) == 0.01
    # A stretched cloud is seen by the spectrum, and left alone by the Hopkins statistic.
    assert point_statistics.p_value(point_statistics.hopkins(stretched), even[:, 1]) > 0.01
    assert point_statistics.p_value(point_statistics.spectral_excess(stretched), even[:, 2]) == 0.01


def test_fresh_clouds_are_significant_as_often_as_they_should_be():
    even, fresh = point_statistics.null(60, 8, 99, seed=4), point_statistics.null(60, 8, 200, seed=5)
    for k in range(3):
        rejected = np.mean([point_statistics.p_value(value, even[:, k]) <= 0.1 for value in fresh[:, k]])
        # 0.1 give or take four standard errors, of the 200 clouds and of the null's own 99.
        assert 0.1 - 0.147 < rejected < 0.1 + 0.147


@pytest.mark.parametrize("m, d", [(400, 100), (100, 400)])
def test_marchenko_pastur(m, d):
    low, high = point_statistics.marchenko_pastur_edges(m, d)
    x = np.linspace(low, high, 20_001)
    density = point_statistics.marchenko_pastur(x, m, d)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=2e-3)
    values = point_statistics.eigenvalues(np.random.default_rng(0).standard_normal((m, d)))
    assert len(values) == min(m, d) and values.sum() == pytest.approx(d)
    # The largest of 100 eigenvalues leaves the edge by a few per cent at most (Tracy-Widom).
    assert values[0] == pytest.approx(high, rel=0.08)
    counts = np.histogram(values[values > 1e-9], bins=5, range=(low, high))[0] / min(m, d)
    edges = np.linspace(low, high, 6)
    parts = [np.linspace(edges[i], edges[i + 1], 2001) for i in range(5)]
    expected = [np.trapezoid(point_statistics.marchenko_pastur(part, m, d), part) for part in parts]
    np.testing.assert_allclose(counts, expected, atol=0.06)


def uneven_cloud(m=120, d=6, seed=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, d)) * np.arange(1, d + 1) * np.exp(0.3 * rng.standard_normal((m, 1))) + 5


def test_surrogates_keep_mean_covariance_and_norms():
    points = uneven_cloud()
    cloud = point_statistics.Surrogates(points, rounds=20).draw(0)
    assert cloud.shape == points.shape
    np.testing.assert_allclose(cloud.mean(0), points.mean(0), atol=1e-2)
    np.testing.assert_allclose(np.cov(cloud.T), np.cov(points.T), atol=1e-2 * np.abs(np.cov(points.T)).max())
    own, wanted = (np.sort(np.linalg.norm(c - points.mean(0), axis=1)) for c in (cloud, points))
    np.testing.assert_allclose(own, wanted, rtol=1e-9)


def test_surrogates_differ_by_seed_alone_and_keep_float32():
    maker = point_statistics.Surrogates(uneven_cloud().astype(np.float32))
    assert maker.draw(0).dtype == np.float32
    assert np.array_equal(maker.draw(1), maker.draw(1)) and not np.allclose(maker.draw(0), maker.draw(1))


def test_more_rounds_keep_the_covariance_better():
    missed = [point_statistics.Surrogates(uneven_cloud(), rounds=r).missed(0) for r in (1, 4, 12)]
    assert missed[0] > 2 * missed[1] > 4 * missed[2]


def test_surrogates_lose_islands_and_nothing_else():
    rng = np.random.default_rng(5)
    islands = rng.standard_normal((8, 6))[rng.integers(8, size=160)] * 3 + 0.2 * rng.standard_normal((160, 6))
    for points, has_islands in ((islands, True), (uneven_cloud(160), False)):
        maker = point_statistics.Surrogates(points)
        null = np.array([point_statistics.hopkins(maker.draw(seed)) for seed in range(99)])
        p = point_statistics.p_value(point_statistics.hopkins(points), null)
        assert (p == pytest.approx(0.01)) is has_islands


def test_surrogates_of_more_dimensions_than_points():
    points = np.random.default_rng(1).standard_normal((20, 50))
    maker = point_statistics.Surrogates(points)
    assert maker.draw(3).shape == (20, 50) and maker.missed(3) < 0.3


def test_p_value_counts():
    assert point_statistics.p_value(3.0, np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(3 / 5)
    assert point_statistics.p_value(9.0, np.zeros(499)) == pytest.approx(0.002)


@pytest.mark.parametrize("call, message", [
    (lambda: point_statistics.null(20, 3, 0), "samples must be"),
    (lambda: point_statistics.measure(np.ones((2, 3))), "at least 3"),
    (lambda: point_statistics.Surrogates(np.ones((5, 3))), "coincide"),
    (lambda: point_statistics.Surrogates(np.ones((2, 3))), "at least 3"),
    (lambda: point_statistics.Surrogates(uneven_cloud(), rounds=0), "rounds must be"),
    (lambda: point_statistics.Surrogates(uneven_cloud()).draw(-1), "seed must be"),
    (lambda: point_statistics.neighbour_spread(np.ones((5, 3))), "coincide"),
    (lambda: point_statistics.p_value(math.nan, np.ones(3)), "observed must be"),
    (lambda: point_statistics.marchenko_pastur_edges(0, 3), "m must be")])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
