"""Quadratics: the general one, least squares, and the worst of them (Nesterov's)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.objectives.base import FiniteSum, Objective


class Quadratic(Objective):
    r""":math:`L(\theta) = \tfrac12 \theta^\top A \theta - b^\top\theta + c`.

    :param A: symmetric, positive semi-definite, (dim, dim).
    :param b: (dim,), zero by default; it must lie in the range of A, or L has no minimum.
    :param c: a number.
    :raises ValueError: if A is not symmetric or has a negative eigenvalue.
    """

    name = "quadratic"

    def __init__(self, A: Any, b: Any = None, c: float = 0.0) -> None:
        A = np.asarray(checks.array(A, "A", ndim=2), dtype=np.float64)
        if A.shape[0] != A.shape[1]:
            raise ValueError(f"A must be square, got shape {A.shape}")
        if not np.allclose(A, A.T, rtol=1e-10, atol=1e-12 * np.abs(A).max()):
            raise ValueError("A must be symmetric: the gradient is A theta - b only then")
        self.A, self.dim, self.c = (A + A.T) / 2, len(A), checks.number(c, "c")
        self.b = np.zeros(self.dim) if b is None else np.asarray(checks.array(b, "b", shape=(self.dim,)), float)
        self.eigenvalues, vectors = np.linalg.eigh(self.A)
        self.beta = float(self.eigenvalues[-1])
        if self.beta <= 0:
            raise ValueError("A must have a positive eigenvalue")
        floor = self.dim * 1e-12 * self.beta
        if self.eigenvalues[0] < -floor:
            raise ValueError(f"A must be positive semi-definite, got the eigenvalue {self.eigenvalues[0]:.4g}")
        used = self.eigenvalues > floor
        self.mu = float(self.eigenvalues[0]) if used.all() else 0.0
        self.pl = float(self.eigenvalues[used][0])
        coordinates = vectors.T @ self.b
        if np.abs(coordinates[~used]).max(initial=0.0) > 1e-8 * (1 + np.abs(self.b).max()):
            raise ValueError("b must lie in the range of A: otherwise L falls without end")
        self.minimiser = vectors[:, used] @ (coordinates[used] / self.eigenvalues[used])
        self.minimum = float(self.c - 0.5 * self.b @ self.minimiser)
        self.start = np.zeros(self.dim) if self.b.any() else np.ones(self.dim)

    @classmethod
    def from_eigenvalues(cls, eigenvalues: Any, *, seed: int | None = None) -> Quadratic:
        """The bowl with these curvatures and its minimum at 0.

        :param eigenvalues: curvatures, (dim,), none negative.
        :param seed: of a random turn of its axes; None leaves them along the coordinates.
        :returns: the quadratic.
        :raises ValueError: if a curvature is negative.
        """
        values = np.asarray(checks.array(eigenvalues, "eigenvalues", ndim=1), dtype=np.float64)
        if (values < 0).any():
            raise ValueError("eigenvalues must not be negative")
        if seed is None:
            return cls(np.diag(values))
        rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
        turn, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
        turned = (turn * values) @ turn.T
        return cls((turned + turned.T) / 2)

    def _value(self, theta: np.ndarray) -> Any:
        # Around the minimiser: L - L* keeps all its digits where L itself would cancel.
        away = theta - self.minimiser
        return 0.5 * ((away @ self.A) * away).sum(-1) + self.minimum

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return (theta - self.minimiser) @ self.A

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.A, (*theta.shape, self.dim))


class LeastSquares(Quadratic, FiniteSum):
    r"""Squared residuals :math:`(x_i^\top\theta - y_i)^2`, in one of three conventions.

    ``"mean"`` :math:`\frac1n\sum`, ``"half-mean"`` :math:`\frac1{2n}\sum`, ``"sum"``
    :math:`\sum`; the Hessian is :math:`s\,X^\top X` with s = 2/n, 1/n, 2.

    :param X: (n, d), a column of ones included if there is to be an intercept.
    :param y: targets, (n,).
    :param convention: "mean", "half-mean" or "sum".
    :raises ValueError: if the shapes do not fit or the convention is another.
    """

    name = "least squares"

    def __init__(self, X: Any, y: Any, convention: str = "mean") -> None:
        self.X = np.asarray(checks.array(X, "X", ndim=2), dtype=np.float64)
        self.n = len(self.X)
        self.y = np.asarray(checks.array(y, "y", shape=(self.n,)), dtype=np.float64)
        checks.one_of(convention, "convention", ("mean", "half-mean", "sum"))
        self.scale = {"mean": 2 / self.n, "half-mean": 1 / self.n, "sum": 2.0}[convention]
        super().__init__(self.scale * self.X.T @ self.X, self.scale * self.X.T @ self.y,
                         float(0.5 * self.scale * self.y @ self.y))
        assert self.minimiser is not None
        residual = self.X @ self.minimiser - self.y
        self.minimum = float(0.5 * self.scale * residual @ residual)

    def _components(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
        rows = self.X[indices]                                            # (..., B, d)
        residual = np.einsum("...bd,...d->...b", rows, theta) - self.y[indices]  # (..., B)
        # The mean of the n components is the gradient, hence the factor n.
        return self.scale * self.n * residual[..., None] * rows


class NesterovWorst(Quadratic):
    r"""The quadratic on which no method of first order is fast.

    :math:`L(\theta) = \frac\beta4\bigl(\tfrac12[\theta_1^2 + \sum_i(\theta_i-\theta_{i+1})^2
    + \theta_k^2] - \theta_1\bigr)`: from 0, each gradient reveals one more coordinate.
    Source: Nesterov (2018), section 2.1.2.

    :param dim: k, at least 2.
    :param beta: an upper bound on its smoothness, positive, approached as k grows.
    :raises ValueError: if dim is below 2 or beta is not positive.
    """

    name = "Nesterov's worst function"

    def __init__(self, dim: int = 100, beta: float = 1.0) -> None:
        k, beta = checks.integer(dim, "dim", at_least=2), checks.positive(beta, "beta")
        A = beta / 4 * (2 * np.eye(k) - np.eye(k, k=1) - np.eye(k, k=-1))
        super().__init__(A, beta / 4 * np.eye(k)[0])
        self.beta = beta
