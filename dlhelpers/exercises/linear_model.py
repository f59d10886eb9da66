"""Checkers of lecture 02: a line, its loss, its gradient, its learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse


def _problem(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Inputs off centre, noisy targets, and a guess: no two mistakes give the same number."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1.5, 2.0, n)
    return x, 3 * x - 1 + rng.normal(0, 0.5, n), float(rng.normal(1, 1)), float(rng.normal(-2, 1))


def _loss(slope: float, intercept: float, x: np.ndarray, y: np.ndarray) -> float:
    return sum((slope * a + intercept - b) ** 2 for a, b in zip(x.tolist(), y.tolist(), strict=True)) / len(x)


def _gradient(slope: float, intercept: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Central differences, which are exact on a quadratic: nothing shared with the formula asked for."""
    def along(dm: float, dc: float) -> float:
        return (_loss(slope + dm, intercept + dc, x, y) - _loss(slope - dm, intercept - dc, x, y)) / 2
    return np.array([along(1, 0), along(0, 1)])


def _beta(x: np.ndarray) -> float:
    """Largest curvature of the mean squared error over (slope, intercept), from trace and determinant."""
    trace, determinant = float(np.mean(x**2)) + 1, float(np.var(x))
    return trace + float(np.sqrt(trace**2 - 4 * determinant))


@checker("mse", "it averages the squared misses of a line")
def check_mse(answer: Any) -> None:
    """``answer(slope, intercept, x, y)`` -> mean squared error.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        x, y, slope, intercept = _problem(seed)
        right, residual = _loss(slope, intercept, x, y), slope * x + intercept - y
        compare(call(answer, "mse", slope, intercept, x, y), right, "mse", {
            "this is the sum of the squares; divide by the number of samples": right * len(x),
            "this is half of it: the ½ belongs to lecture R's slide, not to the mean squared error": right / 2,
            "this is its square root; leave the root out": np.sqrt(right),
            "this averages absolute values; square the misses": np.abs(residual).mean(),
            "this averages the misses themselves, so that plus and minus cancel; square them first": residual.mean(),
            "this squares the mean; take the mean of the squares": residual.mean() ** 2,
            "slope and intercept seem to be swapped": _loss(intercept, slope, x, y),
            "this is one value for each sample; average them": residual**2,
        })


@checker("gradient", "it equals the finite differences of the loss")
def check_gradient(answer: Any) -> None:
    """``answer(slope, intercept, x, y)`` -> (dL/dslope, dL/dintercept) of the mean squared error.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        x, y, slope, intercept = _problem(seed)
        right = _gradient(slope, intercept, x, y)
        result = call(answer, "gradient", slope, intercept, x, y)
        if np.size(result) != 2:
            refuse("gradient should return two numbers, (dL/dslope, dL/dintercept)")
        residual = slope * x + intercept - y
        compare(np.ravel(np.asarray(result, dtype=float)), right, "gradient", {
            "the sign is wrong: this points downhill; differentiate (prediction − target)²": -right,
            "it is half of what it should be: the 2 from the square is missing": right / 2,
            "two things at once: the sign is wrong, and the 2 from the square is missing": -right / 2,
            "it is the gradient of the sum; divide by the number of samples": right * len(x),
            "the mean is missing, and the 2 from the square as well": right * len(x) / 2,
            "the two entries are swapped: the slope comes first": right[::-1],
            "the slope's entry lacks the factor x, the derivative of slope·x + intercept by the slope":
                np.array([right[1], right[1]]),
            "this multiplies the mean residual by the mean of x; multiply sample by sample, then average":
                np.array([2 * residual.mean() * x.mean(), right[1]]),
        }, rtol=1e-6)


@checker("train", "it takes every step from the place the last one reached")
def check_train(answer: Any) -> None:
    """``answer(x, y, eta, steps)`` -> (slope, intercept) after gradient descent from (0, 0).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, steps in ((0, 0), (1, 1), (2, 7)):
        x, y, _, _ = _problem(seed)
        eta = 0.4 / _beta(x)
        result = call(answer, "train", x, y, eta, steps)
        if np.size(result) != 2:
            refuse("train should return two numbers, (slope, intercept)")

        def walk(count: int, rate: float = eta, alternate: bool = False, x: np.ndarray = x,
                 y: np.ndarray = y) -> np.ndarray:
            theta = np.zeros(2)
            for _ in range(count):
                step = rate * _gradient(theta[0], theta[1], x, y)
                if alternate:
                    theta = theta - [step[0], 0]
                    theta = theta - [0, rate * _gradient(theta[0], theta[1], x, y)[1]]
                else:
                    theta = theta - step
            return theta

        right = walk(steps)
        compare(np.ravel(np.asarray(result, dtype=float)), right, "train", {
            "it climbs: subtract η times the gradient": walk(steps, -eta),
            "it took one step too many: range(steps) has `steps` rounds": walk(steps + 1),
            "it took one step too few: range(steps) has `steps` rounds": walk(max(steps - 1, 0)),
            "the steps are half as long as they should be: is the 2 from the square missing in the gradient?":
                walk(steps, eta / 2),
            "the intercept's step was computed with the slope already changed: compute both, then change both":
                walk(steps, alternate=True),
            "every step was computed at the start: compute the gradient anew in each round": steps * walk(1),
            "slope and intercept are swapped: the slope comes first": right[::-1],
        }, rtol=1e-6)


@checker("largest_stable_rate", "just below it gradient descent converges, just above it diverges")
def check_largest_stable_rate(answer: Any) -> None:
    """``answer(x)`` -> 2/beta for the mean squared error of a line over inputs ``x``.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        x = _problem(seed)[0]
        right, n = 2 / _beta(x), len(x)
        smallest = 2 * float(np.var(x)) * 2 / _beta(x)
        compare(call(answer, "largest_stable_rate", x), right, "largest_stable_rate", {
            "this is 1/β, a safe choice; the limit is 2/β": right / 2,
            "this is β itself; the limit is 2/β": 2 / right,
            "this belongs to the half-mean loss; the Hessian of the mean squared error is (2/n) AᵀA": right * 2,
            "this belongs to the sum of squares; the Hessian of the mean has (2/n) AᵀA": right / n,
            "this uses the smallest eigenvalue; the steepest direction breaks first": 2 / smallest,
            "this looks at the slope alone; put the column of ones into A, or the inputs must be centred":
                1 / np.mean(x**2),
        }, rtol=1e-5)


@checker("standardise", "mean 0 and standard deviation 1 in every column")
def check_standardise(answer: Any) -> None:
    """``answer(X)`` -> (Z, mean, std), column by column.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(0)
    X = rng.normal([3.0, -40.0, 0.5], [2.0, 15.0, 0.01], (30, 3))
    result = call(answer, "standardise", X)
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        refuse("standardise should return three things: Z, the means and the standard deviations")
    Z, mean, std = result
    right_mean = np.array([sum(column) / 30 for column in X.T.tolist()])
    right_std = np.sqrt(np.array([sum((v - m) ** 2 for v in c) / 30
                                  for c, m in zip(X.T.tolist(), right_mean, strict=True)]))
    right = (X - right_mean) / right_std
    compare(np.asarray(Z), right, "standardise, Z", {
        "the columns are centred but not scaled; divide by the standard deviation": X - right_mean,
        "the columns are scaled but not centred; subtract the mean first": X / right_std,
        "this divides by the variance; take its square root": (X - right_mean) / right_std**2,
        "this uses one mean and one standard deviation for the whole table; go column by column (axis=0)":
            (X - X.mean()) / X.std(),
        "this works along the rows; go column by column (axis=0)":
            (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True),
        "this divides by n − 1 inside the standard deviation; use 1/n, as the loss does":
            (X - right_mean) / X.std(0, ddof=1),
        "this maps to [0, 1] by minimum and maximum; use mean and standard deviation":
            (X - X.min(0)) / (X.max(0) - X.min(0)),
    })
    compare(np.ravel(mean), right_mean, "standardise, the means", {
        "means and standard deviations are swapped: Z, mean, std": right_std})
    compare(np.ravel(std), right_std, "standardise, the standard deviations", {
        "these are the variances; take the square root": right_std**2})


@checker("fit_in_one_step", "one step on standardised inputs lands on the least-squares line")
def check_fit_in_one_step(answer: Any) -> None:
    """``answer(x, y)`` -> (slope, intercept) of the least-squares line, in the original units.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        x, y, _, _ = _problem(seed, n=25)
        covariance = float(np.mean((x - x.mean()) * (y - y.mean())))
        slope = covariance / float(np.var(x))
        right = np.array([slope, y.mean() - slope * x.mean()])
        w, b, s = covariance / x.std(), y.mean(), x.std()
        result = call(answer, "fit_in_one_step", x, y)
        if np.size(result) != 2:
            refuse("fit_in_one_step should return two numbers, (slope, intercept)")
        compare(np.ravel(np.asarray(result, dtype=float)), right, "fit_in_one_step", {
            "this is the line in z, not in x: slope w/s, intercept b − w·mean/s": np.array([w, b]),
            "the slope is right, but the intercept is still that of z; subtract w·mean/s": np.array([w / s, b]),
            "the intercept was moved the wrong way: subtract w·mean/s": np.array([w / s, b + w * x.mean() / s]),
            "the intercept lacks the division by the standard deviation": np.array([w / s, b - w * x.mean()]),
            "one step went half of the way; on standardised inputs the Hessian is 2·I, so η = 1/β = 0.5":
                np.array([w / s, b - w * x.mean() / s]) / 2,
            "one step overshot to twice the answer: with η = 1 = 2/β it lands opposite; take η = 1/β = 0.5": 2 * right,
        }, rtol=1e-6)
