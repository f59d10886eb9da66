"""Explorer of lecture 02: gradient descent on a straight line, step by step.

Data (x, 5x + 2) for x = -10, -9, …, 10; the loss is the mean squared error, a
quadratic with curvature beta = 220/3 along the slope and 2 along the intercept.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import LogLocator

from dlhelpers.plotting import style, surfaces
from dlhelpers.widgets import live

TRUE_SLOPE, TRUE_INTERCEPT = 5.0, 2.0
X = np.arange(-10.0, 11.0)
Y = TRUE_SLOPE * X + TRUE_INTERCEPT
MEAN_X, MEAN_X2 = float(X.mean()), float((X**2).mean())
#: Largest curvature of the loss; the x are centred, so the slope's axis is an eigenvector.
BETA = 2 * MEAN_X2

SLOPES, INTERCEPTS = (-7.0, 17.0), (-9.0, 13.0)
MAX_STEPS = 100
#: A path stops here: the picture shows that it has left, and the numbers stay finite.
FAR = 1e6


def loss(slope: float, intercept: float) -> float:
    """Mean squared error of the line, from the moments of x.

    :param slope: of the line.
    :param intercept: of the line.
    :returns: the error.
    """
    dm, dc = slope - TRUE_SLOPE, intercept - TRUE_INTERCEPT
    return MEAN_X2 * dm * dm + 2 * MEAN_X * dm * dc + dc * dc


def descend(slope: float, intercept: float, eta: float, steps: int) -> np.ndarray:
    r"""Gradient descent, :math:`\theta \leftarrow \theta - \eta \nabla L(\theta)`.

    :param slope: where it starts.
    :param intercept: where it starts.
    :param eta: learning rate.
    :param steps: how many at most.
    :returns: (slope, intercept) before the first and after every step, shape
        (taken + 1, 2); fewer than ``steps`` are taken if the path runs off beyond ``FAR``.
    """
    path = [(slope, intercept)]
    for _ in range(steps):
        dm, dc = slope - TRUE_SLOPE, intercept - TRUE_INTERCEPT
        slope -= eta * 2 * (MEAN_X2 * dm + MEAN_X * dc)
        intercept -= eta * 2 * (MEAN_X * dm + dc)
        path.append((slope, intercept))
        if abs(slope) > FAR or abs(intercept) > FAR:
            break
    return np.array(path)


class LinearModelExplorer(live.Explorer):
    """Start, learning rate and steps; the path on the loss surface, the line, and its error."""

    title = "Gradient descent on a line: find the rate at which it falls apart"
    alt = "Gradient descent on the loss surface of a line, the line itself over its points, and its error by step"

    def __init__(self) -> None:
        self.controls = {
            "eta": live.slider("learning rate η", 0.01, 10**-3.3, 0.05, 0.005, log=True),
            "steps": live.slider("steps", 10, 0, MAX_STEPS, integer=True),
            "slope": live.slider("start: slope", 0.0, -6.0, 16.0, 0.1),
            "intercept": live.slider("start: intercept", 0.0, -8.0, 12.0, 0.1),
        }
        self.buttons = {"step": live.button("one step", "step-forward", "take one more step; starts again at the end")}
        self.live = live.LiveFigure((11.0, 4.2), nrows=1, ncols=3, width_ratios=(1.35, 1.0, 0.95))
        self._draw_fixed()
        self._make_moving()
        self.connect()

    def _draw_fixed(self) -> None:
        surface, line, curve = self.live.axes
        a, b = surfaces.grid(SLOPES, INTERCEPTS, 121)
        with style.context():
            values = MEAN_X2 * (a - TRUE_SLOPE)**2 + (b - TRUE_INTERCEPT)**2 + 0.5
            surfaces.contour(surface, a, b, values, levels=18, log=True, labels=("slope", "intercept"))
            surface.plot(TRUE_SLOPE, TRUE_INTERCEPT, "*", color="white", markersize=15, markeredgecolor=style.INK)
            surface.set(xlim=SLOPES, ylim=INTERCEPTS, title="the loss surface")
            line.plot(X, Y, "o", color=style.INK, markersize=5)
            line.set(xlim=(-10.8, 10.8), ylim=(-95, 95), xlabel="x", ylabel="y", title="the line")
            curve.set(xlim=(-2, MAX_STEPS + 2), ylim=(1e-2, 1e5), yscale="log", xlabel="step", title="its error (MSE)")
            curve.yaxis.set_major_locator(LogLocator(numticks=7))

    def _make_moving(self) -> None:
        surface, line, curve = self.live.axes
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 4}
        with style.context():
            self._path, = surface.plot([], [], "-o", color=style.VERMILION, markersize=4, linewidth=1.1, zorder=5)
            self._start, = surface.plot([], [], "o", markersize=10, markerfacecolor="white",
                                        markeredgecolor=style.VERMILION, markeredgewidth=2, zorder=6)
            self._here, = surface.plot([], [], "o", markersize=10, color=style.VERMILION, markeredgecolor="white",
                                       zorder=7)
            self._verdict = surface.text(0.03, 0.96, "", transform=surface.transAxes, va="top", zorder=8,
                                         bbox=paper)
            self._before, = line.plot([], [], color=style.VERMILION, alpha=0.25, linewidth=1.3, zorder=4)
            self._fit, = line.plot([], [], color=style.VERMILION, linewidth=2.6, zorder=5)
            self._equation = line.text(0.04, 0.96, "", transform=line.transAxes, va="top", zorder=6, bbox=paper)
            self._errors, = curve.plot([], [], "-o", color=style.BLUE, markersize=3, zorder=5)
            self._error = curve.text(0.97, 0.96, "", transform=curve.transAxes, va="top", ha="right", color=style.BLUE,
                                     zorder=6, bbox=paper)
        self.live.moving(self._path, self._start, self._here, self._verdict, self._before, self._fit,
                         self._equation, self._errors, self._error)

    def update(self, *, eta: float, steps: int, slope: float, intercept: float) -> None:
        """The path for these settings, and the line at its end."""
        path = descend(slope, intercept, eta, steps)
        m, c = (float(v) for v in path[-1])
        self._path.set_data(path[:, 0], path[:, 1])
        self._start.set_data([slope], [intercept])
        # A point that has left the picture is kept at its edge.
        self._here.set_data([np.clip(m, *SLOPES)], [np.clip(c, *INTERCEPTS)])
        ends, gap = X[[0, -1]], [math.nan]
        earlier = path[:-1][-15:]
        self._before.set_data(np.tile(np.r_[ends, gap], len(earlier)),
                              np.ravel([[*(ms * ends + cs), math.nan] for ms, cs in earlier]))
        self._fit.set_data(ends, m * ends + c)
        losses = np.array([loss(*point) for point in path])
        self._errors.set_data(np.arange(len(path)), losses)
        self._equation.set_text(f"y = {m:.4g} x {'+' if c >= 0 else '−'} {abs(c):.4g}")
        self._error.set_text(f"{losses[-1]:.4g}")
        share = eta * BETA / 2
        on_edge = share >= 1 and slope == TRUE_SLOPE  # no error along the slope, so nothing there can grow
        verdict = "converges" if share < 1 else "converges, on a knife's edge" if on_edge else "diverges"
        ran_off = f"\nbeyond {FAR:.0e} after {len(path) - 1} steps" if len(path) <= steps else ""
        self._verdict.set_text(f"η = {share:.3f} × 2/β: {verdict}{ran_off}")
        self._state = {"slope": m, "intercept": c, "loss": float(losses[-1]), "steps": len(path) - 1.0,
                       "share_of_limit": share}

    def state(self) -> dict[str, float]:
        """The end of the path, its loss, the steps taken and η as a share of 2/β."""
        return dict(self._state)

    def press(self, name: str) -> None:
        """``step``: one step more; after the last one, back to the start."""
        self.set(steps=(self.controls["steps"].value + 1) % (MAX_STEPS + 1))
