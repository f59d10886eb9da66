"""How rough a surface is: negative curvature, and where water would flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks


def basins(values: Any) -> tuple[int, float]:
    """Local minima of a grid, and the share of it that drains into the one below its middle.

    From every grid point one walks to the lowest of the eight neighbours, again and again,
    until none is lower.  Minima at the rim of the grid count.

    :param values: (n_b, n_a) losses, at least 3 x 3; the model sits in the middle.
    :returns: (number of minima, share of the grid points whose walk ends where the walk
        from the middle ends).
    :raises TypeError: if values do not hold real numbers.
    :raises ValueError: for a smaller grid, or values that are not finite.
    """
    v = _grid(values)
    ends = _ends(v)
    rows, columns = v.shape
    middle = ends[(rows // 2) * columns + columns // 2]
    return len(np.unique(ends)), float((ends == middle).mean())


def lowest_points(values: Any) -> np.ndarray:
    """The grid's local minima: where the walks of :func:`basins` end.

    :param values: (n_b, n_a) losses, at least 3 x 3.
    :returns: (count,) their indices in the flattened grid, increasing.
    :raises TypeError: if values do not hold real numbers.
    :raises ValueError: for a smaller grid, or values that are not finite.
    """
    return np.unique(_ends(_grid(values)))


def _ends(v: np.ndarray) -> np.ndarray:
    """Where the walk from each point of the flattened grid ends, (n_b * n_a,)."""
    rows, columns = v.shape
    own = np.arange(v.size).reshape(v.shape)  # (n_b * n_a,) -> (n_b, n_a)
    walled = np.pad(v, 1, constant_values=np.inf)
    lowest, goal = v.copy(), own.copy()
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            neighbour = walled[1 + di:1 + di + rows, 1 + dj:1 + dj + columns]
            lower = neighbour < lowest
            lowest, goal = np.where(lower, neighbour, lowest), np.where(lower, own + di * columns + dj, goal)
    ends = goal.reshape(-1)  # (n_b, n_a) -> (n_b * n_a,)
    while not np.array_equal(ends, ends[ends]):      # two steps, four, eight ...
        ends = ends[ends]
    return ends


def nonconvex_share(values: Any, *, tol: float = 1e-9) -> float:
    """Share of the inner grid points where the plane's own curvature is negative in some direction.

    The 2x2 Hessian is taken by central differences on an even grid; a negative eigenvalue,
    relative to the largest curvature of all, proves that the full Hessian has one too, in
    the limit of a fine grid.

    :param values: (n_b, n_a) losses, at least 3 x 3.
    :param tol: a curvature counts as negative below -tol times the largest.
    :returns: a share from 0 to 1.
    :raises TypeError: if values do not hold real numbers.
    :raises ValueError: for a smaller grid, or values that are not finite.

    Source: Li, Xu, Taylor, Studer, Goldstein, *Visualizing the Loss Landscape of Neural Nets*,
    NeurIPS 2018, section 6, looks at the same in the space of all parameters.
    """
    v = _grid(values)
    aa = v[1:-1, 2:] - 2 * v[1:-1, 1:-1] + v[1:-1, :-2]
    bb = v[2:, 1:-1] - 2 * v[1:-1, 1:-1] + v[:-2, 1:-1]
    ab = (v[2:, 2:] - v[2:, :-2] - v[:-2, 2:] + v[:-2, :-2]) / 4
    least = (aa + bb) / 2 - np.hypot((aa - bb) / 2, ab)
    largest = np.abs((aa + bb) / 2) + np.hypot((aa - bb) / 2, ab)
    return float((least < -tol * max(float(largest.max()), 1e-300)).mean())


def _grid(values: Any) -> np.ndarray:
    v = checks.array(values, "values", ndim=2).astype(float)
    if min(v.shape) < 3:
        raise ValueError(f"values must be at least 3 x 3, got {v.shape}")
    return v
