"""Explorer of lecture 26: click a pair (F, k) on the map, watch 256 x 256 cells evolve, brush them.

The map is the recorded atlas: at each place the pattern that grows there.  The play
control ticks in the browser; each tick advances the field by some steps and sends one
picture, and the ticks slow down where the machine cannot keep up.
"""

from __future__ import annotations

import time
from typing import Any

import ipywidgets
import matplotlib
import numpy as np

from dlhelpers import runs
from dlhelpers.patterns import gray_scott
from dlhelpers.plotting import style
from dlhelpers.widgets import live

SIDE, FULL = 256, 0.42
#: Fastest tick, milliseconds: some thirty pictures a second.
INTERVAL = 33
#: 32 colours of v as bytes: a table is faster than a norm and a map, few colours make a small picture.
COLOURS = (matplotlib.colormaps[style.PATTERN](np.arange(256) // 8 / 31)[:, :3] * 255).astype(np.uint8)


class GrayScottExplorer(live.Explorer):
    """A field, a map of parameters, a brush."""

    title = "Gray-Scott, live: press play, click the map, paint on the field (scroll: brush radius)"
    alt = "A map of patterns by feed and removal rate, and a field of 256 by 256 cells in which one pattern grows"

    def __init__(self) -> None:
        atlas = runs.load("26_pearson_atlas")
        self._F, self._k = atlas["F"], atlas["k"]
        tick = ipywidgets.Play(value=0, min=0, max=1_000_000, interval=INTERVAL, show_repeat=False,
                               tooltip="let the field run", layout=ipywidgets.Layout(width="130px"))
        self.controls = {
            "frame": tick,
            "steps": live.slider("steps a frame", 40, 1, 200, integer=True, width="270px"),
            "F": live.slider("feed F", 0.0367, self._F[0], self._F[-1], 1e-4, readout=".4f", width="270px"),
            "k": live.slider("removal k", 0.0649, self._k[0], self._k[-1], 1e-4, readout=".4f", width="270px"),
            "radius": live.slider("brush radius", 8, 2, 40, integer=True, width="270px"),
            "brush": live.choice("brush", ["plant v", "wipe away"], width="170px"),
        }
        self.buttons = {"reset": live.button("reset", "refresh", "back to one small wound in a bare field"),
                        "scatter": live.button("scatter", "braille", "plant eight spots anywhere"),
                        "step": live.button("one frame", "step-forward", "advance by one frame")}
        self.live = live.LiveFigure((10.8, 5.2), mouse=self._mouse, ncols=2, width_ratios=(1.04, 1))
        self._random = np.random.default_rng(0)
        self._cursor, self._down, self._frame = (SIDE / 8, SIDE / 8), False, 0  # off the colony
        self._cost, self._problem = 0.0, ""
        self._rows, self._columns = np.ogrid[:SIDE, :SIDE]
        self._restart()
        # A first picture with something in it; without the compiled kernel a younger one.
        self._solver.run(7000 if self._solver.backend == "numba" else 400)
        self._draw_map(atlas)
        self._make_moving()
        self.connect()

    def _restart(self) -> None:
        u, v = gray_scott.seed_fields((SIDE, SIDE), seed=0, size=8)
        self._solver = gray_scott.solver(0.0367, 0.0649, u, v)

    def _draw_map(self, atlas: runs.Run) -> None:
        tiles = atlas["tiles"]
        ground, field = self.live.axes
        rows, columns, side, _ = tiles.shape
        # Halved to 32 x 32 each, lowest F at the bottom.
        halves = tiles.reshape(rows, columns, side // 2, 2, side // 2, 2)      # (F, k, y, 2, x, 2)
        small = halves.mean((3, 5))[::-1]                                      # (F, k, y, x)
        sheet = small.transpose(0, 2, 1, 3).reshape(rows * side // 2, columns * side // 2)  # (F y, k x)
        dk, dF = (self._k[1] - self._k[0]) / 2, (self._F[1] - self._F[0]) / 2
        extent = (self._k[0] - dk, self._k[-1] + dk, self._F[0] - dF, self._F[-1] + dF)
        with style.context():
            shown = COLOURS[np.minimum(sheet * float(atlas["full"]) / FULL, 255).astype(np.uint8)]
            ground.imshow(shown, extent=extent, aspect="auto", interpolation="nearest")
            F = np.linspace(extent[2], extent[3], 200)
            ground.plot(gray_scott.saddle_node(F), F, "--", color="white", linewidth=1.6)
            ground.set(xlim=extent[:2], ylim=extent[2:], xlabel="removal rate k", ylabel="feed rate F")
            ground.set_title("the map: click a pattern")
            ground.grid(False)
            field.set(xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5), xticks=[], yticks=[], aspect="equal")
            field.grid(False)
            for side_line in field.spines.values():
                side_line.set_visible(False)

    def _make_moving(self) -> None:
        ground, field = self.live.axes
        with style.context():
            # Larger than a tile, and open: what it marks stays visible.
            here, = ground.plot([], [], "o", markersize=30, markerfacecolor="none", markeredgecolor="white",
                                markeredgewidth=2.6, zorder=5)
            image = field.imshow(np.zeros((SIDE, SIDE, 3), np.uint8), interpolation="nearest", zorder=1)
            ring, = field.plot([], [], color=style.SKY, linewidth=2.2, zorder=4)
            says = field.text(0, 1.015, "", transform=field.transAxes, va="bottom", fontsize=12, color=style.INK)
        self._artists = self.live.moving(here, image, ring, says)

    def update(self, **values: Any) -> None:
        """Advance by one frame if the play control has ticked; show field, place on the map, brush."""
        self._solver.parameters = gray_scott.parameters(values["F"], values["k"])
        if values["frame"] != self._frame:
            self._frame = values["frame"]
            self._advance(values["steps"])
        v = self._solver.v[0]
        here, image, ring, says = self._artists
        here.set_data([values["k"]], [values["F"]])
        image.set_data(COLOURS[np.clip(v * (255 / FULL), 0, 255).astype(np.uint8)])
        angle = np.linspace(0, 2 * np.pi, 49)
        ring.set_data(self._cursor[0] + values["radius"] * np.cos(angle),
                      self._cursor[1] + values["radius"] * np.sin(angle))
        ring.set_linestyle("-" if values["brush"] == "plant v" else ":")
        says.set_text(self._problem or f"F = {values['F']:.4f}   k = {values['k']:.4f}   "
                      f"{self._solver.steps:,} steps, {values['steps']} a frame")
        self._state = {"F": values["F"], "k": values["k"], "steps": float(self._solver.steps),
                       "mean_v": float(v.mean()),
                       "largest_v": float(v.max()), "frame_seconds": self._cost}

    def _advance(self, steps: int) -> None:
        try:
            self._solver.run(steps)
            self._problem = ""
        except FloatingPointError:
            self._restart()
            self._problem = "the field blew up and was started anew"

    def state(self) -> dict[str, float]:
        """The pair, the steps taken, mean and maximum of v, and seconds per frame so far."""
        return dict(self._state)

    def press(self, name: str) -> None:
        """``reset``: the bare field with one wound; ``scatter``: eight spots; ``step``: one frame."""
        if name == "reset":
            self._restart()
        elif name == "scatter":
            for y, x in self._random.integers(0, SIDE, (8, 2)):
                self._paint(float(x), float(y), 5, plant=True)
        else:
            self._advance(self.controls["steps"].value)
        self.update(**self.values())

    def _on_change(self, change: Any) -> None:
        started = time.perf_counter()
        super()._on_change(change)
        if change is not None and change.owner is self.controls["frame"]:
            # The browser ticks on its own: it must not tick faster than pictures are made.
            spent = time.perf_counter() - started
            self._cost = 0.8 * self._cost + 0.2 * spent if self._cost else spent
            wanted = int(max(INTERVAL, 1250 * self._cost))
            if abs(wanted - self.controls["frame"].interval) > 0.2 * self.controls["frame"].interval:
                self.controls["frame"].interval = wanted

    def show(self) -> ipywidgets.Widget:
        """With a word before the play button, which has no label of its own."""
        shown = super().show()
        shown.children[1].children = (ipywidgets.HTML("<b>run:</b>"), *shown.children[1].children)
        return shown

    def _paint(self, x: float, y: float, radius: float, *, plant: bool) -> None:
        """A disc of (u, v) = (1/2, 1/4), or of the bare state; it wraps around the edges."""
        u, v = self._solver.u, self._solver.v
        dy, dx = (np.abs(cells - at) for cells, at in ((self._rows, y), (self._columns, x)))
        disc = np.minimum(dy, SIDE - dy) ** 2 + np.minimum(dx, SIDE - dx) ** 2 <= radius**2
        u[0, disc], v[0, disc] = (0.5, 0.25) if plant else (1.0, 0.0)
        self._solver.put(u, v)

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        ground, field = self.live.axes
        if kind == "up":
            self._down = False
        elif ax is ground and kind == "down":
            self.set(F=float(np.round(np.clip(y, self._F[0], self._F[-1]), 4)),
                     k=float(np.round(np.clip(x, self._k[0], self._k[-1]), 4)))
        elif ax is field and kind == "wheel":
            radius = self.controls["radius"]
            radius.value = int(np.clip(radius.value + (1 if y < 0 else -1), radius.min, radius.max))
        elif ax is field:
            self._down = self._down or kind == "down"
            self._cursor = (x, y)
            if self._down:
                self._paint(x, y, self.controls["radius"].value, plant=self.controls["brush"].value == "plant v")
            # While the field runs the next frame shows the brush.
            if not self.controls["frame"].playing:
                self.update(**self.values())
                self.live.refresh()
