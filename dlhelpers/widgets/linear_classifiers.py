"""Lecture 06: monomials of higher and higher degree bend the boundary, and overfit."""

from __future__ import annotations

from typing import Any, NamedTuple

import contourpy
import numpy as np
from matplotlib.collections import LineCollection

from dlhelpers import data
from dlhelpers.models import linear
from dlhelpers.plotting import style
from dlhelpers.widgets import live

DEGREES = range(1, 9)
REACH = 2.0
N_TRAIN, N_NEW = 80, 600
NOISE = {"moons": 0.3, "rings": 0.15, "xor": 0.15, "spirals": 0.06}
SIDE = 81
TOP = 1.4
CUT = 1.15
PENALTIES = np.logspace(-7, 0, 15)


class _Fits(NamedTuple):
    """One model for each degree, its loss on training and on new points, its share of new points wrong."""

    models: list[linear.Logistic]
    train: list[float]
    new: list[float]
    wrong: list[float]


def _points(kind: str, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points scaled into [-REACH, REACH]² and labels 0, 1."""
    X, y = getattr(data.toy, kind)(n=n, noise=NOISE[kind], seed=seed)
    X = X.double().numpy()
    if kind == "moons":
        X = X - [0.5, 0.25]
    else:
        X = 1.4 * X
    return X, y.numpy()


class MonomialExplorer(live.Explorer):
    """Logistic regression on all monomials up to a degree.

    Left: the probability as colour, the boundary where it is one half, the training
    points.  Right: the loss on the training points and on new ones for every degree
    at this penalty, the chosen degree marked.
    """

    title = "How curved should it be?"
    alt = "A curved boundary between points of two classes, and the loss by degree on training and on new points"

    def __init__(self) -> None:
        self._seed = 0
        ticks = np.linspace(-REACH, REACH, SIDE)
        self._ticks = ticks
        u, v = np.meshgrid(ticks, ticks)
        # Columns are ordered by degree, so lower degrees are the first columns of the highest.
        self._plane = linear.monomials(np.stack([u.ravel(), v.ravel()], 1), DEGREES[-1])
        self._fitted: dict[tuple[str, int], list[_Fits]] = {}
        self._drawn: dict[tuple[str, int], tuple[np.ndarray, ...]] = {}
        self.live = live.LiveFigure(figsize=(11, 4.6), ncols=2, width_ratios=[1, 1.15])
        left, right = self.live.axes
        move = self.live.moving
        self._map = move(left.imshow(np.zeros((SIDE, SIDE)), extent=(-REACH, REACH, -REACH, REACH), origin="lower",
                                     cmap="RdBu", vmin=-0.7, vmax=1.7, interpolation="nearest", zorder=0))
        self._boundary = move(left.add_collection(LineCollection([], colors=style.INK, linewidths=2.4, zorder=2)))
        look = {"markeredgecolor": "white", "zorder": 3}
        self._zeros = move(left.plot([], [], "s", color=style.VERMILION, markersize=6, **look)[0])
        self._ones = move(left.plot([], [], "o", color=style.BLUE, markersize=6.5, **look)[0])
        left.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="$x_1$", ylabel="$x_2$",
                 title="colour: probability of blue")
        left.grid(False)
        self._train = move(right.plot([], [], "o-", color=style.BLUE, label="training points")[0])
        self._new = move(right.plot([], [], "s-", color=style.VERMILION, label="new points")[0])
        self._cut = move(right.plot([], [], "^", color=style.VERMILION, markersize=13, zorder=4)[0])
        self._mark = move(right.plot([], [], color=style.MUTED, linewidth=9, alpha=0.25, zorder=1)[0])
        self._text = move(right.text(0.03, 0.96, "", transform=right.transAxes, va="top", fontsize=13,
                                     fontweight="bold"))
        right.set(xlim=(0.6, DEGREES[-1] + 0.4), ylim=(0, TOP), xlabel="degree of the monomials",
                  ylabel=f"cross-entropy (▲: above {CUT})", xticks=list(DEGREES), title="every degree at this penalty")
        right.legend(loc="upper left", bbox_to_anchor=(0.0, 0.84))
        self.controls = {
            "points": live.choice("points", list(NOISE), "moons", width="180px"),
            "degree": live.slider("degree", 8, DEGREES[0], DEGREES[-1], integer=True),
            "penalty": live.slider("penalty λ", 1e-6, 1e-7, 1.0, 0.5, log=True),
        }
        self.buttons = {"again": live.button("New points", "random", "draw another sample")}
        self.connect()

    def _data(self, points: str) -> tuple[np.ndarray, ...]:
        """Training points and labels, features of training and of new points, labels of these."""
        key = (points, self._seed)
        if key not in self._drawn:
            X, y = _points(points, self._seed, N_TRAIN)
            X_new, y_new = _points(points, 10_000 + self._seed, N_NEW)
            self._drawn[key] = (X, y, linear.monomials(X, DEGREES[-1]), linear.monomials(X_new, DEGREES[-1]), y_new)
        return self._drawn[key]

    def _fits(self, points: str, penalty: float) -> _Fits:
        """Of the penalty in the grid that is closest; the first call for a data set fits the whole grid."""
        key = (points, self._seed)
        if key not in self._fitted:
            _, y, phi, phi_new, y_new = self._data(points)
            models: list[Any] = [None] * len(DEGREES)
            self._fitted[key] = []
            for l2 in PENALTIES[::-1]:  # from strong to weak, each fit starting at the one before
                models = [linear.logistic_regression(phi[:, :_width(r)], y, l2=l2, steps=30, tol=1e-5,
                                                     start=m and np.r_[m.b, m.w])
                          for r, m in zip(DEGREES, models, strict=True)]
                train = [_cross_entropy(m.logit(phi[:, :_width(r)]), y) for r, m in zip(DEGREES, models, strict=True)]
                logits = [m.logit(phi_new[:, :_width(r)]) for r, m in zip(DEGREES, models, strict=True)]
                self._fitted[key].insert(0, _Fits(models, train, [_cross_entropy(z, y_new) for z in logits],
                                                  [float(((z > 0) != y_new).mean()) for z in logits]))
        return self._fitted[key][int(np.abs(np.log(PENALTIES / penalty)).argmin())]

    def update(self, points: str, degree: int, penalty: float) -> None:
        X, y = self._data(points)[:2]
        fits = self._fits(points, penalty)
        logit = fits.models[degree - 1].logit(self._plane[:, :_width(degree)]).reshape(SIDE, SIDE)
        self._map.set_data(linear.sigmoid(logit))
        # The logit is smooth where the probability jumps within one cell of the grid.
        self._boundary.set_segments(contourpy.contour_generator(self._ticks, self._ticks, logit).lines(0.0))
        self._zeros.set_data(*X[y == 0].T)
        self._ones.set_data(*X[y == 1].T)
        self._train.set_data(list(DEGREES), fits.train)
        self._new.set_data(list(DEGREES), np.minimum(fits.new, CUT))
        beyond = [r for r, loss in zip(DEGREES, fits.new, strict=True) if loss > CUT]
        self._cut.set_data(beyond, [CUT] * len(beyond))
        self._mark.set_data([degree, degree], [0, TOP])
        wrong = fits.wrong[degree - 1]
        self._text.set_text(f"{_width(degree)} features: {100 * wrong:.1f} % of new points wrong")
        self._state = {"wrong": wrong, "train loss": fits.train[degree - 1], "new loss": fits.new[degree - 1],
                       "best degree": float(np.argmin(fits.new) + 1)}

    def press(self, name: str) -> None:
        """Another sample of the same kind."""
        self._seed += 1
        self.update(**self.values())

    def state(self) -> dict[str, float]:
        return dict(self._state)


def _width(degree: int) -> int:
    """Monomials of two inputs up to a degree, without the constant."""
    return (degree + 1) * (degree + 2) // 2 - 1


def _cross_entropy(logit: np.ndarray, y: np.ndarray) -> float:
    return float(np.logaddexp(0, np.where(y == 1, -logit, logit)).mean())
