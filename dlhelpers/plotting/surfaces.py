"""Surfaces over a plane: contours, relief in three dimensions, paths on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource

from dlhelpers import checks
from dlhelpers.plotting import style


def grid(a: tuple[float, float], b: tuple[float, float], points: int = 101) -> tuple[np.ndarray, np.ndarray]:
    """Coordinate matrices (A, B), each (points, points), over a rectangle."""
    points = checks.integer(points, "points", at_least=2)
    return tuple(np.meshgrid(np.linspace(*a, points), np.linspace(*b, points)))  # type: ignore[return-value]


def contour(ax: Axes, a: Any, b: Any, values: Any, *, levels: int = 24, log: bool = False,
            labels: tuple[str, str] = ("", ""), colorbar: str | None = None, cmap: str = style.SEQUENTIAL,
            fill: bool = True) -> Axes:
    """Filled contours of ``values`` over the plane.

    :param a, b: coordinates, (n_a,) and (n_b,), or matrices of the shape of ``values``.
    :param values: (n_b, n_a); rows follow ``b``.
    :param log: space the levels by powers, for losses over many orders of magnitude.
    :param colorbar: its label; None draws none.
    """
    values = checks.array(values, "values", ndim=2, finite=False)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ValueError("values must hold at least one finite number: the surface diverged everywhere")
    low, high = float(finite.min()), float(finite.max())
    if log:
        floor = max(low, high * 1e-9, 1e-300)
        steps: Any = np.geomspace(floor, max(high, floor * 1.01), levels)
        shown = np.clip(values, floor, None)
    else:
        steps, shown = np.linspace(low, max(high, low + 1e-12), levels), values
    norm = _log_norm(steps) if log else None
    if fill:
        drawn = ax.contourf(a, b, shown, levels=steps, cmap=cmap, norm=norm, extend="max")
    ax.contour(a, b, shown, levels=steps[::2], colors="white" if fill else style.MUTED, linewidths=0.5, alpha=0.55)
    ax.grid(False)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    if colorbar is not None and fill:
        bar = ax.figure.colorbar(drawn, ax=ax, label=colorbar, shrink=0.95)
        if log:
            from matplotlib.ticker import LogFormatterSciNotation, LogLocator

            bar.locator, bar.formatter = LogLocator(numticks=7), LogFormatterSciNotation()
            bar.update_ticks()
    return ax


def _log_norm(steps: np.ndarray) -> Any:
    from matplotlib.colors import LogNorm

    return LogNorm(steps[0], steps[-1])


def path(ax: Axes, points: Any, *, label: str | None = None, color: str = style.VERMILION,
         markers: bool = True, **kwargs: Any) -> Axes:
    """A path over the plane, from a ring at its start to a dot at its end.

    :param points: (steps, 2).
    """
    points = checks.array(points, "points", shape=(None, 2), finite=False)
    points = points[np.isfinite(points).all(1)]
    ax.plot(*points.T, color=color, label=label, marker="o" if markers else None, markersize=3.5,
            **{"linewidth": 1.8, **kwargs})
    if len(points):
        ax.plot(*points[0], "o", markersize=9, markerfacecolor="white", markeredgecolor=color, markeredgewidth=2)
        ax.plot(*points[-1], "o", markersize=9, markerfacecolor=color, markeredgecolor="white", markeredgewidth=1.2)
    return ax


def relief(ax: Any, a: Any, b: Any, values: Any, *, cmap: str = style.SEQUENTIAL, azimuth: float = -55,
           elevation: float = 38, labels: tuple[str, str, str] = ("", "", ""), shade: bool = True,
           count: int = 120) -> Any:
    """A shaded surface in three dimensions; ``ax`` must have ``projection="3d"``.

    :param count: facets a side at most; sharp creases want more than the default.
    """
    if not hasattr(ax, "plot_surface"):
        raise ValueError("ax must be three-dimensional: make it with projection='3d'")
    values = checks.array(values, "values", ndim=2)
    if np.ndim(a) == 1:
        a, b = np.meshgrid(a, b)
    import matplotlib

    if shade:
        colours = LightSource(azdeg=315, altdeg=50).shade(values, matplotlib.colormaps[cmap], vert_exag=0.6,
                                                          blend_mode="soft")
        ax.plot_surface(a, b, values, facecolors=colours, rcount=count, ccount=count, linewidth=0,
                        antialiased=False, shade=False)
    else:
        ax.plot_surface(a, b, values, cmap=cmap, rcount=count, ccount=count, linewidth=0, antialiased=False)
    ax.view_init(elev=elevation, azim=azimuth)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_zlabel(labels[2])
    return ax
