"""The exercises of lecture 02: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import linear_model


@pytest.fixture(scope="module")
def answers():
    return reference("02_linear_model")


def _changes_x(x, y, eta, steps):
    x -= x.mean()
    return 0.0, 0.0


def _train_with(update):
    """A training loop whose update(slope, intercept, grad, eta) is wrong in one place."""
    def train(x, y, eta, steps, gradient=None):
        theta = np.zeros(2)
        for _ in range(steps):
            theta = update(theta, x, y, eta)
        return tuple(theta)
    return train


def _right_gradient(theta, x, y):
    residual = theta[0] * x + theta[1] - y
    return np.array([2 * np.mean(residual * x), 2 * np.mean(residual)])


def _alternating(theta, x, y, eta):
    theta = theta - eta * np.array([_right_gradient(theta, x, y)[0], 0])
    return theta - eta * np.array([0, _right_gradient(theta, x, y)[1]])


def test_mse(answers):
    right = answers["mse"]
    assert_exercise(linear_model.check_mse, right, {
        "divide by the number": lambda m, c, x, y: np.sum((m * x + c - y) ** 2),
        "half of it": lambda m, c, x, y: right(m, c, x, y) / 2,
        "square root": lambda m, c, x, y: np.sqrt(right(m, c, x, y)),
        "absolute values": lambda m, c, x, y: np.mean(np.abs(m * x + c - y)),
        "cancel": lambda m, c, x, y: np.mean(m * x + c - y),
        "squares the mean": lambda m, c, x, y: np.mean(m * x + c - y) ** 2,
        "swapped": lambda m, c, x, y: right(c, m, x, y),
        "one value for each sample": lambda m, c, x, y: (m * x + c - y) ** 2,
    })


def test_gradient(answers):
    right = answers["gradient"]
    assert_exercise(linear_model.check_gradient, right, {
        "sign is wrong": lambda m, c, x, y: tuple(-g for g in right(m, c, x, y)),
        "2 from the square is missing": lambda m, c, x, y: tuple(g / 2 for g in right(m, c, x, y)),
        "two things at once": lambda m, c, x, y: tuple(-g / 2 for g in right(m, c, x, y)),
        "gradient of the sum": lambda m, c, x, y: tuple(g * len(x) for g in right(m, c, x, y)),
        "2 from the square as well": lambda m, c, x, y: tuple(g * len(x) / 2 for g in right(m, c, x, y)),
        "two entries are swapped": lambda m, c, x, y: right(m, c, x, y)[::-1],
        "lacks the factor x": lambda m, c, x, y: (right(m, c, x, y)[1],) * 2,
        "sample by sample": lambda m, c, x, y: (right(m, c, x, y)[1] * x.mean(), right(m, c, x, y)[1]),
        "two numbers": lambda m, c, x, y: right(m, c, x, y)[0],
    })


def test_train(answers):
    right = answers["train"]
    assert_exercise(linear_model.check_train, right, {
        "it climbs": lambda x, y, eta, steps: right(x, y, -eta, steps),
        "one step too many": lambda x, y, eta, steps: right(x, y, eta, steps + 1),
        "one step too few": lambda x, y, eta, steps: right(x, y, eta, max(steps - 1, 0)),
        "half as long": lambda x, y, eta, steps: right(x, y, eta / 2, steps),
        "already changed": _train_with(_alternating),
        "compute the gradient anew": lambda x, y, eta, steps: tuple(steps * v for v in right(x, y, eta, 1)),
        "swapped": lambda x, y, eta, steps: right(x, y, eta, steps)[::-1],
        "in place": _changes_x,
        "returned None": lambda x, y, eta, steps: None,
    })


def test_largest_stable_rate(answers):
    right = answers["largest_stable_rate"]

    def by_smallest(x):
        A = np.column_stack([x, np.ones(len(x))])
        return 2 / np.linalg.eigvalsh(2 / len(x) * A.T @ A)[0]

    assert_exercise(linear_model.check_largest_stable_rate, right, {
        "safe choice": lambda x: right(x) / 2,
        "β itself": lambda x: 2 / right(x),
        "half-mean": lambda x: right(x) * 2,
        "sum of squares": lambda x: right(x) / len(x),
        "smallest eigenvalue": by_smallest,
        "slope alone": lambda x: 1 / np.mean(x**2),
    })


def test_standardise(answers):
    right = answers["standardise"]

    def in_place(X):
        X -= X.mean(0)
        return X / X.std(0), X.mean(0), X.std(0)

    def with_z(z):
        return lambda X: (z(X), X.mean(0), X.std(0))

    assert_exercise(linear_model.check_standardise, right, {
        "not scaled": with_z(lambda X: X - X.mean(0)),
        "not centred": with_z(lambda X: X / X.std(0)),
        "variance; take its square root": with_z(lambda X: (X - X.mean(0)) / X.var(0)),
        "whole table": with_z(lambda X: (X - X.mean()) / X.std()),
        "along the rows": with_z(lambda X: (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True)),
        "n − 1": with_z(lambda X: (X - X.mean(0)) / X.std(0, ddof=1)),
        "minimum and maximum": with_z(lambda X: (X - X.min(0)) / np.ptp(X, 0)),
        "swapped": lambda X: (right(X)[0], X.std(0), X.mean(0)),
        "these are the variances": lambda X: (right(X)[0], X.mean(0), X.var(0)),
        "three things": lambda X: right(X)[0],
        "in place": in_place,
    })


def test_fit_in_one_step(answers):
    right = answers["fit_in_one_step"]

    def in_z(x, y):
        return right((x - x.mean()) / x.std(), y)

    assert_exercise(linear_model.check_fit_in_one_step, right, {
        "the line in z": in_z,
        "still that of z": lambda x, y: (right(x, y)[0], y.mean()),
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
        linear_model.check_mse(answer)


def test_an_exception_inside_the_answer_is_shown():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        linear_model.check_mse(lambda m, c, x, y: 1 / 0)
