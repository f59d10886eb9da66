"""Linear classifiers against scikit-learn, NumPy's pseudo-inverse, torch and enumeration."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import PolynomialFeatures

from dlhelpers import data, runs
from dlhelpers.models import linear


def blobs(seed=0, n=150, K=2, d=3):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % K
    return rng.normal(size=(n, d)) + 1.2 * np.eye(K, d)[y], y


def test_least_squares_is_the_pseudo_inverse_also_where_columns_are_dark():
    X, y = blobs(K=3, d=6)
    X[:, 4] = 0.0                    # a pixel that is never inked
    X[:, 5] = X[:, 0]                # and one that repeats another
    T = np.eye(3)[y]
    expected = np.linalg.pinv(linear.design(X)) @ T
    for chunk in (10_000, 40):
        W, b = linear.least_squares(X, T, chunk=chunk)
        np.testing.assert_allclose(np.vstack([b, W]), expected, atol=1e-9)


def test_ridge_leaves_the_intercept_alone():
    X, y = blobs()
    W, b = linear.least_squares(X, y + 100.0, l2=1e6)
    assert np.abs(W).max() < 1e-3 and b == pytest.approx(y.mean() + 100, abs=1e-3)
    n, A = len(X), linear.design(X)
    W, b = linear.least_squares(X, y, l2=0.3)
    residual = A @ np.r_[b, W[:, 0]] - y
    np.testing.assert_allclose(A.T @ residual + n * 0.3 * np.r_[0, W[:, 0]], 0, atol=1e-9)


def test_one_versus_rest_is_one_fit_for_each_class():
    X, y = blobs(K=3)
    model = linear.one_versus_rest(X, y)
    for k in range(3):
        alone = np.linalg.lstsq(linear.design(X), np.where(y == k, 1.0, -1.0), rcond=None)[0]
        np.testing.assert_allclose(np.r_[model.b[k], model.W[:, k]], alone, atol=1e-10)
    assert (model.predict(X) == model.scores(X).argmax(1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_logistic_regression_equals_scikit_learns(seed):
    X, y = blobs(seed)
    ours = linear.logistic_regression(X, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.w, theirs.coef_[0], atol=1e-4)
    assert ours.converged and ours.b == pytest.approx(theirs.intercept_[0], abs=1e-4)
    damped = linear.logistic_regression(X, y, l2=0.1)
    theirs = LogisticRegression(C=1 / (0.1 * len(y)), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(damped.w, theirs.coef_[0], atol=1e-4)
    warm = linear.logistic_regression(X, y, l2=0.1, start=np.r_[damped.b, damped.w])
    assert warm.steps == 0 and (warm.w == damped.w).all()


def test_the_covariance_is_the_inverse_hessian_of_the_summed_loss():
    X, y = blobs()
    fit = linear.logistic_regression(X, y)
    A, t = torch.tensor(linear.design(X)), torch.tensor(y, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(
        lambda theta: torch.nn.functional.binary_cross_entropy_with_logits(A @ theta, t, reduction="sum"),
        torch.tensor(np.r_[fit.b, fit.w]))
    np.testing.assert_allclose(fit.covariance, torch.linalg.inv(hessian).numpy(), rtol=1e-6)
    low, high = fit.band(X[:5])
    se = np.sqrt(np.diag(linear.design(X[:5]) @ fit.covariance @ linear.design(X[:5]).T))
    np.testing.assert_allclose(np.log(high / (1 - high)), fit.logit(X[:5]) + 1.959964 * se, rtol=1e-9)
    assert (low < fit.probability(X[:5])).all()


def test_separable_classes_have_no_minimum():
    X, y = data.toy.separable(n=40, seed=0)
    fit = linear.logistic_regression(X, y, steps=5, tol=1e-12)
    assert not fit.converged and (fit.predict(X) == y.numpy()).all()
    # However small the gradient has become, it is no minimum; with a ridge term there is one.
    assert not linear.logistic_regression(X, y, steps=60, tol=1e-6).converged
    assert linear.logistic_regression(X, y, l2=1e-3).converged


def test_softmax_regression_equals_scikit_learns():
    X, y = blobs(K=3)
    ours = linear.softmax_regression(X, y, l2=0.05)
    theirs = LogisticRegression(C=1 / (0.05 * len(y)), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.probabilities(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(("d", "degree"), [(1, 4), (2, 3), (3, 2)])
def test_monomials_equal_scikit_learns(d, degree):
    X = np.random.default_rng(0).normal(size=(7, d))
    expected = PolynomialFeatures(degree, include_bias=False).fit_transform(X)
    np.testing.assert_allclose(linear.monomials(X, degree), expected)


def test_the_recorded_mnist_run_is_the_lectures_and_fits_its_weights():
    run = runs.load("06_least_squares_mnist")
    assert np.trace(run["confusion"]) == 8603 and run["confusion"].sum() == 10_000
    try:
        digits = data.digits("mnist").numpy()
    except FileNotFoundError:
        return                        # the recorded weights can be tried where MNIST is on disk
    predicted = (digits.X_test @ run["W"] + run["b"]).argmax(1)
    assert abs(int((predicted == digits.y_test).sum()) - 8603) <= 2          # the weights are stored as float32


X, Y = blobs()


@pytest.mark.parametrize(("message", "call"), [
    ("y must have one label", lambda: linear.one_versus_rest(X, Y[:-1])),
    ("y must hold whole-number labels", lambda: linear.one_versus_rest(X, Y - 0.5)),
    (r"y must hold whole-number labels 0\.\.1", lambda: linear.logistic_regression(X, Y + 1)),
    ("K must be at least 2", lambda: linear.softmax_regression(X, Y, K=1)),
    ("X must have 2 dimension", lambda: linear.logistic_regression(X[0], Y)),
    ("X must be finite", lambda: linear.one_versus_rest(X * np.nan, Y)),
    ("X must have shape", lambda: linear.one_versus_rest(X, Y).predict(X[:, :2])),
    ("l2 must be zero or a positive", lambda: linear.logistic_regression(X, Y, l2=-1)),
    ("start must have shape", lambda: linear.logistic_regression(X, Y, start=np.zeros(2))),
    ("targets must have shape", lambda: linear.least_squares(X, Y[:-1])),
    ("cutoff must lie in", lambda: linear.least_squares(X, Y, cutoff=0)),
    ("degree must be at least 1", lambda: linear.monomials(X, 0)),
    ("z must be a positive", lambda: linear.logistic_regression(X, Y).band(X, z=0)),
])
def test_bad_input_is_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_fraction_of_a_degree_is_refused():
    with pytest.raises(TypeError, match="degree must be an integer"):
        linear.monomials(X, 1.5)
