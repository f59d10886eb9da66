"""What theory promises: steps needed, gaps, rates and variances, each with its formula."""

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
    r"""The most that L can be after a step: :math:`L - \eta(1 - \beta\eta/2)\|\nabla L\|^2`, for eta < 2/beta."""
    value, norm = checks.array(value, "value"), checks.array(gradient_norm, "gradient_norm")
    if (norm < 0).any():
        raise ValueError("gradient_norm must not be negative")
    return value - _gain(beta, eta) * norm**2


def stationary_steps(beta: float, gap: float, eps: Any, eta: float | None = None) -> Any:
    r"""Steps after which some gradient norm is at most eps:
    :math:`(L_0 - L^*)/(\eta(1 - \beta\eta/2)\varepsilon^2)`, which is
    :math:`2\beta(L_0 - L^*)/\varepsilon^2` for eta = 1/beta (the default)."""
    eps = checks.array(eps, "eps")
    if (eps <= 0).any():
        raise ValueError("eps must be positive")
    return (checks.nonnegative(gap, "gap") / (_gain(beta, eta) * eps**2))[()]


def stationary_norm(beta: float, gap: float, T: Any, eta: float | None = None) -> np.ndarray:
    """The same bound read the other way: the smallest of the first T gradient norms is at most this."""
    return np.sqrt(checks.nonnegative(gap, "gap") / (_gain(beta, eta) * _count(T)))


def convex_gap(beta: float, distance: float, T: Any) -> np.ndarray:
    r"""Convex L, eta = 1/beta: :math:`L_T - L^* \le \beta\|\theta_0 - \theta^*\|^2/(2T)`."""
    return checks.positive(beta, "beta") * checks.nonnegative(distance, "distance") ** 2 / (2 * _count(T))


def accelerated_gap(beta: float, distance: float, T: Any) -> np.ndarray:
    r"""Convex L, Nesterov's method: :math:`L_T - L^* \le 2\beta\|\theta_0 - \theta^*\|^2/(T + 1)^2`."""
    return 2 * checks.positive(beta, "beta") * checks.nonnegative(distance, "distance") ** 2 / (_count(T) + 1) ** 2


def lower_gap(beta: float, dim: int, T: Any) -> np.ndarray:
    r"""What every first-order method leaves on ``NesterovWorst(dim, beta)`` from 0, T <= dim:
    :math:`L_T - L^* \ge \frac\beta8\bigl(\frac1{T+1} - \frac1{\dim+1}\bigr)`."""
    T, dim = _count(T), checks.integer(dim, "dim", at_least=2)
    if (T > dim).any():
        raise ValueError(f"T must be at most dim = {dim}: after that all coordinates have been seen")
    return checks.positive(beta, "beta") / 8 * (1 / (T + 1) - 1 / (dim + 1))


def strongly_convex_gap(beta: float, mu: float, gap: float, T: Any, eta: float | None = None) -> np.ndarray:
    r""":math:`L_T - L^* \le (1 - 2\mu\eta(1 - \beta\eta/2))^T (L_0 - L^*)`; with eta = 1/beta the
    factor is :math:`1 - \mu/\beta`.  It needs only the Polyak-Łojasiewicz constant for mu."""
    beta, mu = _curved(beta, mu)
    return checks.nonnegative(gap, "gap") * (1 - 2 * mu * _gain(beta, eta)) ** _count(T)


def strongly_convex_distance(beta: float, mu: float, distance: float, T: Any, eta: float | None = None) -> np.ndarray:
    r""":math:`\|\theta_T - \theta^*\| \le (1 - 2\eta\beta\mu/(\beta+\mu))^{T/2}\|\theta_0 - \theta^*\|`
    for eta up to 2/(beta + mu); at eta = 1/beta the square shrinks at least by 1 - mu/beta a step."""
    beta, mu = _curved(beta, mu)
    eta = 1 / beta if eta is None else checks.positive(eta, "eta")
    if eta > 2 / (beta + mu) * (1 + 1e-12):
        raise ValueError(f"eta must be at most 2/(beta + mu) = {2 / (beta + mu):.6g}, got {eta:.6g}")
    factor = max(0.0, 1 - 2 * eta * beta * mu / (beta + mu))
    return checks.nonnegative(distance, "distance") * factor ** (_count(T) / 2)


def minibatch_variance(n: int, B: int, var: float, replacement: bool = True) -> float:
    """Variance of the mean of B out of n numbers (or vectors) whose own variance, over n, is ``var``.

    var/B with replacement, var/B · (n - B)/(n - 1) without.
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
    r"""Mean of :math:`E\|\nabla L\|^2` over the first T iterates:
    at most :math:`2(L_0 - L^*)/(\eta T) + \beta\eta\,\mathrm{var}`, for eta <= 1/beta."""
    beta, eta = _slow(beta, eta)
    return 2 * checks.nonnegative(gap, "gap") / (eta * _count(T)) + beta * eta * checks.nonnegative(var, "var")


def sgd_convex_gap(beta: float, distance: float, T: Any, var: float, eta: float) -> np.ndarray:
    r"""Mean of :math:`E\,L - L^*` over iterates 1..T of a convex L:
    at most :math:`\|\theta_0 - \theta^*\|^2/(2\eta T) + \eta\,\mathrm{var}`, for eta <= 1/beta."""
    beta, eta = _slow(beta, eta)
    return checks.nonnegative(distance, "distance") ** 2 / (2 * eta * _count(T)) + eta * checks.nonnegative(var, "var")
