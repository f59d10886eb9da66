"""Explorer of lecture 10: walk round a loss surface while descent walks down it.

A small tanh net on the moons is trained once; the surface over each plane is computed
when it is first asked for, at the largest radius, and cut to the radius of the slider.
"""

from __future__ import annotations

import ipywidgets
import numpy as np
import torch
from torch import nn

from dlhelpers import data, landscapes, training
from dlhelpers.models.mlp import mlp
from dlhelpers.plotting import relief, style
from dlhelpers.widgets import live

STEPS, LARGEST, POINTS, FLOOR = 60, 1.6, 121, 1e-3
WIDTH, HEIGHT, DETAIL = 520, 360, 150
PATH, FILTER, LAYER = "where it went (PCA)", "random, filter-normalised", "random, layer-normalised"


class LossSurfaceExplorer(live.Explorer):
    """Left: the relief with the path of descent.  Right: the loss, step by step."""

    title = "Walk round the surface, and let descent run down it"

    def __init__(self) -> None:
        self._train()
        self._surfaces: dict[str, tuple[np.ndarray, np.ndarray, float]] = {}
        self._cut: tuple[str, float] | None = None
        self.live = live.LiveFigure((11.0, 4.3), ncols=2, width_ratios=(1.45, 1.0))
        ground, curve = self.live.axes
        move = self.live.moving
        with style.context():
            blank = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
            self._picture = move(ground.imshow(blank, extent=(0, WIDTH, HEIGHT, 0), interpolation="nearest", zorder=1))
            self._halo = move(ground.plot([], [], color="white", linewidth=3.6, zorder=2)[0])
            self._path = move(ground.plot([], [], color=style.VERMILION, linewidth=1.9, zorder=3)[0])
            self._dot = move(ground.plot([], [], "o", color=style.VERMILION, markeredgecolor="white", markersize=11, zorder=4)[0])
            self._text = move(ground.text(0.0, 1.0, "", transform=ground.transAxes, va="top", fontsize=13,
                                          fontweight="bold", zorder=5))
            ground.set_axis_off()
            curve.semilogy(self._losses, color=style.BLUE)
            curve.set(xlabel="epoch", ylabel="training loss", title="the same way, seen as a curve")
            self._here = move(curve.plot([], [], "o", color=style.VERMILION, markersize=10)[0])
        self.controls = {
            "plane": live.choice("plane", [PATH, FILTER, LAYER], width="290px"),
            "radius": live.slider("radius", 1.0, 0.2, LARGEST, 0.1),
            "azimuth": live.slider("azimuth (°)", 110.0, -180.0, 180.0, 2.0),
            "step": live.slider("epoch", 20, 0, STEPS, integer=True),
        }
        self.connect()

    def _train(self) -> None:
        self._data, self._loss = data.toy.moons(400, noise=0.1, seed=0), nn.CrossEntropyLoss()
        self._model = mlp([2, 16, 16, 2], "tanh", seed=1)
        self._way = landscapes.Trajectory(self._model)
        training.fit(self._model, self._data, self._loss, eta=0.3, epochs=STEPS, batch=50, progress=False,
                     on_epoch=self._way)
        walker = mlp([2, 16, 16, 2], "tanh", seed=1)
        self._losses = [training.evaluate(self._way.load(walker, t), *self._data, self._loss) for t in range(STEPS + 1)]

    def _surface(self, plane: str) -> tuple[np.ndarray, np.ndarray, float]:
        """log10 losses at the largest radius, the path in units of that radius, the share of the way in the plane."""
        if plane not in self._surfaces:
            if plane == PATH:
                pca = self._way.plane()
                reach = float(np.abs(pca.path).max()) * 1.15
                directions = [[reach * t for t in d] for d in pca.directions]
            else:
                kind = "filter" if plane == FILTER else "layer"
                directions = list(landscapes.random_plane(self._model, seed=2, normalisation=kind))
            axes = torch.stack([torch.cat([t.reshape(-1) for t in d]).double() for d in directions])
            way = self._way.vectors().double()
            way = way - way[-1]
            along = torch.linalg.lstsq(axes.t(), way.t()).solution.t()
            share = float((along @ axes).square().sum() / way.square().sum())
            found = landscapes.surface(self._model, self._loss, self._data, directions, radius=LARGEST, points=POINTS)
            self._surfaces[plane] = np.log10(found.values + FLOOR), along.numpy(), share
        return self._surfaces[plane]

    def update(self, plane: str, radius: float, azimuth: float, step: int) -> None:
        values, along, share = self._surface(plane)
        if self._cut != (plane, radius):
            # Cut to the radius: bilinear, at the detail that the picture has.
            at = np.linspace(-radius, radius, 81) / LARGEST * (POINTS - 1) / 2 + (POINTS - 1) / 2
            i = np.minimum(at.astype(int), POINTS - 2)
            u = at - i
            rows = values[i] * (1 - u)[:, None] + values[i + 1] * u[:, None]
            self._relief = relief.Relief(rows[:, i] * (1 - u) + rows[:, i + 1] * u, detail=DETAIL, contours=0)
            self._cut = plane, radius
        self._picture.set_data(self._relief.render(WIDTH, HEIGHT, relief.View(azimuth=azimuth, elevation=48, height=0.42)))
        where = (along[:step + 1] / radius + 1) / 2
        x, y, _ = self._relief.project(where)
        out = ((where < 0) | (where > 1)).any(1)
        x[out], y[out] = np.nan, np.nan
        self._halo.set_data(x, y)
        self._path.set_data(x, y)
        self._dot.set_data(x[-1:], y[-1:])
        self._here.set_data([step], [self._losses[step]])
        self._text.set_text(f"{share:.0%} of the way lies in this plane" if share >= 0.01
                            else f"{share:.2%} of the way lies in this plane")
        self._state = {"loss": self._losses[step], "share": share, "radius": float(radius), "azimuth": float(azimuth)}

    def state(self) -> dict[str, float]:
        return dict(self._state)

    def show(self) -> ipywidgets.Widget:
        """With a player that moves the epoch."""
        box = super().show()
        play = ipywidgets.Play(min=0, max=STEPS, interval=80, description="play")
        ipywidgets.jslink((play, "value"), (self.controls["step"], "value"))
        box.children = (*box.children[:-2], play, *box.children[-2:])
        return box
