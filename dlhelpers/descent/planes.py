r"""Landscapes in the plane to race on, each written once for numpy and for the compiled loop.

A landscape is a function of two coordinates that returns its value and both slopes, in
plain arithmetic: it serves arrays as well as numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.objectives import Objective


def valley(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """(x² + 100 y²)/2: a straight valley along an axis, condition number 100."""
    return 0.5 * (x * x + 100.0 * y * y), x, 100.0 * y


def turned(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """The same valley turned by 45°: no axis points along it."""
    a, b = 0.5 * (x + y), 50.0 * (y - x)              # slopes along and across, each over √2
    return 0.25 * ((x + y) * (x + y) + 100.0 * (y - x) * (y - x)), a - b, a + b


def rosenbrock(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """(1 - x)² + 100 (y - x²)²: a curved valley, lecture N's equation 4.9."""
    off = y - x * x
    return (1.0 - x) * (1.0 - x) + 100.0 * off * off, -2.0 * (1.0 - x) - 400.0 * x * off, 200.0 * off


def saddle(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """(x² - y²)/2 + y⁴/4: a saddle at the origin between minima at (0, ±1)."""
    return 0.5 * (x * x - y * y) + 0.25 * y * y * y * y, x, y * y * y - y


def ripples(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """0.15 x² + (1 - cos 3x)/4 + y²/2: a bowl with local minima near x = ±1.9."""
    return 0.15 * x * x + 0.25 * (1.0 - np.cos(3.0 * x)) + 0.5 * y * y, 0.3 * x + 0.75 * np.sin(3.0 * x), y


#: Name -> function, start, minimiser, minimum, smoothness (infinite: none on the whole plane), convexity constant.
PLANES: dict[str, tuple[Any, tuple[float, float], tuple[float, float], float, float, float]] = {
    "valley": (valley, (-4.0, 1.0), (0.0, 0.0), 0.0, 100.0, 1.0),
    "turned valley": (turned, (-3.5355339, -2.1213203), (0.0, 0.0), 0.0, 100.0, 1.0),
    "Rosenbrock": (rosenbrock, (0.2, -0.2), (1.0, 1.0), 0.0, np.inf, 0.0),
    "saddle": (saddle, (-2.0, 0.01), (0.0, 1.0), -0.25, np.inf, 0.0),
    "ripples": (ripples, (-4.0, 1.5), (0.0, 0.0), 0.0, 2.55, 0.0),
}


class Plane(Objective):
    """A landscape of the plane as an objective; ``PLANES`` lists the names.

    The Hessian is taken from differences of the gradient, good to eight digits.

    :raises ValueError: if the name is not in the list.
    """

    dim = 2

    def __init__(self, name: str) -> None:
        self.name = checks.one_of(name, "name", PLANES)
        self.function, start, minimiser, self.minimum, self.beta, self.mu = PLANES[name]
        self.start, self.minimiser = np.array(start), np.array(minimiser)
        self.convex, self.pl = self.mu > 0, self.mu

    def _value(self, theta: np.ndarray) -> Any:
        return self.function(theta[..., 0], theta[..., 1])[0]

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return np.stack(self.function(theta[..., 0], theta[..., 1])[1:], axis=-1)

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        h = 1e-5 * np.eye(2)
        columns = [(self._gradient(theta + step) - self._gradient(theta - step)) / 2e-5 for step in h]
        H = np.stack(columns, axis=-1)
        return (H + np.swapaxes(H, -1, -2)) / 2
