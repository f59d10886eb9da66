"""What every objective offers: value, gradient, Hessian, and the constants that theory speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks


class Objective:
    r"""A function to be minimised.

    ``dim`` unknowns, smoothness ``beta`` (where it holds only in a region, the class
    says so), convexity constant ``mu`` (0: convex at most), ``pl``, the constant of
    :math:`\|\nabla L\|^2 \ge 2\,\mathrm{pl}\,(L - L^*)` (0: none known), ``minimum``
    (:math:`L^*`, or a lower bound where nothing attains it), ``minimiser`` (None where
    there is none), and ``start``, a customary first point.

    A subclass implements ``_value``, ``_gradient`` and ``_hessian`` on checked arrays.
    """

    name: str = "objective"
    dim: int
    beta: float
    mu: float = 0.0
    pl: float = 0.0
    convex: bool = True
    minimum: float = 0.0
    minimiser: np.ndarray | None = None
    start: np.ndarray

    def value(self, theta: Any) -> Any:
        """L(theta).

        :param theta: points, (..., dim).
        :returns: the values, (...).
        :raises ValueError: if theta has another last axis or is not finite.
        """
        return self._value(self._checked(theta))

    def gradient(self, theta: Any) -> np.ndarray:
        """The gradient of L at theta.

        :param theta: points, (..., dim).
        :returns: the gradients, (..., dim).
        :raises ValueError: if theta has another last axis or is not finite.
        """
        return self._gradient(self._checked(theta))

    def hessian(self, theta: Any) -> np.ndarray:
        """The matrix of second derivatives at theta.

        :param theta: points, (..., dim).
        :returns: the Hessians, (..., dim, dim).
        :raises ValueError: if theta has another last axis or is not finite.
        """
        return self._hessian(self._checked(theta))

    __call__ = value

    def gap(self, theta: Any) -> Any:
        """The height above the minimum, L(theta) - L*.

        :param theta: points, (..., dim).
        :returns: the heights, (...).
        :raises ValueError: if theta has another last axis or is not finite.
        """
        return self.value(theta) - self.minimum

    def _checked(self, theta: Any) -> np.ndarray:
        theta = np.asarray(checks.array(theta, "theta"), dtype=np.float64)
        if theta.ndim == 0 or theta.shape[-1] != self.dim:
            raise ValueError(f"theta must have {self.dim} number(s) on its last axis, got shape {theta.shape}")
        return theta

    def _value(self, theta: np.ndarray) -> Any:
        raise NotImplementedError

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class FiniteSum(Objective):
    r"""A mean of ``n`` losses, :math:`L = \frac1n \sum_i \ell_i`, that also knows each gradient."""

    n: int

    def component_gradients(self, theta: Any, indices: Any = None) -> np.ndarray:
        r"""The gradients :math:`\nabla \ell_i(\theta)` of some components.

        :param theta: points, (..., dim).
        :param indices: which components, (..., B) integers in 0..n-1; None for all.
        :returns: their gradients, (..., B, dim).
        :raises TypeError: if the indices are not integers.
        :raises ValueError: if an index is out of range, there is none, or theta does not fit.
        """
        theta = self._checked(theta)
        if indices is None:
            indices = np.broadcast_to(np.arange(self.n), (*theta.shape[:-1], self.n))
        indices = np.asarray(indices)
        if indices.dtype.kind not in "iu":
            raise TypeError(f"indices must be integers, got dtype {indices.dtype}")
        if indices.size == 0 or indices.min() < 0 or indices.max() >= self.n:
            raise ValueError(f"indices must lie in 0..{self.n - 1} and not be empty")
        return self._components(theta, indices)

    def _components(self, theta: np.ndarray, indices: np.ndarray) -> np.ndarray:
        raise NotImplementedError
