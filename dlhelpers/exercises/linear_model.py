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


def _factor(x: np.ndarray, eta: float) -> float:
    """The k for which x/k has the largest curvature 2/eta, by bisection; NaN where there is none."""
    low, high = 1e-6, 1e6
    if not _beta(x / high) < 2 / eta < _beta(x / low):
        return float("nan")
    for _ in range(200):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if _beta(x / middle) > 2 / eta else (low, middle)
    return low


@checker("weighted_gradient", "it equals the finite differences of the weighted loss")
def check_weighted_gradient(answer: Any) -> None:
    """``answer(slope, intercept, x, y, weight)`` -> gradient of the weighted mean squared error.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        x, y, slope, intercept = _problem(seed)
        weight = np.random.default_rng(100 + seed).uniform(0.2, 3.0, len(x))
        total = float(weight.sum())

        def derivatives(counts: np.ndarray, x: np.ndarray = x, y: np.ndarray = y, m: float = slope,
                        c: float = intercept) -> np.ndarray:
            """Central differences of the sum of counts · squared misses: exact on a quadratic."""
            def loss(m: float, c: float) -> float:
                return sum(w * (m * a + c - b) ** 2 for w, a, b in zip(counts, x, y, strict=True))
            return np.array([loss(m + 1, c) - loss(m - 1, c), loss(m, c + 1) - loss(m, c - 1)]) / 2

        right = derivatives(weight / total)
        prediction_only = weight * (slope * x + intercept) - y
        result = call(answer, "weighted_gradient", slope, intercept, x, y, weight)
        if np.shape(result) == (2, len(x)):
            refuse("weighted_gradient gives one value for each sample: add them up, with their weights")
        if np.size(result) != 2:
            refuse("weighted_gradient should return two numbers, (dL/dslope, dL/dintercept)")
        compare(np.ravel(np.asarray(result, dtype=float)), right, "weighted_gradient", {
            "the sign is wrong: this points downhill; differentiate (prediction − target)²": -right,
            "it is half of what it should be: the 2 from the square is missing": right / 2,
            "it is the gradient of the weighted sum; divide by the sum of the weights": right * total,
            "this divides by the number of samples; a weighted mean divides by the sum of the weights":
                right * total / len(x),
            "it is the gradient of the weighted sum, and the 2 from the square is missing; divide by the sum of the "
            "weights": right * total / 2,
            "this divides by the number of samples, and the 2 from the square is missing; divide by the sum of the "
            "weights": right * total / len(x) / 2,
            "the weights touch the prediction only; each belongs to a whole squared miss":
                2 * np.array([np.sum(prediction_only * x), np.sum(prediction_only)]) / total,
            "the weights are not used: this is the gradient of the plain mean": _gradient(slope, intercept, x, y),
            "the intercept is missing from the prediction: it is slope·x + intercept":
                derivatives(weight / total, c=0.0),
            "the weights count twice: the residual is squared, the weight is not": derivatives(weight**2 / total),
            "the two entries are swapped: the slope comes first": right[::-1],
            "the slope's entry lacks the factor x, the derivative of slope·x + intercept by the slope":
                np.array([right[1], right[1]]),
        }, rtol=1e-6)


@checker("where_it_ends", "three slopes of a log tell where it goes")
def check_where_it_ends(answer: Any) -> None:
    """``answer(m0, m1, m2)`` -> the limit of a sequence whose distance from it shrinks by one factor a step.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for right, distance, factor in ((3.0, -4.0, 0.3), (-1.5, 2.5, 0.9), (0.7, 5.0, -0.6)):
        m0, m1, m2 = (right + distance * factor**k for k in range(3))
        last, before = m2 - m1, m1 - m0
        size = abs(last / before)
        compare(call(answer, "where_it_ends", m0, m1, m2), right, "where_it_ends", {
            "this is the last slope of the log; it still has some way to go": m2,
            "this is only the next step; add all the steps that follow it too": m2 + last * factor,
            "this goes on with the last step unchanged; the steps shrink": m2 + last,
            "this is the way that is still to go; add it to where the log stops": right - m2,
            "this counts the last step twice: from m2 on, the first step to come is already smaller":
                m2 + last / (1 - factor),
            "this adds what is still to come after m2 to an earlier slope": m1 + last * factor / (1 - factor),
            "the factor is upside down: divide the later difference by the earlier one":
                m2 + last / factor / (1 - 1 / factor),
            "this takes m2/m1 for the factor; not the slopes shrink by it, but their differences":
                m2 + last * (m2 / m1) / (1 - m2 / m1),
            "the factor may be negative, when the slopes zigzag: keep its sign": m2 + last * size / (1 - size),
            "this is the mean of the three slopes": (m0 + m1 + m2) / 3,
            "what is still to come has the wrong sign": m2 - last * factor / (1 - factor),
            "this takes the factor from the first difference to the last slope: is an index shifted?":
                m2 + before * factor / (1 - factor),
        }, rtol=1e-6)


@checker("train_in_batches", "one step a batch, from the place the last one reached")
def check_train_in_batches(answer: Any) -> None:
    """``answer(x, y, eta, batch, epochs)`` -> (slope, intercept) after gradient descent on batches in order.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, batch, epochs in ((2, 5, 4), (1, 12, 2), (0, 4, 0), (3, 1, 2)):
        x, y, _, _ = _problem(seed)
        eta = 0.2 / max(_beta(x), float(2 * np.max(x**2) + 2))
        n = len(x)

        def walk(rate: float = eta, rounds: int = epochs, how: str = "", x: np.ndarray = x,
                 y: np.ndarray = y, batch: int = batch, n: int = n) -> np.ndarray:
            theta, origin = np.zeros(2), np.zeros(2)
            parts = [np.arange(n)[first:first + batch] for first in range(0, n, batch)]
            if how == "count":
                parts = np.array_split(np.arange(n), batch)
            elif how == "count, cut":
                parts = [np.arange(n)[first:first + n // batch] for first in range(0, n, n // batch)]
            for number in range(rounds):
                origin = theta
                if how == "reset":
                    theta = np.zeros(2)
                chosen = {"one": parts[:1], "next": [parts[number % len(parts)]]}.get(how, parts)
                for part in chosen:
                    a, b = x[part], y[part]
                    if how == "full":
                        a, b = x, y
                    if how == "whole only" and len(a) < batch:
                        continue
                    at = origin if how == "stale" else theta
                    size = {"sum": len(a), "half sum": len(a) / 2, "by n": len(a) / n,
                            "by batch": len(a) / batch}.get(how, 1.0)
                    step = rate * size * _gradient(at[0], at[1], a, b)
                    if how == "slope only":
                        step[1] = 0
                    if how == "alternate":
                        theta = theta - [step[0], 0]
                        step = np.array([0, rate * _gradient(theta[0], theta[1], a, b)[1]])
                    if how == "intercept first":
                        theta = theta - [0, step[1]]
                        step = np.array([rate * _gradient(theta[0], theta[1], a, b)[0], 0])
                    theta = theta - step
            return theta

        result = call(answer, "train_in_batches", x, y, eta, batch, epochs)
        if np.size(result) != 2:
            refuse("train_in_batches should return two numbers, (slope, intercept)")
        right = walk()
        compare(np.ravel(np.asarray(result, dtype=float)), right, "train_in_batches", {
            "it climbs: subtract η times the gradient": walk(-eta),
            "this uses all samples in every step; each step sees its own batch only": walk(how="full"),
            "this takes one step an epoch; every batch gives a step": walk(how="one"),
            "this takes one batch an epoch; an epoch goes through all batches": walk(how="next"),
            "`batch` was taken for the number of batches; it is the number of samples in each": walk(how="count"),
            "`batch` was taken for the number of batches, not of the samples in each": walk(how="count, cut"),
            "the intercept never moved: it has a derivative of its own": walk(how="slope only"),
            "the steps use the sum over the batch, without the 2 from the square; use the mean, and the 2":
                walk(how="half sum"),
            "the last, smaller batch is left out": walk(how="whole only"),
            "the steps use the sum over the batch; use its mean": walk(how="sum"),
            "each batch's sum is divided by the number of all samples; divide by the size of the batch":
                walk(how="by n"),
            "the last, smaller batch is divided by `batch`; divide it by its own number of samples":
                walk(how="by batch"),
            "this is where the first epoch ends: does every epoch begin at 0 again, or does the function return too "
            "early?": walk(how="reset"),
            "the steps are half as long as they should be: is the 2 from the square missing in the gradient?":
                walk(eta / 2),
            "all steps of an epoch were computed at its start: compute each where the last one ended":
                walk(how="stale"),
            "the intercept's step was computed with the slope already changed: compute both, then change both":
                walk(how="alternate"),
            "the slope's step was computed with the intercept already changed: compute both, then change both":
                walk(how="intercept first"),
            "it went through the data once too often": walk(rounds=epochs + 1),
            "it went through the data once too few": walk(rounds=max(epochs - 1, 0)),
            "slope and intercept are swapped: the slope comes first": right[::-1],
        }, rtol=1e-6)


@checker("factor_for_rate", "η is exactly the limit of the inputs so divided; the targets move the minimum only")
def check_factor_for_rate(answer: Any) -> None:
    """``answer(x, eta)`` -> the factor k for which eta is 2/beta of a line over ``x / k``; infinite for eta >= 1.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, eta in enumerate((0.05, 0.8, 0.3)):
        x = _problem(seed)[0]
        n, right = len(x), _factor(x, eta)
        compare(call(answer, "factor_for_rate", x, eta), right, "factor_for_rate", {
            "this is what to multiply the inputs by; they are divided": 1 / right,
            "this is k²; take the root": right**2,
            "this shrinks the whole Hessian by k²; the column of ones is not divided, only what holds x is":
                np.sqrt(_beta(x) * eta / 2),
            "this lets β shrink in proportion to the inputs; it holds their squares, and the column of ones":
                _beta(x) * eta / 2,
            "this looks at the slope's own curvature; slope and intercept interfere unless the inputs are centred":
                np.sqrt(np.mean(x**2) * eta),
            "this takes the variance for the curvature: that holds for centred inputs only":
                np.sqrt(np.var(x) * eta),
            "this makes η the safe choice 1/β; it is to be the limit, 2/β": _factor(x, 2 * eta),
            "this belongs to the half-mean loss; the mean squared error is twice as curved": _factor(x, eta / 2),
            "this belongs to the sum of squares; the mean squared error is less curved by n": _factor(x, n * eta),
        }, rtol=1e-5)
    for eta in (1.0, 1.7):
        result = call(answer, "factor_for_rate", _problem(3)[0], eta, if_none="factor_for_rate returned None: where no "
                      "factor is large enough, return np.inf")
        if np.size(result) != 1 or not np.isposinf(np.asarray(result, dtype=float)).all():
            refuse("factor_for_rate should be np.inf for an η of 1 or more: the column of ones alone has the curvature "
                   "2, whatever the inputs are divided by")


@checker("standardise", "mean 0 and standard deviation 1 in every column")
def check_standardise(answer: Any) -> None:
    """``answer(X)`` -> (Z, mean, std), column by column.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(0)
    X = rng.normal([3.0, -40.0, 0.5, 0.0, 7.0, 0.1], [2.0, 15.0, 0.01, 0.0, 0.0, 0.0], (30, 6))
    result = call(answer, "standardise", X)
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        refuse("standardise should return three things: Z, the means and the standard deviations")
    Z, mean, std = result
    right_mean = np.array([sum(column) / 30 for column in X.T.tolist()])
    # A computed standard deviation of equal numbers need not be 0 (0.1 gives 4e-17): ask for equality.
    varies = np.array([len(set(column)) > 1 for column in X.T.tolist()])
    right_std = np.sqrt(np.array([sum((v - m) ** 2 for v in c) / 30
                                  for c, m in zip(X.T.tolist(), right_mean, strict=True)]))
    right_std = np.where(varies, right_std, 1.0)
    right = (X - right_mean) / right_std
    if not np.isfinite(np.asarray(Z, dtype=float)).all():
        refuse("standardise, Z holds numbers that are not finite: a column that never changes has the standard "
               "deviation 0; divide by 1 there")
    rounded = X.std(0)
    compare(np.asarray(Z), right, "standardise, Z", {
        "a constant column did not come out as zeros: rounding leaves its standard deviation at about 1e-17, so "
        "`std > 0` or `std == 0` does not find it; test whether its greatest and least value agree":
            (X - X.mean(0)) / np.where(rounded > 0, rounded, 1.0),
        "standard deviations below 1 were raised to 1; only those of constant columns become 1":
            (X - right_mean) / np.maximum(right_std, 1.0),
        "the columns are centred but not scaled; divide by the standard deviation": X - right_mean,
        "the columns are scaled but not centred; subtract the mean first": X / right_std,
        "this divides by the variance; take its square root": (X - right_mean) / right_std**2,
        "this uses one mean and one standard deviation for the whole table; go column by column (axis=0)":
            (X - X.mean()) / X.std(),
        "this works along the rows; go column by column (axis=0)":
            (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True),
        "this divides by n − 1 inside the standard deviation; use 1/n, as the loss does":
            (X - right_mean) / np.where(varies, X.std(0, ddof=1), 1.0),
        "this maps to [0, 1] by minimum and maximum; use mean and standard deviation":
            (X - X.min(0)) / np.where(varies, np.ptp(X, 0), 1.0),
    })
    compare(np.ravel(mean), right_mean, "standardise, the means", {
        "means and standard deviations are swapped: Z, mean, std": right_std})
    compare(np.ravel(std), right_std, "standardise, the standard deviations", {
        "these are the variances; take the square root": right_std**2,
        "a column that never changes is stored as 0: return the 1 that you divided by, new data need it":
            np.where(varies, right_std, 0.0)})


@checker("step_in_z", "a step in standardised coordinates goes straight towards the least-squares line")
def check_step_in_z(answer: Any) -> None:
    """``answer(slope, intercept, x, y, eta)`` -> the line after one step in the coordinates of standardised x.

    The oracle takes no step: there the Hessian is 2 I, so the step covers the share 2 eta of the straight way.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, eta in enumerate((0.15, 0.5, 0.25)):
        x, y, m, c = _problem(seed, n=25)
        mean, s, height = float(x.mean()), float(x.std()), float(y.mean())
        best = float(np.mean((x - mean) * (y - height)) / np.var(x))
        w, b, goal = m * s, c + m * mean, np.array([best * s, height])
        start, bottom = np.array([m, c]), np.array([best, height - best * mean])
        right = start + 2 * eta * (bottom - start)

        def stepped(w: float = w, b: float = b, goal: np.ndarray = goal, share: float = 2 * eta) -> np.ndarray:
            return np.array([w, b]) + share * (goal - [w, b])

        def back(line: np.ndarray, s: float = s, mean: float = mean) -> np.ndarray:
            return np.array([line[0] / s, line[1] - line[0] * mean / s])

        new, unbiased = stepped(), m + 2 * eta * 24 / 25 * (best - m)  # the variance of z is then 24/25
        result = call(answer, "step_in_z", m, c, x, y, eta)
        if np.size(result) != 2:
            refuse("step_in_z should return two numbers, (slope, intercept)")
        compare(np.ravel(np.asarray(result, dtype=float)), right, "step_in_z", {
            "this is the line in z: write w·z + b out in terms of x": new,
            "the line was not translated into z before the step: its w and b are not slope and intercept":
                back(stepped(m, c)),
            "the line was translated neither into z nor back": stepped(m, c),
            "this step was taken in x, not in z": start - eta * _gradient(m, c, x, y),
            "on the way into z the intercept was moved the wrong way: at z = 0 the line is at x = mean":
                back(stepped(b=c - m * mean)),
            "on the way into z the intercept was left as it was: z = 0 is not x = 0": back(stepped(b=c)),
            "on the way into z the slope was left as it was: one unit of z is s units of x": back(stepped(w=m)),
            "on the way into z the slope was divided by s: one unit of z is s units of x": back(stepped(w=m / s)),
            "on the way back the intercept was moved the wrong way": np.array([new[0] / s, new[1] + new[0] * mean / s]),
            "on the way back the intercept is still that of z": np.array([new[0] / s, new[1]]),
            "on the way back the intercept lacks the division by s": np.array([new[0] / s, new[1] - new[0] * mean]),
            "on the way back the slope was multiplied by s; one unit of x is 1/s units of z":
                np.array([new[0] * s, new[1] - new[0] * mean / s]),
            "on the way back the slope was multiplied by s, for the intercept too":
                np.array([new[0] * s, new[1] - new[0] * s * mean]),
            "the standard deviation has 1/(n − 1); with 1/n the Hessian in z is 2·I":
                np.array([unbiased, new[1] - unbiased * mean]),
            "the step is half as long as it should be: is the 2 from the square missing in the gradient?":
                start + eta * (bottom - start),
            "it climbs: subtract η times the gradient": start - 2 * eta * (bottom - start),
            "the step uses the sum over the samples; use the mean": start + 50 * eta * (bottom - start),
            "this is the line of least squares: it takes one step only if η = 1/β, and η is given": bottom,
            "the targets were standardised as well; they stay as they are":
                back(stepped(goal=np.array([best * s / y.std(), 0.0]))),
            "nothing moved: this is the line that came in": start,
            "slope and intercept are swapped: the slope comes first": right[::-1],
        }, rtol=1e-6)
