"""What theory promises: steps needed, gaps, rates and variances, each with its formula.

All is float64 numpy on the CPU by nature.  Sources: Y. Nesterov, Lectures on Convex
Optimization (2018), sections 2.1 and 2.2; H. Karimi, J. Nutini and M. Schmidt (2016) for
Polyak-Łojasiewicz functions; L. Bottou, F. Curtis and J. Nocedal, SIAM Review 60 (2018) 223,
for the stochastic bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks


def _gain(beta: float, eta: float | None) -> float:
    """eta (1 - beta eta / 2), what a step earns for each unit of squared gradient."""
    beta = checks.positive(beta, "beta")
    eta = 1 / beta if eta is None else checks.positive(eta, "eta")
    if eta >= 2 / beta:
        raise ValueError(f"eta must be below 2/beta = {2 / beta:.6g}, got {eta:.6g}: nothing is promised beyond")
    return eta * (1 - beta * eta / 2)


def _count(T: Any) -> np.ndarray:
    T = checks.array(T, "T")
    if (T < 1).any():
        raise ValueError("T must be at least 1: no bound is promised before the first step")
    return T


def _curved(beta: float, mu: float) -> tuple[float, float]:
    beta, mu = checks.positive(beta, "beta"), checks.positive(mu, "mu")
    if mu > beta * (1 + 1e-12):
        raise ValueError(f"mu must not exceed beta = {beta:.6g}, got {mu:.6g}")
    return beta, min(mu, beta)


def descent_lemma(value: Any, gradient_norm: Any, beta: float, eta: float | None = None) -> np.ndarray:
    r"""The most that L can be after a step of gradient descent.

    .. math:: L(\theta - \eta\nabla L) \le L - \eta(1 - \beta\eta/2)\|\nabla L\|^2

    :param value: L before the step, a number or an array.
    :param gradient_norm: :math:`\|\nabla L\|` there, of that shape.
    :param beta: smoothness β, positive.
    :param eta: step size, positive, below 2/beta; None for 1/beta.
    :returns: the bound, of the shape of value.
    :raises ValueError: if a number is out of its range.

    Source: Nesterov (2018), section 1.2.3.
    """
    value, norm = checks.array(value, "value"), checks.array(gradient_norm, "gradient_norm")
    if (norm < 0).any():
        raise ValueError("gradient_norm must not be negative")
    return value - _gain(beta, eta) * norm**2


def stationary_steps(beta: float, gap: float, eps: Any, eta: float | None = None) -> Any:
    r"""Steps after which some gradient norm has been at most eps.

    .. math:: T = \frac{L_0 - L^*}{\eta(1 - \beta\eta/2)\,\varepsilon^2}
              \quad\Bigl(= \frac{2\beta(L_0 - L^*)}{\varepsilon^2} \text{ for } \eta = 1/\beta\Bigr)

    :param beta: smoothness β, positive.
    :param gap: height of the start above the minimum, :math:`L_0 - L^*`.
    :param eps: the gradient norm that is asked for, positive, a number or an array.
    :param eta: step size, positive, below 2/beta; None for 1/beta.
    :returns: the number of steps, not rounded, of the shape of eps.
    :raises ValueError: if a number is out of its range.
    """
    eps = checks.array(eps, "eps")
    if (eps <= 0).any():
        raise ValueError("eps must be positive")
    return (checks.nonnegative(gap, "gap") / (_gain(beta, eta) * eps**2))[()]


def stationary_norm(beta: float, gap: float, T: Any, eta: float | None = None) -> np.ndarray:
    r"""The same bound read the other way: the smallest of the first T gradient norms is at most this.

    .. math:: \min_{t < T} \|\nabla L(\theta_t)\| \le \sqrt{\frac{L_0 - L^*}{\eta(1 - \beta\eta/2)\,T}}

    :param beta: smoothness β, positive.
    :param gap: height of the start above the minimum, :math:`L_0 - L^*`.
    :param T: steps, a number or an array, at least 1.
    :param eta: step size, positive, below 2/beta; None for 1/beta.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.
    """
    return np.sqrt(checks.nonnegative(gap, "gap") / (_gain(beta, eta) * _count(T)))


def convex_gap(beta: float, distance: float, T: Any) -> np.ndarray:
    r"""What gradient descent with eta = 1/beta leaves of a convex L.

    .. math:: L_T - L^* \le \frac{\beta\|\theta_0 - \theta^*\|^2}{2T}

    :param beta: smoothness β, positive.
    :param distance: :math:`\|\theta_0 - \theta^*\|`.
    :param T: steps, a number or an array, at least 1.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.
    """
    return checks.positive(beta, "beta") * checks.nonnegative(distance, "distance") ** 2 / (2 * _count(T))


def accelerated_gap(beta: float, distance: float, T: Any) -> np.ndarray:
    r"""What Nesterov's method leaves of a convex L.

    .. math:: L_T - L^* \le \frac{2\beta\|\theta_0 - \theta^*\|^2}{(T + 1)^2}

    :param beta: smoothness β, positive.
    :param distance: :math:`\|\theta_0 - \theta^*\|`.
    :param T: steps, a number or an array, at least 1.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.

    Source: A. Beck and M. Teboulle, SIAM J. Imaging Sciences 2 (2009) 183, theorem 4.4.
    """
    return 2 * checks.positive(beta, "beta") * checks.nonnegative(distance, "distance") ** 2 / (_count(T) + 1) ** 2


def lower_gap(beta: float, dim: int, T: Any) -> np.ndarray:
    r"""What every first-order method leaves on ``NesterovWorst(dim, beta)`` from 0.

    .. math:: L_T - L^* \ge \frac\beta8\Bigl(\frac1{T+1} - \frac1{\dim+1}\Bigr)

    :param beta: smoothness β, positive.
    :param dim: dimension of the function, at least 2.
    :param T: steps, a number or an array, 1 to dim.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.

    Source: Nesterov (2018), section 2.1.2.
    """
    T, dim = _count(T), checks.integer(dim, "dim", at_least=2)
    if (T > dim).any():
        raise ValueError(f"T must be at most dim = {dim}: after that all coordinates have been seen")
    return checks.positive(beta, "beta") / 8 * (1 / (T + 1) - 1 / (dim + 1))


def strongly_convex_gap(beta: float, mu: float, gap: float, T: Any, eta: float | None = None) -> np.ndarray:
    r"""What gradient descent leaves of a strongly convex L, or of a Polyak-Łojasiewicz one.

    .. math:: L_T - L^* \le (1 - 2\mu\eta(1 - \beta\eta/2))^T (L_0 - L^*)

    With eta = 1/beta the factor is :math:`1 - \mu/\beta`.

    :param beta: smoothness β, positive.
    :param mu: convexity or Polyak-Łojasiewicz constant μ, positive, at most beta.
    :param gap: height of the start above the minimum, :math:`L_0 - L^*`.
    :param T: steps, a number or an array, at least 1.
    :param eta: step size, positive, below 2/beta; None for 1/beta.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.

    Source: Karimi, Nutini and Schmidt (2016), theorem 1.
    """
    beta, mu = _curved(beta, mu)
    return checks.nonnegative(gap, "gap") * (1 - 2 * mu * _gain(beta, eta)) ** _count(T)


def strongly_convex_distance(beta: float, mu: float, distance: float, T: Any, eta: float | None = None) -> np.ndarray:
    r"""How far gradient descent still is from the minimiser of a strongly convex L.

    .. math:: \|\theta_T - \theta^*\| \le \Bigl(1 - \frac{2\eta\beta\mu}{\beta+\mu}\Bigr)^{T/2}\|\theta_0 - \theta^*\|

    At eta = 1/beta the square shrinks at least by 1 - mu/beta a step.

    :param beta: smoothness β, positive.
    :param mu: convexity constant μ, positive, at most beta.
    :param distance: :math:`\|\theta_0 - \theta^*\|`.
    :param T: steps, a number or an array, at least 1.
    :param eta: step size, positive, at most 2/(beta + mu); None for 1/beta.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.

    Source: Nesterov (2018), section 2.1.5.
    """
    beta, mu = _curved(beta, mu)
    eta = 1 / beta if eta is None else checks.positive(eta, "eta")
    if eta > 2 / (beta + mu) * (1 + 1e-12):
        raise ValueError(f"eta must be at most 2/(beta + mu) = {2 / (beta + mu):.6g}, got {eta:.6g}")
    factor = max(0.0, 1 - 2 * eta * beta * mu / (beta + mu))
    return checks.nonnegative(distance, "distance") * factor ** (_count(T) / 2)


def minibatch_variance(n: int, B: int, var: float, replacement: bool = True) -> float:
    r"""Variance of the mean of B out of n numbers (or vectors).

    .. math:: \frac{\text{var}}B \text{ with replacement}, \qquad
              \frac{\text{var}}B \cdot \frac{n - B}{n - 1} \text{ without}

    :param n: how many there are.
    :param B: how many are drawn.
    :param var: their own variance, divided by n.
    :param replacement: whether one may be drawn twice.
    :returns: the variance of the mean.
    :raises ValueError: if a count is below 1, B exceeds n without replacement, or var is negative.
    """
    n = checks.integer(n, "n", at_least=1)
    checks.instance(replacement, "replacement", bool)
    B = checks.integer(B, "B", at_least=1, at_most=None if replacement else n)
    var = checks.nonnegative(var, "var")
    return var / B if replacement or n == 1 else var / B * (n - B) / (n - 1)


def _slow(beta: float, eta: float) -> tuple[float, float]:
    beta, eta = checks.positive(beta, "beta"), checks.positive(eta, "eta")
    if eta > 1 / beta * (1 + 1e-12):
        raise ValueError(f"eta must be at most 1/beta = {1 / beta:.6g}, got {eta:.6g}")
    return beta, eta


def sgd_stationary(beta: float, gap: float, T: Any, var: float, eta: float) -> np.ndarray:
    r"""What SGD leaves of the gradient, in the mean over the first T iterates.

    .. math:: \frac1T \sum_{t<T} E\|\nabla L(\theta_t)\|^2 \le
              \frac{2(L_0 - L^*)}{\eta T} + \beta\eta\,\mathrm{var}

    :param beta: smoothness β, positive.
    :param gap: height of the start above the minimum, :math:`L_0 - L^*`.
    :param T: steps, a number or an array, at least 1.
    :param var: variance of a gradient estimate (mean squared length of its error).
    :param eta: step size, positive, at most 1/beta.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.

    Source: Bottou, Curtis and Nocedal (2018), theorem 4.8.
    """
    beta, eta = _slow(beta, eta)
    return 2 * checks.nonnegative(gap, "gap") / (eta * _count(T)) + beta * eta * checks.nonnegative(var, "var")


def sgd_convex_gap(beta: float, distance: float, T: Any, var: float, eta: float) -> np.ndarray:
    r"""What SGD leaves of a convex L, in the mean over the iterates 1 to T.

    .. math:: \frac1T \sum_{t=1}^T E\,L(\theta_t) - L^* \le
              \frac{\|\theta_0 - \theta^*\|^2}{2\eta T} + \eta\,\mathrm{var}

    :param beta: smoothness β, positive.
    :param distance: :math:`\|\theta_0 - \theta^*\|`.
    :param T: steps, a number or an array, at least 1.
    :param var: variance of a gradient estimate (mean squared length of its error).
    :param eta: step size, positive, at most 1/beta.
    :returns: the bound, of the shape of T.
    :raises ValueError: if a number is out of its range.
    """
    beta, eta = _slow(beta, eta)
    return checks.nonnegative(distance, "distance") ** 2 / (2 * eta * _count(T)) + eta * checks.nonnegative(var, "var")
