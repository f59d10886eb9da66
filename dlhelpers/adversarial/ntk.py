r"""The neural tangent kernel of a wide two-layer net, as a Gram matrix, and what it forbids.

Scalar case of the theory: one output, fixed signs v_j = ±1, inputs of norm 1,

.. math:: f(x) = \frac{1}{\sqrt m} \sum_j v_j \sigma(u_j^\top x), \qquad u_j(0) \sim N(0, I).

Under gradient flow the predictions z obey dz/dt = H(t)(y - z + ∇_z g), where g is the
critic's score, if there is a critic.  All is float64 numpy on the CPU by nature: the bounds
are held against the runs to the last digits.

Source: Du, Zhai, Poczos and Singh, "Gradient Descent Provably Optimizes
Over-parameterized Neural Networks", ICLR 2019; Cho and Saul, "Kernel Methods for Deep
Learning", NeurIPS 2009; Rout, AAAI 2021, arXiv 2010.00521, Theorems 1 and 2, with the
κ corrected as noted below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks


def _inputs(X: Any) -> np.ndarray:
    X = checks.array(X, "X", ndim=2).astype(np.float64)
    if not np.allclose((X * X).sum(1), 1.0, atol=1e-5):
        raise ValueError("X must hold rows of norm 1: divide each input by its length")
    return X


def gram_limit(X: Any) -> np.ndarray:
    r"""The infinite-width Gram matrix in closed form.

    .. math:: H^\infty_{pq} = E_u[x_p^\top x_q 1\{u^\top x_p \ge 0, u^\top x_q \ge 0\}]
              = x_p^\top x_q \frac{\pi - \arccos(x_p^\top x_q)}{2\pi}

    :param X: inputs of norm 1, (n, d_in).
    :returns: (n, n).
    :raises ValueError: if a row does not have norm 1.
    """
    X = _inputs(X)
    cosines = np.clip(X @ X.T, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return cosines * (np.pi - np.arccos(cosines)) / (2 * np.pi)


def gram(U: Any, X: Any) -> np.ndarray:
    r"""The Gram matrix of m actual neurons.

    .. math:: H_{pq} = x_p^\top x_q \frac1m \sum_j 1\{u_j^\top x_p \ge 0, u_j^\top x_q \ge 0\}

    :param U: hidden weights (m, d_in).
    :param X: inputs (n, d_in).
    :returns: (n, n).
    :raises ValueError: if the shapes do not fit.
    """
    X = checks.array(X, "X", ndim=2)
    U = checks.array(U, "U", shape=(None, X.shape[1]))
    return _gram(X @ X.T, (X @ U.T >= 0).astype(np.float64))


def _gram(products: np.ndarray, active: np.ndarray) -> np.ndarray:
    return products * (active @ active.T) / active.shape[1]


def monte_carlo(X: Any, samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """H∞ estimated from random neurons.

    :param X: inputs of norm 1, (n, d_in).
    :param samples: neurons drawn, at least 2.
    :param seed: of the draw.
    :returns: the estimate and its standard error, (n, n) each.
    :raises ValueError: if a row does not have norm 1 or there are fewer than 2 samples.
    """
    X = _inputs(X)
    samples = checks.integer(samples, "samples", at_least=2)
    rng, products = np.random.default_rng(seed), X @ X.T
    together = np.zeros_like(products)
    for start in range(0, samples, 20_000):  # in blocks, so that memory stays small
        U = rng.standard_normal((min(20_000, samples - start), X.shape[1]))
        active = (X @ U.T >= 0).astype(np.float64)
        together += active @ active.T
    share = together / samples
    return products * share, np.abs(products) * np.sqrt(share * (1 - share) / samples)


@dataclass(frozen=True)
class Flow:
    """What :func:`flow` recorded: one entry a step, the start included.

    ``t`` flow time; ``residual`` ‖z - y‖; ``farthest`` max_j ‖u_j(t) - u_j(0)‖;
    ``moved`` ‖U(t) - U(0)‖_F; ``low``, ``high`` extreme eigenvalues of H(t);
    ``total_slope`` Σ_p |∂g/∂z_p|, how hard the critic pulls at all outputs, and ``push`` ‖H(t)∇g‖, what that
    does to the predictions, both 0 without a critic; ``z`` the predictions themselves, (steps + 1, n).
    """

    t: np.ndarray
    residual: np.ndarray
    farthest: np.ndarray
    moved: np.ndarray
    low: np.ndarray
    high: np.ndarray
    total_slope: np.ndarray
    push: np.ndarray
    z: np.ndarray


def flow(X: Any, y: Any, m: int, *, time: float, eta: float = 0.1, seed: int = 0,
         critic: tuple[Any, Any] | None = None) -> Flow:
    r"""Gradient flow of the hidden layer by Euler steps of length ``eta``.

    .. math:: \dot u_j = \frac{1}{\sqrt m} \sum_p (y_p - z_p + \partial_p g) v_j 1\{u_j^\top x_p \ge 0\} x_p

    :param X: inputs of norm 1, (n, d_in).
    :param y: targets (n,).
    :param m: neurons, at least 1.
    :param time: length of the flow, positive.
    :param eta: length of an Euler step, positive.
    :param seed: of the weights and signs.
    :param critic: (w, a), each (m,), of a fixed scalar critic aᵀσ(wz)/√m; None for supervision alone.
    :returns: :class:`Flow`, one entry a step.
    :raises ValueError: if a shape does not fit, or eta exceeds 2 over the largest eigenvalue of
        H(0): Euler would blow up.
    """
    X = _inputs(X)
    y = checks.array(y, "y", shape=(len(X),)).astype(np.float64)
    m, eta = checks.integer(m, "m", at_least=1), checks.positive(eta, "eta")
    time = checks.positive(time, "time")
    rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
    U, v = rng.standard_normal((m, X.shape[1])), rng.choice([-1.0, 1.0], m)
    if critic is not None:
        w, a = (checks.array(part, "critic", ndim=1) for part in critic)
        # With one output the slope of the critic depends on the sign of z alone.
        up, down = (float(a[side] @ w[side]) / np.sqrt(len(w)) for side in (w > 0, w < 0))
    start, products = U.copy(), X @ X.T
    rows, outputs = [], []
    for k in range(int(round(time / eta)) + 1):
        Z = X @ U.T
        active = (Z >= 0).astype(np.float64)
        z = (active * Z) @ v / np.sqrt(m)
        slope = np.zeros_like(z) if critic is None else np.where(z > 0, up, np.where(z < 0, down, 0.0))
        H = _gram(products, active)
        eigen = np.linalg.eigvalsh(H)
        if k == 0 and eta * eigen[-1] >= 2:
            raise ValueError(f"eta must be below 2 / {eigen[-1]:.3g} = {2 / eigen[-1]:.3g}, got {eta}")
        step = U - start
        lengths = np.sqrt((step * step).sum(1))
        rows.append((k * eta, np.linalg.norm(z - y), lengths.max(), np.sqrt((lengths**2).sum()), eigen[0], eigen[-1],
                     np.abs(slope).sum(), np.linalg.norm(H @ slope)))
        outputs.append(z)
        U += (eta / np.sqrt(m)) * v[:, None] * (((y - z + slope)[:, None] * active).T @ X)
    t, residual, farthest, moved, low, high, pull, push = np.array(rows).T
    return Flow(t, residual, farthest, moved, low, high, pull, push, np.array(outputs))


def theorem1(n: int, m: int, residual: float, lambda0: float) -> float:
    r"""How far a neuron can move by supervision alone.

    .. math:: \|u_j(t) - u_j(0)\| \le \frac{2\sqrt n \|z(0) - y\|}{\sqrt m\, \lambda_0}

    :param n: inputs.
    :param m: neurons.
    :param residual: ‖z(0) - y‖.
    :param lambda0: smallest eigenvalue of H∞, positive.
    :returns: the bound.
    :raises ValueError: if lambda0 is not positive.

    Source: Rout (2021), Theorem 1; Du and others (2019), lemma 3.3.
    """
    return 2 * np.sqrt(n) * residual / (np.sqrt(m) * checks.positive(lambda0, "lambda0"))


def total_slope_bound(n: int, m: int, L: float, delta: float = 0.05) -> float:
    r"""With probability 1 - δ, Σ_p |∂g/∂z_p| is at most :math:`\mu = L n \sqrt{2 \log(2n/\delta)} / \sqrt m`.

    For ‖w‖ ≤ L and a ~ N(0, I) independent of w.  The n slopes are bounded one by one, hence 2n/δ: safe,
    not necessary.  A fixed scalar critic has two slopes only, for z > 0 and for z < 0, whose variances add up to
    at most L²/m, and for those the log(2/δ) of the paper holds, at all inputs and at all times.

    :param n: inputs.
    :param m: neurons of the critic.
    :param L: largest length of w, positive.
    :param delta: probability that the bound fails, in (0, 1).
    :returns: μ.
    :raises ValueError: if a number is out of its range.

    Source: Rout (2021), with a union over the points.
    """
    checks.between(delta, "delta", 0, 1, closed="neither")
    return checks.positive(L, "L") * n * np.sqrt(2 * np.log(2 * n / delta) / m)


def theorem2(t: Any, n: int, m: int, residual: float, lambda0: float, kappa: float, mu: float) -> np.ndarray:
    r"""The same with a critic: a part that saturates and a part that grows.

    It holds whenever Σ_p |∂g/∂z_p| ≤ μ and λ_min(H) ≥ λ₀/2 along the run, also where the first
    coefficient is negative: the error obeys r' ≤ -λ₀r/2 + λ_max μ, and no sign enters its solution.

    .. math:: \frac{2\sqrt n (\|z(0) - y\| - \kappa\mu)}{\sqrt m \lambda_0} (1 - e^{-\lambda_0 t/2})
              + \frac{\mu(1 + \kappa\sqrt n)}{\sqrt m}\, t

    :param t: flow time, a number or an array.
    :param n: inputs.
    :param m: neurons.
    :param residual: ‖z(0) - y‖.
    :param lambda0: smallest eigenvalue of H∞, positive.
    :param kappa: λ_max(H(t)) / (λ₀/2), the largest along the run (not the condition number of H∞).
    :param mu: bound on Σ_p |∂g/∂z_p|, such as :func:`total_slope_bound`.
    :returns: the bound, of the shape of t.
    :raises ValueError: if lambda0 is not positive.

    Source: Rout (2021), Theorem 2, with the constants corrected.
    """
    t = np.asarray(t, dtype=float)
    lambda0 = checks.positive(lambda0, "lambda0")
    first = 2 * np.sqrt(n) * (residual - kappa * mu) / (np.sqrt(m) * lambda0)
    return first * (1 - np.exp(-lambda0 * t / 2)) + mu * (1 + kappa * np.sqrt(n)) / np.sqrt(m) * t
