r"""Linear stability of two morphogens that react and diffuse (Turing 1952).

.. math:: \dot u = f(u, v) + D_u \nabla^2 u, \qquad \dot v = g(u, v) + D_v \nabla^2 v

Near a steady state a ripple of wavenumber k grows or dies like
:math:`e^{\lambda t}`, where :math:`\lambda` is an eigenvalue of
:math:`J - k^2\,\mathrm{diag}(D_u, D_v)` and J is the Jacobian of (f, g).
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


def turing_two_cells() -> Kinetics:
    """Turing's own numbers: f = 5u - 6v + 1, g = 6u - 7v + 1, at rest in (1, 1).

    Source: A. Turing, The chemical basis of morphogenesis (1952), section 2.
    """
    return Kinetics("Turing 1952", lambda u, v: (5 * u - 6 * v + 1, 6 * u - 7 * v + 1), (1.0, 1.0),
                    np.array([[5.0, -6.0], [6.0, -7.0]]))


def schnakenberg(a: float = 0.1, b: float = 0.9) -> Kinetics:
    r"""Activator and substrate: :math:`f = a - u + u^2 v,\; g = b - u^2 v`.

    :param a, b: feeds of activator and substrate, a >= 0, b > 0.
    :returns: kinetics with the steady state :math:`(a + b,\, b/(a + b)^2)`.

    Source: J. Schnakenberg, J. theor. Biol. 81 (1979) 389.
    """
    a, b = checks.nonnegative(a, "a"), checks.positive(b, "b")
    u, v = a + b, b / (a + b) ** 2
    return Kinetics("Schnakenberg", lambda u, v: (a - u + u * u * v, b - u * u * v), (u, v),
                    np.array([[2 * u * v - 1, u * u], [-2 * u * v, -u * u]]))


def gierer_meinhardt(a: float = 0.1, b: float = 1.0) -> Kinetics:
    r"""Activator and inhibitor: :math:`f = a - b u + u^2/v,\; g = u^2 - v`.

    :param a, b: feed and decay of the activator, a >= 0, b > 0.
    :returns: kinetics with the steady state :math:`u = (1 + a)/b,\; v = u^2`.

    Source: A. Gierer, H. Meinhardt, Kybernetik 12 (1972) 30, in Murray's scaling.
    """
    a, b = checks.nonnegative(a, "a"), checks.positive(b, "b")
    u = (1 + a) / b
    return Kinetics("Gierer-Meinhardt", lambda u, v: (a - b * u + u * u / v, u * u - v), (u, u * u),
                    np.array([[2 / u - b, -1 / u**2], [2 * u, -1.0]]))


def jacobian(reaction: Reaction, u: float, v: float) -> np.ndarray:
    """The Jacobian of a reaction at (u, v) by automatic differentiation, shape (2, 2), float64."""
    import torch

    checks.function(reaction, "reaction")
    point = torch.tensor([checks.number(u, "u"), checks.number(v, "v")], dtype=torch.float64)
    return torch.autograd.functional.jacobian(lambda p: torch.stack(reaction(p[0], p[1])), point).numpy()


def growth_rate(J: Any, Du: float, Dv: float, k: Any, *, h: float | None = None) -> np.ndarray:
    r"""Dispersion relation: the largest real part of the eigenvalues of :math:`J - k^2 D`.

    :param J: Jacobian at the steady state, (2, 2).
    :param k: wavenumbers, any shape, in radians per unit length.
    :param h: grid spacing; then :math:`k^2` becomes the grid's own :math:`(4/h^2)\sin^2(kh/2)`.
    :returns: growth rates, the shape of ``k``.
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
    """
    J, Du, Dv = _system(J, Du, Dv)
    mixed, det = Dv * J[0, 0] + Du * J[1, 1], np.linalg.det(J)
    return {"trace": bool(np.trace(J) < 0), "determinant": bool(det > 0), "mixed": bool(mixed > 0),
            "discriminant": bool(mixed**2 > 4 * Du * Dv * det)}


def fastest_wavenumber(J: Any, Du: float, Dv: float) -> float:
    r"""The wavenumber whose ripple grows fastest.

    .. math:: k^2 = \frac{(D_u + D_v)\sqrt{-f_v g_u/(D_u D_v)} - (f_u - g_v)}{D_v - D_u}

    :raises ValueError: if the four conditions do not hold: then no ripple grows.
    """
    J, Du, Dv = _patterned(J, Du, Dv)
    cross = np.sqrt(-J[0, 1] * J[1, 0] / (Du * Dv))
    return float(np.sqrt(((Du + Dv) * cross - (J[0, 0] - J[1, 1])) / (Dv - Du)))


def unstable_band(J: Any, Du: float, Dv: float) -> tuple[float, float]:
    r"""The wavenumbers between which ripples grow: the zeros of :math:`\det(J - k^2 D)`."""
    J, Du, Dv = _patterned(J, Du, Dv)
    mixed = Dv * J[0, 0] + Du * J[1, 1]
    root = np.sqrt(mixed**2 - 4 * Du * Dv * np.linalg.det(J))
    return tuple(float(np.sqrt((mixed + s * root) / (2 * Du * Dv))) for s in (-1, 1))  # type: ignore[return-value]


def critical_ratio(J: Any) -> float:
    r"""The ratio d = D_v/D_u above which patterns grow.

    .. math:: \sqrt{d_c} = \frac{\sqrt{\det J} + \sqrt{-f_v g_u}}{f_u}

    :raises ValueError: if no ratio helps: u must activate itself (f_u > 0) and the
        state without diffusion must be stable.
    """
    J, _, _ = _system(J, 1.0, 1.0)
    det = np.linalg.det(J)
    if not (np.trace(J) < 0 < det and J[0, 0] > 0):
        raise ValueError("J must be stable (trace < 0 < determinant) with f_u > 0, "
                         f"got trace {np.trace(J):g}, determinant {det:g}, f_u {J[0, 0]:g}")
    return float(((np.sqrt(det) + np.sqrt(-J[0, 1] * J[1, 0])) / J[0, 0]) ** 2)


def ring_matrix(J: Any, Du: float, Dv: float, cells: int) -> np.ndarray:
    """The linear system of a ring of cells, (2·cells, 2·cells): first all u, then all v.

    Each cell exchanges with its two neighbours at rates Du and Dv; two cells touch once.
    """
    J, Du, Dv = _system(J, Du, Dv)
    cells = checks.integer(cells, "cells", at_least=2)
    exchange = np.zeros((cells, cells))
    for i in range(cells):
        for j in {(i - 1) % cells, (i + 1) % cells}:
            exchange[i, j] += 1
            exchange[i, i] -= 1
    return np.kron(J, np.eye(cells)) + np.kron(np.diag([Du, Dv]), exchange)


def ring_eigenvalues(J: Any, Du: float, Dv: float, cells: int) -> np.ndarray:
    r"""Both eigenvalues of every wave on a ring of three or more cells, exactly, by Fourier.

    Wave s has :math:`\mu_s = 4\sin^2(\pi s/N)` in place of :math:`k^2`.

    :returns: (cells, 2), complex, the larger real part first.
    """
    J, Du, Dv = _system(J, Du, Dv)
    cells = checks.integer(cells, "cells", at_least=3)
    mu = 4 * np.sin(np.pi * np.arange(cells) / cells) ** 2
    found = np.linalg.eigvals(J[None] - mu[:, None, None] * np.diag([Du, Dv])).astype(complex)
    return np.take_along_axis(found, np.argsort(-found.real, axis=1), axis=1)


def _system(J: Any, Du: Any, Dv: Any) -> tuple[np.ndarray, float, float]:
    return (checks.array(J, "J", shape=(2, 2)).astype(float), checks.nonnegative(Du, "Du"),
            checks.nonnegative(Dv, "Dv"))


def _patterned(J: Any, Du: Any, Dv: Any) -> tuple[np.ndarray, float, float]:
    J, Du, Dv = _system(J, Du, Dv)
    failed = [name for name, holds in conditions(J, Du, Dv).items() if not holds]
    if failed:
        raise ValueError(f"J, Du, Dv must satisfy Turing's four conditions, but these fail: {', '.join(failed)}")
    return J, Du, Dv
