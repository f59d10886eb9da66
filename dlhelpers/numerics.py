r"""A few array functions that several rooms need: σ and softmax without overflow, Newton's method.

Everything is float64 numpy on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


def sigmoid(z: Any) -> np.ndarray:
    r"""The logistic function :math:`\sigma(z) = 1/(1 + e^{-z})`, element by element, without overflow.

    :param z: logits, of any shape.
    :returns: numbers in [0, 1], of the shape of z.
    """
    # tanh never overflows, exp(-z) does.
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z, dtype=np.float64)))


def softmax(z: Any) -> np.ndarray:
    r""":math:`S(z)_k = e^{z_k}/\sum_j e^{z_j}` along the last axis, without overflow.

    :param z: scores (..., K).
    :returns: probabilities (..., K) that sum to 1 along the last axis.
    """
    z = np.asarray(z, dtype=np.float64)
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Found(NamedTuple):
    """Where :func:`newton` ended: the point (d,), the steps taken, whether the gradient is small there."""

    theta: np.ndarray
    steps: int
    converged: bool


def newton(value: Callable[[np.ndarray], Any], gradient: Callable[[np.ndarray], np.ndarray],
           hessian: Callable[[np.ndarray], np.ndarray], start: np.ndarray, *, steps: int = 50,
           tol: float = 1e-10) -> Found:
    r"""Damped Newton's method, :math:`\theta \leftarrow \theta - s\,H(\theta)^{-1}\nabla L(\theta)`.

    s is 1; a step that would raise the function is halved until it does not.  Where the
    Hessian is singular the step is the one of least norm.

    :param value: the function L, (d,) to a number.
    :param gradient: its gradient, (d,) to (d,).
    :param hessian: its Hessian, (d,) to (d, d).
    :param start: the first point, (d,).
    :param steps: steps at most.
    :param tol: done when no entry of the gradient is larger.
    :returns: :class:`Found`.

    Source: S. Boyd and L. Vandenberghe, Convex Optimization, 2004, algorithm 9.5
    (there with sufficient decrease, here with any).
    """
    theta, taken = np.array(start, dtype=np.float64), 0
    while True:
        slope = gradient(theta)
        converged = bool(np.abs(slope).max() <= tol)
        if converged or taken == steps:
            return Found(theta, taken, converged)
        step, size, now = solve(hessian(theta), slope), 1.0, value(theta)
        while value(theta - size * step) > now and size > 1e-6:
            size /= 2
        theta, taken = theta - size * step, taken + 1


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution x of ``matrix @ x = right``; the one of least norm where the matrix is singular.

    :param matrix: square, (d, d).
    :param right: (d,) or (d, k).
    :returns: (d,) or (d, k).
    """
    try:
        found = np.linalg.solve(matrix, right)
        if np.isfinite(found).all():
            return found
    except np.linalg.LinAlgError:
        pass
    return np.linalg.lstsq(matrix, right, rcond=None)[0]
