"""What lecture 02's checkers compare with: a line's loss, its gradient and its curvature, by other ways than asked."""

from __future__ import annotations

import numpy as np


def problem(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Inputs off centre, noisy targets, and a guess: no two mistakes give the same number.

    :param seed: of the random numbers.
    :param n: how many inputs.
    :returns: inputs (n,), targets (n,), a slope, an intercept.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(1.5, 2.0, n)
    return x, 3 * x - 1 + rng.normal(0, 0.5, n), float(rng.normal(1, 1)), float(rng.normal(-2, 1))


def loss(slope: float, intercept: float, x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error of a line.

    :param slope: of the line.
    :param intercept: of the line.
    :param x: inputs (n,).
    :param y: targets (n,).
    :returns: the mean of the squared misses.
    """
    return sum((slope * a + intercept - b) ** 2 for a, b in zip(x.tolist(), y.tolist(), strict=True)) / len(x)


def gradient(slope: float, intercept: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Central differences, which are exact on a quadratic: nothing shared with the formula asked for.

    :param slope: of the line.
    :param intercept: of the line.
    :param x: inputs (n,).
    :param y: targets (n,).
    :returns: derivatives of :func:`loss` with respect to slope and intercept, (2,).
    """
    def along(dm: float, dc: float) -> float:
        return (loss(slope + dm, intercept + dc, x, y) - loss(slope - dm, intercept - dc, x, y)) / 2
    return np.array([along(1, 0), along(0, 1)])


def beta(x: np.ndarray) -> float:
    """Largest curvature of the mean squared error over (slope, intercept), from trace and determinant.

    :param x: inputs (n,).
    :returns: the smoothness of :func:`loss`.
    """
    trace, determinant = float(np.mean(x**2)) + 1, float(np.var(x))
    return trace + float(np.sqrt(trace**2 - 4 * determinant))


def factor(x: np.ndarray, eta: float) -> float:
    """The k for which x/k has the largest curvature 2/eta, by bisection.

    :param x: inputs (n,).
    :param eta: a learning rate.
    :returns: k, or NaN where there is none.
    """
    low, high = 1e-6, 1e6
    if not beta(x / high) < 2 / eta < beta(x / low):
        return float("nan")
    for _ in range(200):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if beta(x / middle) > 2 / eta else (low, middle)
    return low
