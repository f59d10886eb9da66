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
        width = len(x) // batch if mistake == "count, cut" else batch
        for epoch in range(epochs):
            start = theta = np.zeros(2) if mistake == "reset" else theta
            firsts = range(0, len(x), width)
            for first in firsts if mistake != "next" else [firsts[epoch % len(firsts)]]:
                a, b = x[first:first + width], y[first:first + width]
                if mistake == "full":
                    a, b = x, y
                if mistake == "drop" and len(a) < batch:
                    break
                at = start if mistake == "stale" else theta
                size = {"sum": len(a), "half sum": len(a) / 2, "by n": len(a) / len(x),
                        "by batch": len(a) / batch}.get(mistake, 1)
                step = eta * _right_gradient(at, a, b) * size
                if mistake == "slope only":
                    step[1] = 0
                if mistake == "alternate":
                    theta = theta - [step[0], 0]
                    step = [0, eta * _right_gradient(theta, a, b)[1]]
                if mistake == "intercept first":
                    theta = theta - [0, step[1]]
                    step = [eta * _right_gradient(theta, a, b)[0], 0]
                theta = theta - step
                if mistake == "one":
                    break
            if mistake == "early":
                return tuple(theta)
        return tuple(theta)
    return train_in_batches


def _split_in(x, y, eta, batch, epochs):
    theta = np.zeros(2)
    for _ in range(epochs):
        for a, b in zip(np.array_split(x, batch), np.array_split(y, batch), strict=True):
            theta = theta - eta * _right_gradient(theta, a, b)
    return tuple(theta)


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

    def prediction_only(m, c, x, y, w):
        residual = w * (m * x + c) - y
        return 2 * np.sum(residual * x) / w.sum(), 2 * np.sum(residual) / w.sum()

    assert_exercise(linear_model.check_weighted_gradient, right, {
        "sign is wrong": scaled(lambda x, w: -1),
        "2 from the square is missing": scaled(lambda x, w: 0.5),
        "gradient of the weighted sum; divide": scaled(lambda x, w: w.sum()),
        "divides by the number of samples; a": scaled(lambda x, w: w.mean()),
        "sum, and the 2": scaled(lambda x, w: w.sum() / 2),
        "samples, and the 2": scaled(lambda x, w: w.mean() / 2),
        "touch the prediction only": prediction_only,
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
        "keep its sign": lambda a, b, c: c + (c - b) * abs((c - b) / (b - a)) / (1 - abs((c - b) / (b - a))),
        "wrong sign": lambda a, b, c: 2 * c - right(a, b, c),
    })


def test_train_in_batches(answers):
    right = answers["train_in_batches"]
    assert_exercise(linear_model.check_train_in_batches, right, {
        "it climbs": lambda x, y, eta, batch, epochs: right(x, y, -eta, batch, epochs),
        "all samples in every step": _loop("full"),
        "one step an epoch": _loop("one"),
        "goes through all batches": _loop("next"),
        "number of samples in each": _split_in,
        "not of the samples in each": _loop("count, cut"),
        "never moved": _loop("slope only"),
        "without the 2": _loop("half sum"),
        "smaller batch is left out": _loop("drop"),
        "sum over the batch; use": _loop("sum"),
        "size of the batch": _loop("by n"),
        "half as long": lambda x, y, eta, batch, epochs: right(x, y, eta / 2, batch, epochs),
        "computed at its start": _loop("stale"),
        "with the slope already changed": _loop("alternate"),
        "with the intercept already changed": _loop("intercept first"),
        "divided by `batch`": _loop("by batch"),
        "begin at 0 again, or does": _loop("reset"),
        "once too often": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, epochs + 1),
        "once too few": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, max(epochs - 1, 0)),
        "swapped": lambda x, y, eta, batch, epochs: right(x, y, eta, batch, epochs)[::-1],
        "in place": _changes_x,
        "returned None": lambda x, y, eta, batch, epochs: None,
    })
    with pytest.raises(AssertionError, match="return too early"):
        linear_model.check_train_in_batches(_loop("early"))


def test_factor_for_rate(answers):
    right = answers["factor_for_rate"]

    def beta(x):
        A = np.column_stack([x, np.ones(len(x))])
        return np.linalg.eigvalsh(2 / len(x) * A.T @ A)[-1]

    assert_exercise(linear_model.check_factor_for_rate, right, {
        "multiply the inputs by": lambda x, eta: 1 / right(x, eta),
        "k²; take the root": lambda x, eta: right(x, eta) ** 2,
        "whole Hessian": lambda x, eta: np.sqrt(beta(x) * eta / 2),
        "in proportion": lambda x, eta: beta(x) * eta / 2,
        "own curvature": lambda x, eta: np.sqrt(np.mean(x**2) * eta),
        "variance for the curvature": lambda x, eta: np.sqrt(np.var(x) * eta),
        "safe choice": lambda x, eta: right(x, 2 * eta),
        "half-mean": lambda x, eta: right(x, eta / 2),
        "sum of squares": lambda x, eta: right(x, len(x) * eta),
        "should be np.inf": lambda x, eta: right(x, eta) if eta < 1 else 1e9,
        "return np.inf": lambda x, eta: right(x, eta) if eta < 1 else None,
    })


@pytest.mark.parametrize("eta", [0.02, 0.4, 0.95])
def test_the_reference_factor_puts_the_rate_on_the_limit(answers, eta):
    x = np.random.default_rng(4).normal(-2, 3, 40)
    A = np.column_stack([x / answers["factor_for_rate"](x, eta), np.ones(40)])
    assert 2 / np.linalg.eigvalsh(2 / 40 * A.T @ A)[-1] == pytest.approx(eta)


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


def _through_z(there=lambda m, c, mean, s: (m * s, c + m * mean), back=lambda w, b, mean, s: (w / s, b - w * mean / s),
               scale=1.0, ddof=0, targets=lambda y: y):
    """One step in z; each argument can hold a mistake."""
    def step_in_z(slope, intercept, x, y, eta):
        mean, s = x.mean(), x.std(ddof=ddof)
        w, b = there(slope, intercept, mean, s)
        by_w, by_b = _right_gradient((w, b), (x - mean) / s, targets(y))
        return back(w - scale * eta * by_w, b - scale * eta * by_b, mean, s)
    return step_in_z


def test_step_in_z(answers):
    right = answers["step_in_z"]

    def stay(m, c, mean, s):
        return m, c

    def in_x(m, c, x, y, eta):
        return tuple(np.array([m, c]) - eta * _right_gradient((m, c), x, y))

    assert_exercise(linear_model.check_step_in_z, right, {
        "line in z: write": _through_z(back=stay),
        "not translated into z": _through_z(there=stay),
        "neither into z nor back": _through_z(there=stay, back=stay),
        "taken in x": in_x,
        "into z the intercept was moved": _through_z(there=lambda m, c, mean, s: (m * s, c - m * mean)),
        "into z the intercept was left": _through_z(there=lambda m, c, mean, s: (m * s, c)),
        "into z the slope was left": _through_z(there=lambda m, c, mean, s: (m, c + m * mean)),
        "into z the slope was divided": _through_z(there=lambda m, c, mean, s: (m / s, c + m * mean)),
        "back the intercept was moved": _through_z(back=lambda w, b, mean, s: (w / s, b + w * mean / s)),
        "still that of z": _through_z(back=lambda w, b, mean, s: (w / s, b)),
        "lacks the division": _through_z(back=lambda w, b, mean, s: (w / s, b - w * mean)),
        "multiplied by s; one": _through_z(back=lambda w, b, mean, s: (w * s, b - w * mean / s)),
        "multiplied by s, for": _through_z(back=lambda w, b, mean, s: (w * s, b - w * s * mean)),
        "has 1/.n − 1.; with": _through_z(ddof=1),
        "half as long": _through_z(scale=0.5),
        "it climbs": _through_z(scale=-1),
        "sum over the samples": _through_z(scale=25),
        "line of least squares": lambda m, c, x, y, eta: np.polyfit(x, y, 1),
        "standardised as well": _through_z(targets=lambda y: (y - y.mean()) / y.std()),
        "nothing moved": lambda m, c, x, y, eta: (m, c),
        "swapped": lambda *inputs: right(*inputs)[::-1],
    })


def test_a_step_in_z_with_half_ends_on_the_least_squares_line(answers):
    x, y, slope, intercept = linear_model._problem(7)
    np.testing.assert_allclose(answers["step_in_z"](slope, intercept, x, y, 0.5), np.polyfit(x, y, 1), rtol=1e-9)


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
