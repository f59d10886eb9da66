r"""Test functions of two coordinates, each written once for arrays and for compiled loops.

A function takes x and y and returns its value and both slopes, in plain arithmetic: it
serves arrays as well as numbers.  ``TestFunction`` makes an objective of it; the value
and gradient of ``Rosenbrock`` are the function ``rosenbrock`` of this file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dlhelpers import checks
from dlhelpers.objectives.base import Objective


def valley(x: Any, y: Any) -> tuple[Any, Any, Any]:
    r"""A straight valley along an axis, condition number 100.

    .. math:: L = \tfrac12 (x^2 + 100\,y^2)

    :param x: first coordinate, a number or an array.
    :param y: second coordinate, of the shape of x.
    :returns: L, dL/dx and dL/dy, each of the shape of x.
    """
    return 0.5 * (x * x + 100.0 * y * y), x, 100.0 * y


def turned(x: Any, y: Any) -> tuple[Any, Any, Any]:
    r"""The same valley turned by 45°: no axis points along it.

    .. math:: L = \tfrac14 \bigl((x + y)^2 + 100\,(y - x)^2\bigr)

    :param x: first coordinate, a number or an array.
    :param y: second coordinate, of the shape of x.
    :returns: L, dL/dx and dL/dy, each of the shape of x.
    """
    along, across = 0.5 * (x + y), 50.0 * (y - x)     # slopes along and across, each over √2
    value = 0.25 * ((x + y) * (x + y) + 100.0 * (y - x) * (y - x))
    return value, along - across, along + across


def rosenbrock(x: Any, y: Any, a: float = 1.0, b: float = 100.0) -> tuple[Any, Any, Any]:
    r"""A curved valley with its minimum at (a, a²); lecture N's equation 4.9 has a = 1, b = 100.

    .. math:: L = (a - x)^2 + b\,(y - x^2)^2

    :param x: first coordinate, a number or an array.
    :param y: second coordinate, of the shape of x.
    :param a: where the minimum lies.
    :param b: how steep the walls are.
    :returns: L, dL/dx and dL/dy, each of the shape of x.

    Source: H. H. Rosenbrock, The Computer Journal 3 (1960) 175.
    """
    off = y - x * x
    return (a - x) * (a - x) + b * off * off, -2.0 * (a - x) - 4.0 * b * x * off, 2.0 * b * off


def saddle(x: Any, y: Any) -> tuple[Any, Any, Any]:
    r"""A saddle at the origin between minima at (0, ±1).

    .. math:: L = \tfrac12 (x^2 - y^2) + \tfrac14 y^4

    :param x: first coordinate, a number or an array.
    :param y: second coordinate, of the shape of x.
    :returns: L, dL/dx and dL/dy, each of the shape of x.
    """
    return 0.5 * (x * x - y * y) + 0.25 * y * y * y * y, x, y * y * y - y


def ripples(x: Any, y: Any) -> tuple[Any, Any, Any]:
    r"""A bowl with local minima near x = ±1.9.

    .. math:: L = 0.15\,x^2 + \tfrac14 (1 - \cos 3x) + \tfrac12 y^2

    :param x: first coordinate, a number or an array.
    :param y: second coordinate, of the shape of x.
    :returns: L, dL/dx and dL/dy, each of the shape of x.
    """
    return 0.15 * x * x + 0.25 * (1.0 - np.cos(3.0 * x)) + 0.5 * y * y, 0.3 * x + 0.75 * np.sin(3.0 * x), y


class Facts(NamedTuple):
    """What is known of a test function; ``beta`` is infinite where none holds on the whole plane."""

    function: Any
    start: tuple[float, float]
    minimiser: tuple[float, float]
    minimum: float
    beta: float
    mu: float


#: Every test function by its name.
TEST_FUNCTIONS: dict[str, Facts] = {
    "valley": Facts(valley, (-4.0, 1.0), (0.0, 0.0), 0.0, 100.0, 1.0),
    "turned valley": Facts(turned, (-3.5355339, -2.1213203), (0.0, 0.0), 0.0, 100.0, 1.0),
    "Rosenbrock": Facts(rosenbrock, (0.2, -0.2), (1.0, 1.0), 0.0, np.inf, 0.0),
    "saddle": Facts(saddle, (-2.0, 0.01), (0.0, 1.0), -0.25, np.inf, 0.0),
    "ripples": Facts(ripples, (-4.0, 1.5), (0.0, 0.0), 0.0, 2.55, 0.0),
}


class TestFunction(Objective):
    """A function of the plane as an objective; ``TEST_FUNCTIONS`` lists the names.

    The Hessian is taken from differences of the gradient, good to eight digits.

    :param name: "valley", "turned valley", "Rosenbrock", "saddle" or "ripples".
    :raises ValueError: if the name is not in the list.
    """

    __test__ = False  # pytest would take the class for a collection of tests
    dim = 2

    def __init__(self, name: str) -> None:
        self.name = checks.one_of(name, "name", TEST_FUNCTIONS)
        self.function, start, minimiser, self.minimum, self.beta, self.mu = TEST_FUNCTIONS[name]
        self.start, self.minimiser = np.array(start), np.array(minimiser)
        self.convex, self.pl = self.mu > 0, self.mu

    def _value(self, theta: np.ndarray) -> Any:
        return self.function(theta[..., 0], theta[..., 1])[0]

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        return np.stack(self.function(theta[..., 0], theta[..., 1])[1:], axis=-1)

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        h = 1e-5 * np.eye(2)
        columns = [(self._gradient(theta + step) - self._gradient(theta - step)) / 2e-5 for step in h]
        H = np.stack(columns, axis=-1)                               # (..., 2, 2)
        return (H + np.swapaxes(H, -1, -2)) / 2
