r"""Gray and Scott's model (1984): steady states, where they meet, seeds, Pearson's classes.

.. math:: \dot u = D_u \nabla^2 u - u v^2 + F (1 - u), \qquad
          \dot v = D_v \nabla^2 v + u v^2 - (F + k) v

u is the food, fed at rate F; v eats it, multiplies, and is removed at rate F + k.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dlhelpers import checks
from dlhelpers.patterns.solver import Parameters, Solver
from dlhelpers.patterns.turing import Kinetics

#: Pearson's diffusivities 2e-5 and 1e-5 on 256 cells over a length of 2.5, in units of one cell.
DU, DV = 2e-5 / (2.5 / 256) ** 2, 1e-5 / (2.5 / 256) ** 2


class Class(NamedTuple):
    """One of Pearson's pattern classes, with a parameter pair that shows it."""

    letter: str
    F: float
    k: float
    seen: str


#: After J. E. Pearson, Science 261 (1993) 189; pairs after R. Munafo (mrob.com/xmorphia), but λ.
CLASSES = (
    Class("α", 0.014, 0.053, "wandering spots"), Class("β", 0.026, 0.051, "turbulence"),
    Class("γ", 0.026, 0.055, "worms"), Class("δ", 0.042, 0.059, "dark spots"),
    Class("ε", 0.022, 0.059, "spots that die"), Class("ζ", 0.026, 0.059, "restless spots"),
    Class("η", 0.034, 0.063, "nearly at rest"), Class("θ", 0.038, 0.061, "fingerprints"),
    Class("ι", 0.046, 0.0594, "few dark spots"), Class("κ", 0.058, 0.063, "labyrinth"),
    Class("λ", 0.0367, 0.0649, "dividing spots"), Class("μ", 0.058, 0.065, "growing worms"),
)


def kinetics(F: float, k: float) -> Kinetics:
    """The reaction, at its bare state (1, 0), which is stable for every F > 0 and k >= 0.

    :param F: feed rate, positive.
    :param k: removal rate, zero or positive.
    :returns: kinetics whose steady state is the bare one.
    :raises ValueError: if F is not positive or k is negative.
    """
    F, k = checks.positive(F, "F"), checks.nonnegative(k, "k")
    return Kinetics("Gray-Scott", lambda u, v: (-u * v * v + F * (1 - u), u * v * v - (F + k) * v), (1.0, 0.0),
                    np.array([[-F, 0.0], [0.0, -(F + k)]]))


def jacobian(u: float, v: float, F: float, k: float) -> np.ndarray:
    """The Jacobian of the reaction anywhere.

    :param u: where: the food.
    :param v: where: what eats it.
    :param F: feed rate.
    :param k: removal rate.
    :returns: (2, 2), rows for the changes of u and v, columns for their slopes in u and v.
    """
    return np.array([[-v * v - F, -2 * u * v], [v * v, 2 * u * v - (F + k)]])


def steady_states(F: float, k: float) -> np.ndarray:
    r"""All uniform steady states (u, v), the bare one (1, 0) first.

    With :math:`s = \sqrt{1 - 4(F + k)^2/F}` the others are :math:`u = (1 \mp s)/2`,
    :math:`v = (1 - u)F/(F + k)`: first the "blue" one, full of v, then the saddle.

    :param F: feed rate, positive.
    :param k: removal rate, zero or positive.
    :returns: (1, 2) or (3, 2), one state a row.
    :raises ValueError: if F is not positive or k is negative.

    Source: P. Gray and S. K. Scott, Chemical Engineering Science 39 (1984) 1087.
    """
    F, k = checks.positive(F, "F"), checks.nonnegative(k, "k")
    square = 1 - 4 * (F + k) ** 2 / F
    bare = [(1.0, 0.0)]
    if square < 0:
        return np.array(bare)
    u = (1 + np.array([-1, 1]) * np.sqrt(square)) / 2
    return np.array(bare + list(zip(u, (1 - u) * F / (F + k), strict=True)))


def saddle_node(F: Any) -> np.ndarray:
    r"""The k at which two of the three states meet and vanish: :math:`k = \sqrt F/2 - F`.

    :param F: feed rates, of any shape, zero or positive.
    :returns: removal rates, of the shape of F.
    :raises ValueError: if a feed rate is negative.
    """
    F = checks.array(np.asarray(F), "F")
    if (F < 0).any():
        raise ValueError(f"F must be zero or positive, got {F.min():g}")
    return np.sqrt(F) / 2 - F


def seed_fields(shape: tuple[int, int], *, seed: int = 0, spots: int = 1, size: int | None = None,
                noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """The bare state with square wounds of (u, v) = (1/2, 1/4), as Pearson began, and a little noise.

    :param shape: (height, width), at least 3 each.
    :param seed: of the places of the spots and of the noise.
    :param spots: how many squares: the first in the middle, the others anywhere.
    :param size: side of a square in cells; default a twelfth of the shorter side.
    :param noise: relative, uniform, zero or positive.
    :returns: u and v, each of that shape, float64.
    :raises ValueError: if a side is below 3 or a count or the noise is negative.
    """
    height, width = (checks.integer(n, "shape", at_least=3) for n in shape)
    spots = checks.integer(spots, "spots", at_least=0)
    size = max(2, min(height, width) // 12) if size is None else checks.integer(size, "size", at_least=1)
    random = np.random.default_rng(seed)
    u, v = np.ones((height, width)), np.zeros((height, width))
    for spot in range(spots):
        y, x = (height // 2, width // 2) if spot == 0 else (random.integers(height), random.integers(width))
        rows, columns = ((np.arange(size) + c - size // 2) for c in (y, x))
        square = np.ix_(rows % height, columns % width)
        u[square], v[square] = 0.5, 0.25
    wobble = 1 + checks.nonnegative(noise, "noise") * random.uniform(-1, 1, (2, height, width))
    return u * wobble[0], v * wobble[1]


def solver(F: Any, k: Any, u: Any, v: Any, *, Du: float = DU, Dv: float = DV, h: float = 1.0, dt: float = 1.0,
           boundary: str = "periodic", dtype: str = "float32", backend: str = "auto", device: Any = "cpu") -> Solver:
    """A solver for one pair (F, k) or a batch of pairs.

    :param F: feed rate, a number or a sequence, zero or positive.
    :param k: removal rate, a number or a sequence of that length, zero or positive.
    :param u: the food, (height, width), used for every pair, or (batch, height, width).
    :param v: what eats it, of the shape of u.
    :param Du: diffusivity of u.
    :param Dv: diffusivity of v.
    :param h: grid spacing.
    :param dt: time step, at most h²/(4 max D).
    :param boundary: "periodic" or "no-flux".
    :param dtype: "float32" or "float64".
    :param backend: "auto", "numba", "numpy" or "torch", see :class:`~dlhelpers.patterns.solver.Solver`.
    :param device: "cpu", or for torch another one.
    :returns: the solver.
    :raises ValueError: for anything that is not so, naming it.
    """
    u, v = checks.array(u, "u"), checks.array(v, "v")
    pairs = np.atleast_1d(checks.array(np.asarray(F), "F") + 0 * checks.array(np.asarray(k), "k"))
    if u.ndim == 2 and len(pairs) > 1:
        u, v = (np.broadcast_to(x, (len(pairs), *x.shape)) for x in (u, v))
    return Solver(parameters(F, k, Du, Dv), u, v, h=h, dt=dt, boundary=boundary, dtype=dtype, backend=backend,
                  device=device)


def parameters(F: Any, k: Any, Du: float = DU, Dv: float = DV) -> Parameters:
    """The rates of a pair (F, k), or of a batch of pairs.

    :param F: feed rate, a number or a sequence, zero or positive.
    :param k: removal rate, a number or a sequence of that length, zero or positive.
    :param Du: diffusivity of u, zero or positive.
    :param Dv: diffusivity of v, zero or positive.
    :returns: the solver's parameters.
    :raises ValueError: if one of them is negative or not finite.
    """
    for value, name in ((F, "F"), (k, "k")):
        if (checks.array(np.asarray(value), name) < 0).any():
            raise ValueError(f"{name} must be zero or positive, got {np.min(value):g}")
    return Parameters(rate_v=1.0, feed_u=F, decay_u=F, decay_v=np.asarray(F) + np.asarray(k),
                      Du=checks.nonnegative(Du, "Du"), Dv=checks.nonnegative(Dv, "Dv"))


def count_spots(v: Any, threshold: float = 0.2) -> int:
    """How many spots there are, minus the holes in them: the Euler number of {v > threshold}, periodic.

    Cells, minus pairs that touch, plus squares of four: every connected patch without a hole counts one,
    however long it is; cells that only touch at a corner are apart.

    :param v: the field, (height, width).
    :param threshold: what counts as a spot.
    :returns: spots minus holes.
    :raises ValueError: if the field has another number of axes or is not finite.
    """
    spot = checks.array(v, "v", ndim=2) > checks.number(threshold, "threshold")
    below, beside = np.roll(spot, 1, 0), np.roll(spot, 1, 1)
    square = spot & below & beside & np.roll(below, 1, 1)
    return int(spot.sum()) - int((spot & below).sum()) - int((spot & beside).sum()) + int(square.sum())
