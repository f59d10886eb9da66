r"""Linear stability of two morphogens that react and diffuse (Turing 1952).

.. math:: \dot u = f(u, v) + D_u \nabla^2 u, \qquad \dot v = g(u, v) + D_v \nabla^2 v

Near a steady state a ripple of wavenumber k grows or dies like
:math:`e^{\lambda t}`, where :math:`\lambda` is an eigenvalue of
:math:`J - k^2\,\mathrm{diag}(D_u, D_v)` and J is the Jacobian of (f, g).  All is float64
numpy on the CPU by nature.

Source: A. Turing, The chemical basis of morphogenesis, Phil. Trans. R. Soc. B 237 (1952) 37;
J. D. Murray, Mathematical Biology II (2003), section 2.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks

Reaction = Callable[[Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Kinetics:
    """A reaction (f, g) of floats, arrays or tensors, its steady state, and the Jacobian there by hand."""

    name: str
    reaction: Reaction
    steady: tuple[float, float]
    jacobian: np.ndarray


def schnakenberg(a: float = 0.1, b: float = 0.9) -> Kinetics:
    r"""Activator and substrate: :math:`f = a - u + u^2 v,\; g = b - u^2 v`.

    :param a: feed of the activator u, zero or positive.
    :param b: feed of the substrate v, positive.
    :returns: kinetics with the steady state :math:`(a + b,\, b/(a + b)^2)`.
    :raises ValueError: if a is negative or b is not positive.

    Source: J. Schnakenberg, J. theor. Biol. 81 (1979) 389.
    """
    a, b = checks.nonnegative(a, "a"), checks.positive(b, "b")
    u, v = a + b, b / (a + b) ** 2
    return Kinetics("Schnakenberg", lambda u, v: (a - u + u * u * v, b - u * u * v), (u, v),
                    np.array([[2 * u * v - 1, u * u], [-2 * u * v, -u * u]]))


def gierer_meinhardt(a: float = 0.1, b: float = 1.0) -> Kinetics:
    r"""Activator and inhibitor: :math:`f = a - b u + u^2/v,\; g = u^2 - v`.

    :param a: feed of the activator u, zero or positive.
    :param b: decay of the activator, positive.
    :returns: kinetics with the steady state :math:`u = (1 + a)/b,\; v = u^2`.
    :raises ValueError: if a is negative or b is not positive.

    Source: A. Gierer, H. Meinhardt, Kybernetik 12 (1972) 30, in Murray's scaling.
    """
    a, b = checks.nonnegative(a, "a"), checks.positive(b, "b")
    u = (1 + a) / b
    return Kinetics("Gierer-Meinhardt", lambda u, v: (a - b * u + u * u / v, u * u - v), (u, u * u),
                    np.array([[2 / u - b, -1 / u**2], [2 * u, -1.0]]))


def jacobian(reaction: Reaction, u: float, v: float) -> np.ndarray:
    """The Jacobian of a reaction by automatic differentiation.

    :param reaction: (u, v) to (f, g), of tensors.
    :param u: where, a number.
    :param v: where, a number.
    :returns: (2, 2), float64: rows for f and g, columns for u and v.
    :raises TypeError: if the reaction is not a function or u or v not a number.
    """
    import torch

    checks.function(reaction, "reaction")
    point = torch.tensor([checks.number(u, "u"), checks.number(v, "v")], dtype=torch.float64)
    return torch.autograd.functional.jacobian(lambda p: torch.stack(reaction(p[0], p[1])), point).numpy()


def growth_rate(J: Any, Du: float, Dv: float, k: Any, *, h: float | None = None) -> np.ndarray:
    r"""Dispersion relation: the largest real part of the eigenvalues of :math:`J - k^2 D`.

    :param J: Jacobian at the steady state, (2, 2).
    :param Du: diffusivity of u, zero or positive.
    :param Dv: diffusivity of v, zero or positive.
    :param k: wavenumbers, any shape, in radians per unit length.
    :param h: grid spacing; then :math:`k^2` becomes the grid's own :math:`(4/h^2)\sin^2(kh/2)`.
    :returns: growth rates, of the shape of ``k``.
    :raises ValueError: if a shape does not fit or a number is out of its range.
    """
    J, Du, Dv = _system(J, Du, Dv)
    k = np.asarray(k, dtype=float)
    if not np.isfinite(k).all():
        raise ValueError("k must be finite, but it holds NaN or infinity")
    q = k**2 if h is None else (2 * np.sin(k * checks.positive(h, "h") / 2) / h) ** 2
    half_trace = (np.trace(J) - q * (Du + Dv)) / 2
    det = (J[0, 0] - q * Du) * (J[1, 1] - q * Dv) - J[0, 1] * J[1, 0]
    return half_trace + np.sqrt((half_trace**2 - det).astype(complex)).real


def conditions(J: Any, Du: float, Dv: float) -> dict[str, bool]:
    r"""Turing's four conditions, by name; all four together mean a pattern.

    Without diffusion the state is stable: (1) :math:`f_u + g_v < 0`, (2)
    :math:`\det J > 0`.  With diffusion it is not: (3) :math:`D_v f_u + D_u g_v > 0`,
    (4) :math:`(D_v f_u + D_u g_v)^2 > 4 D_u D_v \det J`.

    :param J: Jacobian at the steady state, (2, 2).
    :param Du: diffusivity of u, zero or positive.
    :param Dv: diffusivity of v, zero or positive.
    :returns: whether each holds: "trace", "determinant", "mixed", "discriminant".
    :raises ValueError: if a shape does not fit or a number is out of its range.

    Source: Murray (2003), equation 2.31.
    """
    J, Du, Dv = _system(J, Du, Dv)
    mixed, det = Dv * J[0, 0] + Du * J[1, 1], np.linalg.det(J)
    return {"trace": bool(np.trace(J) < 0), "determinant": bool(det > 0), "mixed": bool(mixed > 0),
            "discriminant": bool(mixed**2 > 4 * Du * Dv * det)}


def fastest_wavenumber(J: Any, Du: float, Dv: float) -> float:
    r"""The wavenumber whose ripple grows fastest.

    .. math:: k^2 = \frac{(D_u + D_v)\sqrt{-f_v g_u/(D_u D_v)} - (f_u - g_v)}{D_v - D_u}

    :param J: Jacobian at the steady state, (2, 2).
    :param Du: diffusivity of u.
    :param Dv: diffusivity of v.
    :returns: the wavenumber, in radians per unit length.
    :raises ValueError: if the four conditions do not hold: then no ripple grows.
    """
    J, Du, Dv = _patterned(J, Du, Dv)
    cross = np.sqrt(-J[0, 1] * J[1, 0] / (Du * Dv))
    return float(np.sqrt(((Du + Dv) * cross - (J[0, 0] - J[1, 1])) / (Dv - Du)))


def _system(J: Any, Du: Any, Dv: Any) -> tuple[np.ndarray, float, float]:
    return (checks.array(J, "J", shape=(2, 2)).astype(float), checks.nonnegative(Du, "Du"),
            checks.nonnegative(Dv, "Dv"))


def _patterned(J: Any, Du: Any, Dv: Any) -> tuple[np.ndarray, float, float]:
    J, Du, Dv = _system(J, Du, Dv)
    failed = [name for name, holds in conditions(J, Du, Dv).items() if not holds]
    if failed:
        raise ValueError(f"J, Du, Dv must satisfy Turing's four conditions, but these fail: {', '.join(failed)}")
    return J, Du, Dv
