"""Explorer of lecture 03: promised and measured numbers of steps as eta, beta and eps move."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from dlhelpers import descent
from dlhelpers.plotting import style
from dlhelpers.widgets import live

#: Steps that are simulated at most; beyond, the measured count is only known to be larger.
CAP = 20_000
#: A run stops when its gradient norm, for beta = 1, is below this.
FLOOR = 1e-7
BOWL = np.array([1.0, 0.02])


def _tail(p: float) -> tuple[Callable[[float], float], float, float]:
    return lambda x: -x ** (-p - 1) / (p + 1), 1.0, 1 / (p * (p + 1))


#: Shapes scaled to beta = 1: derivative, start, height of the start above the infimum.
#: beta times such a shape, with eta = r/beta, has iterates that depend on r alone.
SHAPES: dict[str, tuple[Callable[[float], float], float, float]] = {
    "power tail, p = 1": _tail(1.0),
    "power tail, p = 0.1": _tail(0.1),
    "logistic loss": (lambda x: -4 / (1 + math.exp(x)), -1.0, 4 * math.log1p(math.e)),
    "x² + 3 sin² x (not convex)": (lambda x: (2 * x + 3 * math.sin(2 * x)) / 8, 3.0, (9 + 3 * math.sin(3.0) ** 2) / 8),
}
FUNCTIONS = ["quadratic bowl", *SHAPES]


@functools.lru_cache(maxsize=512)
def gradient_norms(function: str, r: float) -> tuple[np.ndarray, float]:
    """Gradient norms along gradient descent with eta = r/beta, for beta = 1.

    :param function: one of ``FUNCTIONS``.
    :param r: the step in units of 1/beta.
    :returns: the norms, until they are below ``FLOOR`` or the run diverges, and the gap at the start.
    """
    if function == "quadratic bowl":
        t = np.arange(CAP + 1)
        with np.errstate(over="ignore", under="ignore"):
            norms = np.linalg.norm(BOWL * (1 - r * BOWL) ** t[:, None], axis=1)
        outside = np.flatnonzero(~((norms > FLOOR) & (norms < 1e9)))
        return norms[:outside[0] + 1 if outside.size else None], float(BOWL.sum() / 2)
    slope, x, gap = SHAPES[function]
    norms = [abs(slope(x))]
    while len(norms) <= CAP and FLOOR < norms[-1] < 1e9:
        x -= r * slope(x)
        norms.append(abs(slope(x)))
    return np.array(norms), gap


class IterationComplexityExplorer(live.Explorer):
    """Left: the smallest gradient norm along the run under its guarantee.  Right: steps against 1/eps."""

    title = "Steps promised, steps needed"
    alt = "The smallest gradient norm along a run under its guarantee, and promised and measured steps against 1/ε"

    def __init__(self) -> None:
        self.controls = {
            "r": live.slider("η in units of 1/β", 1.0, 0.05, 2.2, 0.05, readout=".2f"),
            "beta": live.slider("smoothness β", 1.0, 0.01, 100.0, 0.1, log=True),
            "eps": live.slider("accuracy ε", 1e-2, 1e-4, 1.0, 0.05, log=True),
            "function": live.choice("function", FUNCTIONS, FUNCTIONS[1]),
        }
        self.live = live.LiveFigure((9.6, 4.1), nrows=1, ncols=2)
        with style.context():
            left, right = self.live.axes
            left.set(xscale="log", yscale="log", xlim=(0.8, CAP), ylim=(1e-6, 1e3), xlabel="step T",
                     ylabel="smallest gradient norm ‖∇L‖", title="Along the run")
            right.set(xscale="log", yscale="log", xlim=(0.9, 2e4), ylim=(0.7, 1e11), xlabel="1/ε", ylabel="steps",
                      title="Steps until ‖∇L‖ ≤ ε")
            empty: tuple[list[float], list[float]] = ([], [])
            moving = self.live.moving
            (self.norm,) = left.plot(*empty, color=style.BLUE, label="smallest so far")
            (self.promise,) = left.plot(*empty, color=style.INK, ls="--", lw=1.6, label="promised")
            (self.level,) = left.plot([0.8, CAP], [1, 1], color=style.VERMILION, lw=1.6, label="ε")
            left.legend(loc="upper right", frameon=True, facecolor="white", edgecolor="white", framealpha=1)
            (self.needed,) = right.plot(*empty, color=style.BLUE, label="measured")
            (self.bound,) = right.plot(*empty, color=style.INK, ls="--", lw=1.6, label="promised, slope 2")
            (self.dot,) = right.plot(*empty, "o", color=style.BLUE, ms=10, mec="white")
            (self.ring,) = right.plot(*empty, "o", color=style.INK, ms=9, mfc="white", mew=2)
            (self.now,) = right.plot([1, 1], [0.7, 1e11], color=style.VERMILION, lw=1.6)
            right.legend(loc="upper left", frameon=True, facecolor="white", edgecolor="white", framealpha=1)
            self.words = right.text(0.98, 0.04, "", transform=right.transAxes, ha="right", va="bottom", fontsize=12,
                                    linespacing=1.4)
            for artist in (self.norm, self.promise, self.level, self.needed, self.bound, self.dot, self.ring,
                           self.now, self.words):
                moving(artist)
        self._eps = np.geomspace(1e-4, 1.0, 121)
        self.connect()

    def update(self, r: float, beta: float, eps: float, function: str) -> None:
        norms, gap = gradient_norms(function, round(r, 3))
        norms, gap, eta = beta * norms, beta * gap, r / beta
        # Log-spaced steps are enough for a logarithmic axis.
        shown = np.unique(np.geomspace(1, len(norms), 300).astype(int)) - 1
        best = np.minimum.accumulate(norms)
        self.norm.set_data(np.maximum(shown, 0.8), np.clip(best[shown], 1e-7, 1e4))
        # best falls: the first step with best <= eps is found by bisection on -best.
        counts = np.searchsorted(-best, -self._eps)
        reached = counts < len(norms)
        self.needed.set_data(1 / self._eps[reached], np.maximum(counts[reached], 0.7))
        measured = int(np.searchsorted(-best, -eps))
        found = measured < len(norms)
        self.dot.set_data([1 / eps], [max(measured, 0.7)] if found else [np.nan])
        self.level.set_ydata([eps, eps])
        promised = r < 2 - 1e-9
        if promised:
            steps = float(descent.stationary_steps(beta, gap, eps, eta))
            T = np.geomspace(1, CAP, 50)
            self.promise.set_data(T, descent.stationary_norm(beta, gap, T, eta))
            self.bound.set_data(1 / self._eps, descent.stationary_steps(beta, gap, self._eps, eta))
            self.ring.set_data([1 / eps], [steps])
        else:
            steps = -1.0
            for artist in (self.promise, self.bound, self.ring):
                artist.set_data([], [])
        self.now.set_data([1 / eps, 1 / eps], [0.7, steps if promised else 1e8])
        ran = f"{measured:,}" if found else ("diverged" if norms[-1] >= 1e9 * beta else f"more than {CAP:,}")
        said = f"{math.floor(steps):,}" if promised else "nothing: η ≥ 2/β"
        self.words.set_text(f"η = {eta:.3g}\npromised: {said}\nmeasured: {ran}")
        self._state = {"eta": eta, "promised_steps": steps, "measured_steps": float(measured if found else -1),
                       "gap": gap, "last_norm": float(norms[-1])}

    def state(self) -> dict[str, float]:
        """eta, both step counts (-1: none), the gap at the start, the last gradient norm."""
        return dict(self._state)
