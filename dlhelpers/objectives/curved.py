"""Functions that are not quadratic: logistic loss, Rosenbrock's valley, waves, sums of parabolas."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from dlhelpers import checks, numerics
from dlhelpers.objectives.base import FiniteSum, Objective
from dlhelpers.objectives.in_the_plane import rosenbrock


class LogisticLoss(FiniteSum):
    r"""Mean cross-entropy of a linear classifier, :math:`\frac1n\sum_i\log(1+e^{-s_i x_i^\top\theta})
    + \frac\lambda2\|\theta\|^2` with :math:`s_i = 2y_i - 1`.

    ``beta`` = λ_max(XᵀX)/(4n) + l2, since σ' is at most ¼.

    :param X: inputs, (n, d).
    :param y: labels 0 or 1, (n,).
    :param l2: λ, zero or positive.
    :raises ValueError: if the shapes do not fit, a label is neither 0 nor 1, or l2 is negative.
    """

    name = "logistic loss"

    def __init__(self, X: Any, y: Any, l2: float = 0.0) -> None:
        self.X = np.asarray(checks.array(X, "X", ndim=2), dtype=np.float64)
        self.n, self.dim = self.X.shape
        y = checks.array(y, "y", shape=(self.n,))
        if not np.isin(y, (0, 1)).all():
            raise ValueError("y must hold the labels 0 and 1 only")
        self.signs, self.l2 = 2.0 * y - 1.0, checks.nonnegative(l2, "l2")
        self.beta = float(np.linalg.eigvalsh(self.X.T @ self.X)[-1] / (4 * self.n) + self.l2)
        self.mu = self.pl = self.l2
        self.start = np.zeros(self.dim)

    def _margins(self, theta: np.ndarray) -> np.ndarray:
        return (theta @ self.X.T) * self.signs

    def _value(self, theta: np.ndarray) -> Any:
        return np.logaddexp(0, -self._margins(theta)).mean(-1) + 0.5 * self.l2 * (theta**2).sum(-1)

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return (-self.signs * numerics.sigmoid(-self._margins(theta))) @ self.X / self.n + self.l2 * theta

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        s = numerics.sigmoid(self._margins(theta))
        weight = s * (1 - s) / self.n
        return np.einsum("...i,ij,ik->...jk", weight, self.X, self.X) + self.l2 * np.eye(self.dim)  # (..., d, d)

    def _components(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
        rows, s = self.X[indices], self.signs[indices]
        z = s * np.einsum("...bd,...d->...b", rows, theta)                        # (..., B)
        return (-s * numerics.sigmoid(-z))[..., None] * rows + self.l2 * theta[..., None, :]

    @cached_property
    def minimiser(self) -> np.ndarray | None:
        """By damped Newton steps; None if the classes can be separated and nothing attains the infimum 0."""
        theta = numerics.newton(self._value, self._gradient, self._hessian, np.zeros(self.dim), steps=60,
                                tol=1e-13 * (1 + self.beta)).theta
        # All points on the right side: scaling theta up would lower the loss for ever.
        separated = self.l2 == 0 and bool((self._margins(theta) > 0).all())
        return None if separated else theta

    @cached_property
    def minimum(self) -> float:
        """L*; the infimum 0 where the classes can be separated."""
        return 0.0 if self.minimiser is None else float(self._value(self.minimiser))


class Rosenbrock(Objective):
    r""":math:`L(x, y) = (a - x)^2 + b\,(y - x^2)^2`, a curved valley with its minimum at (a, a²).

    No beta holds on the whole plane; ``beta`` bounds the Hessian in the ball of the
    given centre and radius (entry by entry, so a little above the largest norm).

    :param a: where the minimum lies.
    :param b: how steep the walls are, positive.
    :param centre: of the ball in which ``beta`` holds, (2,).
    :param radius: of that ball, positive.
    :raises ValueError: if b or the radius is not positive, or the centre has another shape.
    """

    name, dim, convex = "Rosenbrock", 2, False

    def __init__(self, a: float = 1.0, b: float = 100.0, *, centre: Any = (0.0, 0.0), radius: float = 1.5) -> None:
        self.a, self.b = checks.number(a, "a"), checks.positive(b, "b")
        self.centre = np.asarray(checks.array(centre, "centre", shape=(2,)), dtype=np.float64)
        self.radius = checks.positive(radius, "radius")
        far = np.abs(self.centre) + self.radius
        corner = 2 + self.b * (12 * far[0] ** 2 + 4 * far[1])
        limits = [[corner, 4 * self.b * far[0]], [4 * self.b * far[0], 2 * self.b]]
        self.beta = float(np.linalg.norm(limits, 2))
        self.minimiser = np.array([self.a, self.a**2])
        self.start = np.array([0.2, -0.2])

    def _value(self, theta: np.ndarray) -> Any:
        return rosenbrock(theta[..., 0], theta[..., 1], self.a, self.b)[0]

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return np.stack(rosenbrock(theta[..., 0], theta[..., 1], self.a, self.b)[1:], axis=-1)

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        x, y = theta[..., 0], theta[..., 1]
        xx, xy = 2 - 4 * self.b * y + 12 * self.b * x * x, -4 * self.b * x
        yy = np.full_like(x, 2 * self.b)
        return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)     # (..., 2, 2)


class Wavy(FiniteSum):
    r""":math:`\ell_i(x) = x^2 + 3\sin^2 x + s_i x` with slopes s_i that sum to zero.

    The mean x² + 3 sin² x is not convex (its second derivative runs from -4 to 8, so
    beta = 8) but satisfies Polyak-Łojasiewicz with 1/32 (Karimi et al. 2016).  The
    slopes put noise of constant variance on a component's gradient.

    :param slopes: s, (n,); their mean is subtracted.
    :raises ValueError: if the slopes are not a list of finite numbers.
    """

    name, dim, convex, beta, pl = "x² + 3 sin² x", 1, False, 8.0, 1 / 32

    def __init__(self, slopes: Any = (0.0,)) -> None:
        slopes = np.asarray(checks.array(slopes, "slopes", ndim=1), dtype=np.float64)
        self.slopes, self.n = slopes - slopes.mean(), len(slopes)
        self.minimiser, self.start = np.zeros(1), np.full(1, 3.0)

    def _value(self, theta: np.ndarray) -> Any:
        x = theta[..., 0]
        return x * x + 3 * np.sin(x) ** 2

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return 2 * theta + 3 * np.sin(2 * theta)

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        return (2 + 6 * np.cos(2 * theta))[..., None]

    def _components(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
        return self._gradient(theta)[..., None, :] + self.slopes[indices][..., None]


class Parabolas(FiniteSum):
    r""":math:`\ell_i(\theta) = \tfrac{a_i}{2}\|\theta - c_i\|^2`, one bowl for each sample.

    :param centres: c, (n, dim): equal ones give a common minimiser (interpolation).
    :param curvatures: a, (n,), positive; one number for all.
    :raises ValueError: if the shapes do not fit or a curvature is not positive.
    """

    name = "mean of parabolas"

    def __init__(self, centres: Any, curvatures: Any = 1.0) -> None:
        self.centres = np.asarray(checks.array(centres, "centres", ndim=2), dtype=np.float64)
        self.n, self.dim = self.centres.shape
        a = np.asarray(checks.array(curvatures, "curvatures"), dtype=np.float64)
        if a.shape not in ((), (self.n,)):
            raise ValueError(f"curvatures must be one number or have shape ({self.n},), got shape {a.shape}")
        if (a <= 0).any():
            raise ValueError("curvatures must be positive")
        self.curvatures = np.broadcast_to(a, (self.n,))
        self.beta = self.mu = self.pl = float(self.curvatures.mean())
        self.minimiser = self.curvatures @ self.centres / self.curvatures.sum()
        spread = ((self.centres - self.minimiser) ** 2).sum(1)
        self.minimum = float(0.5 * (self.curvatures * spread).mean())
        self.start = self.minimiser + 1.0

    def _value(self, theta: np.ndarray) -> Any:
        return 0.5 * self.beta * ((theta - self.minimiser) ** 2).sum(-1) + self.minimum

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return self.beta * (theta - self.minimiser)

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.beta * np.eye(self.dim), (*theta.shape, self.dim))

    def _components(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
        return self.curvatures[indices][..., None] * (theta[..., None, :] - self.centres[indices])
