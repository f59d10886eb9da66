"""Curves: training histories, bounds beside measurements, spreads over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dlhelpers import checks
from dlhelpers.plotting import style


def line(ax: Axes, y: Any, x: Any = None, *, label: str | None = None, color: str | None = None,
         end_label: bool = False, **kwargs: Any) -> Axes:
    """One curve, labelled in a legend or, with ``end_label``, at its last point.

    :param y: values, shape (n,).
    :param x: abscissae, shape (n,), default 0..n-1.
    """
    y = checks.array(y, "y", ndim=1)
    x = np.arange(len(y)) if x is None else checks.array(x, "x", shape=(len(y),))
    (drawn,) = ax.plot(x, y, color=color, label=None if end_label else label, **kwargs)
    if end_label and label:
        ax.annotate(label, (x[-1], y[-1]), xytext=(6, 0), textcoords="offset points", va="center",
                    color=drawn.get_color(), fontweight="bold")
    return ax


def bound(ax: Axes, measured: Any, limit: Any, x: Any = None, *, label: str = "measured",
          limit_label: str = "bound", color: str = style.BLUE) -> Axes:
    """A measured curve under (or over) the bound that theory puts on it."""
    line(ax, limit, x, label=limit_label, color=style.INK, linestyle="--", linewidth=1.6)
    line(ax, measured, x, label=label, color=color)
    ax.legend()
    return ax


def spread(ax: Axes, runs: Any, x: Any = None, *, label: str | None = None,
           color: str = style.BLUE) -> Axes:
    """Median of several runs, with the range from the lowest to the highest shaded.

    :param runs: one run a row, shape (n_runs, n).
    """
    runs = checks.array(runs, "runs", ndim=2)
    x = np.arange(runs.shape[1]) if x is None else checks.array(x, "x", shape=(runs.shape[1],))
    ax.fill_between(x, runs.min(0), runs.max(0), color=color, alpha=0.2, linewidth=0)
    ax.plot(x, np.median(runs, 0), color=color, label=label)
    return ax


def slope_triangle(ax: Axes, x: float, y: float, slope: float, width: float = 3.0,
                   color: str = style.MUTED) -> Axes:
    """A small triangle that shows a slope on log-log axes, its corner at (x, y)."""
    x2, y2 = x * width, y * width**slope
    ax.plot([x, x2, x2, x], [y, y, y2, y], color=color, linewidth=1.4)
    ax.annotate(f"slope {slope:g}", (x2, np.sqrt(y * y2)), xytext=(6, 0), textcoords="offset points",
                va="center", color=color, fontsize=12)
    return ax
