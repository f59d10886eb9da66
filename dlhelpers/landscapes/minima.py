"""The lowest points of a plane, closer than its grid shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import roughness
from dlhelpers.landscapes.arguments import Data, Direction, Loss
from dlhelpers.landscapes.surface import Surface, losses_at

#: Each round looks at so many points a side, over two cells of the round before.
SIDE = 7


@dataclass(frozen=True)
class Minimum:
    """A local minimum of the loss on a plane, at the coordinates ``a`` and ``b``.

    ``rim`` says that it lies at the rim of the grid: the loss may fall further outside.
    It is a minimum *of the plane*; in the space of all parameters the loss may fall from it.
    """

    a: float
    b: float
    value: float
    rim: bool


def minima(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], surface: Surface, *,
           tol: float = 1e-3, **options: Any) -> list[Minimum]:
    """All local minima that a grid resolves, each then searched for between the grid's points.

    A grid point is a start if none of its eight neighbours is lower.
    Round after round a finer grid over the cells about the lowest point so far is evaluated,
    until its cells are ``tol`` of the first.  It works where the loss has kinks, too.

    :param model: the model in the plane's middle, as for ``surface``.
    :param loss: as for ``surface``.
    :param data: as for ``surface``.
    :param directions: A and B of the surface.
    :param surface: what ``surface`` returned for them, at least 3 x 3, its coordinates increasing.
    :param tol: final size of a cell, relative to the grid's; positive, below 1.
    :param options: ``chunk``, ``batch_norm`` and ``method``, as for ``surface``.
    :returns: the minima, lowest first.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if the grid is too small, or tol is out of range.
    """
    checks.instance(surface, "surface", Surface)
    tol = checks.between(tol, "tol", 0, 1, closed="neither")
    rows, columns = np.unravel_index(roughness.lowest_points(surface.shown()), surface.values.shape)
    cell = float(np.diff(surface.a).max()), float(np.diff(surface.b).max())
    steps = np.linspace(-1, 1, SIDE)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)                      # (SIDE, SIDE, 2) -> (P, 2)
    found = []
    for i, j in zip(rows, columns, strict=True):
        rim = i in (0, len(surface.b) - 1) or j in (0, len(surface.a) - 1)
        low = np.array([surface.a[max(j - 1, 0)], surface.b[max(i - 1, 0)]])
        high = np.array([surface.a[min(j + 1, len(surface.a) - 1)], surface.b[min(i + 1, len(surface.b) - 1)]])
        at, value, size = np.array([surface.a[j], surface.b[i]]), float(surface.values[i, j]), 1.0
        while size > tol:
            tried = np.clip(at + grid * np.array(cell) * size, low, high)
            values = losses_at(model, loss, data, directions, tried, **options)
            best = int(np.nanargmin(values))
            if values[best] < value:
                at, value = tried[best], float(values[best])
            size *= 2 / (SIDE - 1)
        found.append(Minimum(float(at[0]), float(at[1]), value, bool(rim)))
    return _apart(sorted(found, key=lambda minimum: minimum.value), cell)


def _apart(found: list[Minimum], cell: tuple[float, float]) -> list[Minimum]:
    """Without those that ended where a lower one did: equal grid points side by side start two searches."""
    kept: list[Minimum] = []
    for one in found:
        if all(abs(one.a - other.a) > cell[0] / 2 or abs(one.b - other.b) > cell[1] / 2 for other in kept):
            kept.append(one)
    return kept
