"""The exercises of lecture 02: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import linear_model


@pytest.fixture(scope="module")
def answers():
    return reference("02_linear_model")


def _loop(mistake):
    """Training in batches with one mistake: ``mistake`` names it."""
    def train_in_batches(x, y, eta, batch, epochs):
        theta = np.zeros(2)
        for _ in range(epochs):
            start = theta = np.zeros(2) if mistake == "reset" else theta
            for first in range(0, len(x), batch):
                a, b = x[first:first + batch], y[first:first + batch]
                if mistake == "full":
                    a, b = x, y
                if mistake == "drop" and len(a) < batch:
                    break
                at = start if mistake == "stale" else theta
                size = {"sum": len(a), "by n": len(a) / len(x), "by batch": len(a) / batch}.get(mistake, 1)
                step = eta * _right_gradient(at, a, b) * size
                if mistake == "alternate":
                    theta = theta - [step[0], 0]
                    step = [0, eta * _right_gradient(theta, a, b)[1]]
                if mistake == "intercept first":
                    theta = theta - [0, step[1]]
                    step = [eta * _right_gradient(theta, a, b)[0], 0]
                theta = theta - step
                if mistake == "one":
                    break
        return tuple(theta)
    return train_in_batches


def _right_gradient(theta, x, y):
    residual = theta[0] * x + theta[1] - y
    return np.array([2 * np.mean(residual * x), 2 * np.mean(residual)])


def _changes_x(x, y, eta, batch, epochs):
    x -= x.mean()
    return 0.0, 0.0


def test_weighted_gradient(answers):
    right = answers["weighted_gradient"]

    def scaled(by):
        return lambda m, c, x, y, w: tuple(g * by(x, w) for g in right(m, c, x, y, w))

    def twice(m, c, x, y, w):
        return tuple(g * (w**2).sum() / w.sum() for g in right(m, c, x, y, w**2))

    def per_sample(m, c, x, y, w):
        residual = 2 * w / w.sum() * (m * x + c - y)
        return residual * x, residual

    assert_exercise(linear_model.check_weighted_gradient, right, {
        "sign is wrong": scaled(lambda x, w: -1),
        "2 from the square is missing": scaled(lambda x, w: 0.5),
        "gradient of the weighted sum": scaled(lambda x, w: w.sum()),
        "divides by the number of samples": scaled(lambda x, w: w.mean()),
        "weights are not used": lambda m, c, x, y, w: right(m, c, x, y, np.ones_like(w)),
        "count twice": twice,
        "two entries are swapped": lambda m, c, x, y, w: right(m, c, x, y, w)[::-1],
        "intercept is missing": lambda m, c, x, y, w: right(m, 0.0, x, y, w),
        "lacks the factor x": lambda m, c, x, y, w: (right(m, c, x, y, w)[1],) * 2,
        "one value for each sample": per_sample,
        "two numbers": lambda m, c, x, y, w: right(m, c, x, y, w)[0],
    })


def test_where_it_ends(answers):
    right = answers["where_it_ends"]
    assert_exercise(linear_model.check_where_it_ends, right, {
        "last slope of the log": lambda a, b, c: c,
        "only the next step": lambda a, b, c: c + (c - b) ** 2 / (b - a),
        "last step unchanged": lambda a, b, c: 2 * c - b,
        "still to go; add it": lambda a, b, c: right(a, b, c) - c,
        "counts the last step twice": lambda a, b, c: c + (c - b) / (1 - (c - b) / (b - a)),
        "upside down": lambda a, b, c: c + (c - b) * (b - a) / (c - b) / (1 - (b - a) / (c - b)),
        "takes m2/m1": lambda a, b, c: c + (c - b) * (c / b) / (1 - c / b),
        "mean of the three": lambda a, b, c: (a + b + c) / 3,
        "wrong sign": lambda a, b, c: 2 * c - right(a, b, c),
    })


def test_train_in_batches(answers):
    right = answers["train_in_batches"]
    assert_exercise(linear_model.check_train_in_batches, right, {
        "it climbs": lambda x, y, eta, batch, epochs: right(x, y, -eta, batch, epochs),
        "all samples in every step": _loop("full"),
        "one step an epoch": _loop("one"),
        "smaller batch is left out": _loop("drop"),
        "sum over the batch": _loop("sum"),
        "size of the batch": _loop("by n"),
        "half as long": lambda x, y, eta, batch, epochs: right(x, y, eta / 2, batch, epochs),
        "computed at its start": _loop("stale"),
        "with the slope already changed": _loop("alternate"),
        "with the intercept already changed": _loop("intercept first"),
        "divided by `batch`": _loop("by batch"),
        "begins at 0 again": _loop("reset"),
        "once too often": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, epochs + 1),
        "once too few": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, max(epochs - 1, 0)),
        "swapped": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, epochs)[::-1],
        "in place": _changes_x,
        "returned None": lambda x, y, eta, batch, epochs: None,
    })


def test_largest_stable_rate(answers):
    right = answers["largest_stable_rate"]

    def by_smallest(x):
        A = np.column_stack([x, np.ones(len(x))])
        return 2 / np.linalg.eigvalsh(2 / len(x) * A.T @ A)[0]

    def by_singular(x):
        return len(x) / np.linalg.svd(np.column_stack([x, np.ones(len(x))]))[1][0]

    assert_exercise(linear_model.check_largest_stable_rate, right, {
        "safe choice": lambda x: right(x) / 2,
        "β itself": lambda x: 2 / right(x),
        "half-mean": lambda x: right(x) * 2,
        "sum of squares": lambda x: right(x) / len(x),
        "smallest eigenvalue": by_smallest,
        "slope alone": lambda x: 1 / np.mean(x**2),
        "variance for the curvature": lambda x: 1 / np.var(x),
        "singular value": by_singular,
        "best rate in the long run": lambda x: 2 / (2 / right(x) + 2 / by_smallest(x)),
    })


def test_standardise(answers):
    right = answers["standardise"]

    def in_place(X):
        X -= X.mean(0)
        return right(X)

    def dividing_by(rule):
        def standardise(X):
            mean, std = X.mean(0), rule(X, X.std(0))
            return (X - mean) / std, mean, std
        return standardise

    def with_z(z):
        return lambda X: (z(X, right(X)[2]), *right(X)[1:])

    def rows(X, std):
        return (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True)

    assert_exercise(linear_model.check_standardise, right, {
        "not finite": dividing_by(lambda X, s: np.where(X.any(0), s, 1)),
        "constant column did not come out": dividing_by(lambda X, s: np.where(s > 0, s, 1)),
        "raised to 1": dividing_by(lambda X, s: np.maximum(s, 1)),
        "not scaled": with_z(lambda X, s: X - X.mean(0)),
        "not centred": with_z(lambda X, s: X / s),
        "variance; take its square root": with_z(lambda X, s: (X - X.mean(0)) / s**2),
        "whole table": with_z(lambda X, s: (X - X.mean()) / X.std()),
        "along the rows": with_z(rows),
        "n − 1": with_z(lambda X, s: (X - X.mean(0)) / np.where(np.ptp(X, 0) > 0, X.std(0, ddof=1), 1)),
        "minimum and maximum": with_z(lambda X, s: (X - X.min(0)) / np.where(np.ptp(X, 0) > 0, np.ptp(X, 0), 1)),
        "swapped": lambda X: (right(X)[0], right(X)[2], right(X)[1]),
        "these are the variances": lambda X: (right(X)[0], X.mean(0), right(X)[2] ** 2),
        "stored as 0": lambda X: (right(X)[0], X.mean(0), X.std(0)),
        "three things": lambda X: right(X)[0],
        "in place": in_place,
    })
    for rule in (lambda X, s: s, lambda X, s: np.where(X.mean(0) == 0, 1, s)):
        with pytest.raises(AssertionError, match="not finite"):
            linear_model.check_standardise(dividing_by(rule))


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, -3.3])
def test_the_reference_turns_constant_columns_into_zeros(answers, value):
    Z, _, std = answers["standardise"](np.full((30, 2), value))
    np.testing.assert_allclose(Z, 0, atol=1e-12)
    np.testing.assert_array_equal(std, 1)


def test_fit_in_one_step(answers):
    right = answers["fit_in_one_step"]

    def in_z(x, y):
        return right((x - x.mean()) / x.std(), y)

    assert_exercise(linear_model.check_fit_in_one_step, right, {
        "the line in z": in_z,
        "still that of z": lambda x, y: (right(x, y)[0], y.mean()),
        "has 1/.n − 1.; with": lambda x, y: (right(x, y)[0] * 24 / 25, y.mean() - right(x, y)[0] * 24 / 25 * x.mean()),
        "multiplied by s: with": lambda x, y: (in_z(x, y)[0] * x.std(),
                                              y.mean() - in_z(x, y)[0] * x.std() * x.mean()),
        "multiplied by s; it is": lambda x, y: (in_z(x, y)[0] * x.std(), right(x, y)[1]),
        "wrong way": lambda x, y: (right(x, y)[0], y.mean() + right(x, y)[0] * x.mean()),
        "lacks the division": lambda x, y: (right(x, y)[0], y.mean() - in_z(x, y)[0] * x.mean()),
        "half of the way": lambda x, y: tuple(v / 2 for v in right(x, y)),
        "twice the answer": lambda x, y: tuple(2 * v for v in right(x, y)),
    })


def test_the_oracles_are_independent_and_right():
    """The checkers' own loss, gradient and curvature, against numpy's least squares and eigenvalues."""
    x, y, slope, intercept = linear_model._problem(5)
    A = np.column_stack([x, np.ones(len(x))])
    residual = A @ [slope, intercept] - y
    assert np.isclose(linear_model._loss(slope, intercept, x, y), residual @ residual / len(x))
    np.testing.assert_allclose(linear_model._gradient(slope, intercept, x, y), 2 / len(x) * A.T @ residual)
    assert np.isclose(linear_model._beta(x), np.linalg.eigvalsh(2 / len(x) * A.T @ A)[-1])


@pytest.mark.parametrize("answer", [3, "text", None, ...])
def test_what_is_no_function_is_named(answer):
    with pytest.raises(AssertionError, match="should be a function|not implemented"):
        linear_model.check_where_it_ends(answer)


def test_an_exception_inside_the_answer_is_shown():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        linear_model.check_where_it_ends(lambda a, b, c: 1 / 0)
