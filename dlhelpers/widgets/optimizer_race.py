"""Explorer of lecture 04: eight optimisers race down one landscape."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from dlhelpers import descent, objectives
from dlhelpers.plotting import style
from dlhelpers.widgets import live, sprites

T = 300
#: Window of the map (x, y) and the curvature that a gradient step must respect.
VIEWS: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "valley": ((-4.8, 1.6), (-2.0, 2.0), 100.0),
    "turned valley": ((-4.6, 1.8), (-4.0, 2.4), 100.0),
    "Rosenbrock": ((-0.7, 1.5), (-0.5, 1.5), 500.0),
    "saddle": ((-2.4, 1.4), (-1.6, 1.6), 2.0),
    "ripples": ((-4.8, 3.2), (-2.5, 2.5), 2.55),
}
COLOURS = {"GD": style.INK, "SGD": style.MUTED, "momentum": style.BLUE, "Nesterov": style.SKY, "Adagrad": style.ORANGE,
           "Adadelta": style.PURPLE, "RMSprop": style.GREEN, "Adam": style.VERMILION}


def rules(curvature: float, times: float) -> dict[str, descent.Rule]:
    """The eight at their usual rates, all multiplied by one factor.

    SGD is GD's rule; the race gives it a noisy gradient.  Steps along the gradient are measured
    against the curvature; the others have a length of their own.

    :param curvature: the largest of the landscape.
    :param times: the factor.
    :returns: name -> rule.
    """
    slope = times / curvature
    return {"GD": descent.GradientStep(slope), "SGD": descent.GradientStep(slope),
            "momentum": descent.Momentum(0.5 * slope), "Nesterov": descent.Nesterov(0.3 * slope), "Adagrad": descent.Adagrad(0.5 * times),
            "Adadelta": descent.Adadelta(3 * times), "RMSprop": descent.RMSprop(0.03 * times),
            "Adam": descent.Adam(0.1 * times)}


#: Each has a shape and letters of its own: colours alone are not told apart by everybody.
LETTERS = {"GD": ("o", "G"), "SGD": ("X", "S"), "momentum": ("s", "M"), "Nesterov": ("D", "N"), "Adagrad": ("^", "Ag"),
           "Adadelta": ("v", "Δ"), "RMSprop": ("p", "R"), "Adam": ("h", "A")}


class OptimizerRaceExplorer(live.Explorer):
    """Left: the paths on the map up to the present step.  Right: height above the minimum against steps.

    The noise is one recording, the same for all but GD, which sees the exact gradient; its size is relative to
    the slope at the start.
    """

    title = "All optimisers, one landscape"
    alt = "Paths of eight optimisers on the map of a landscape, each with its letters, and their heights by step"

    def __init__(self) -> None:
        self.controls = {
            "landscape": live.choice("landscape", list(VIEWS), "turned valley", width="220px"),
            "times": live.slider("all learning rates ×", 1.0, 0.01, 100.0, 0.05, log=True),
            "step": live.slider("step", 200, 1, T, integer=True),
            "noise": live.slider("noise", 0.06, 0.0, 1.0, 0.02, readout=".2f", width="250px"),
        }
        self.buttons = {"reset": live.button("Reset", "refresh", "learning rates × 1, no noise, step 1")}
        self._recorded = np.random.default_rng(0).standard_normal((T, 2))
        self._runs: dict[tuple[str, float, float], dict[str, descent.Iterates]] = {}
        self._drawn = ""
        self.live = live.LiveFigure((10, 4.5), ncols=2, width_ratios=[1.1, 1])
        with style.context():
            self._make()
        self.connect()

    def _make(self) -> None:
        ground, heights = self.live.axes
        moving = self.live.moving
        self._paths, self._heads, self._letters, self._curves, self._tags = {}, {}, {}, {}, {}
        for name, colour in COLOURS.items():
            marker, letters = LETTERS[name]
            self._paths[name] = moving(ground.plot([], [], color=colour, linewidth=2.0, zorder=4)[0])
            self._heads[name] = moving(ground.plot([], [], marker, color=colour, markersize=17, markeredgecolor="white",
                                                   zorder=5)[0])
            self._letters[name] = moving(self._word(ground, letters))
            self._curves[name] = moving(heights.plot([], [], color=colour, label=name)[0])
            self._tags[name] = moving(heights.plot([], [], marker, color=colour, markersize=15, markeredgecolor="white",
                                                   zorder=5)[0], self._word(heights, letters))
        self._words = moving(ground.text(0.02, 0.97, "", transform=ground.transAxes, va="top", fontsize=12, zorder=6,
                                         bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 3}))
        heights.set(yscale="log", xlim=(0, T), ylim=(1e-8, 1e6), xlabel="step", ylabel="height above the minimum")
        marks = [Line2D([], [], color=colour, marker=LETTERS[name][0], markersize=9, markeredgecolor="white")
                 for name, colour in COLOURS.items()]
        names = heights.legend(marks, [f"{LETTERS[name][1]}: {name}" for name in COLOURS], loc="upper right", ncols=3,
                               columnspacing=0.7, handlelength=1.4, handletextpad=0.4, borderpad=0.2, frameon=True,
                               framealpha=0.85, edgecolor="white", fontsize=11)
        names.set_zorder(0.5)

    @staticmethod
    def _word(ax: Any, letters: str) -> sprites.Words:
        word = sprites.Words(ax, size=9, color="white", weight="bold", zorder=6, clip=True)
        word.set_text(letters)
        return word

    def _ground(self, landscape: str) -> None:
        """The map under the paths; drawn anew when the landscape changes."""
        ground = self.live.axes[0]
        for old in [*ground.collections, *ground.images]:
            old.remove()
        (x0, x1), (y0, y1), _ = VIEWS[landscape]
        plane = objectives.TestFunction(landscape)
        x, y = np.meshgrid(np.linspace(x0, x1, 161), np.linspace(y0, y1, 161))
        levels = np.log10(plane.value(np.stack([x, y], -1)) - plane.minimum + 1e-2)
        ground.contourf(x, y, levels, levels=14, cmap=style.IMAGE, alpha=0.4, zorder=0)
        ground.contour(x, y, levels, levels=13, colors=style.MUTED, linewidths=0.5, alpha=0.6, zorder=1)
        ground.grid(False)
        lowest = np.asarray(plane.minimiser)
        goals = np.array([lowest, lowest * [1, -1]] if landscape == "saddle" else [lowest])
        ground.scatter(*goals.T, marker="*", s=190, color="white", edgecolors=style.INK, zorder=2)
        ground.scatter(*plane.start, marker="o", s=70, color="white", edgecolors=style.INK, linewidths=1.8, zorder=2)
        ground.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="θ₁", ylabel="θ₂")

    def _race(self, landscape: str, times: float, noise: float) -> dict[str, descent.Iterates]:
        key = (landscape, round(times, 6), round(noise, 4))
        if key not in self._runs:
            plane = objectives.TestFunction(landscape)
            size = noise * float(np.linalg.norm(plane.gradient(plane.start))) / 4
            extra = None if noise == 0 else size * self._recorded
            if len(self._runs) > 200:
                self._runs.clear()
            self._runs[key] = {name: descent.descend(landscape, None, rule, T, limit=1e6,
                                                     noise=None if name == "GD" else extra)
                               for name, rule in rules(VIEWS[landscape][2], times).items()}
        return self._runs[key]

    def update(self, landscape: str, times: float, step: int, noise: float) -> None:
        if landscape != self._drawn:
            with style.context():
                self._ground(landscape)
        race, lost = self._race(landscape, times, noise), []
        plane = objectives.TestFunction(landscape)
        self._state = {}
        for name, run in race.items():
            points, gaps = run.points[:step + 1], run.values[:step + 1] - plane.minimum
            self._paths[name].set_data(*points.T)
            self._heads[name].set_data(*points[-1:].T)
            self._letters[name].set_position(points[-1])
            shown = np.arange((len(gaps) - 1) % 2, len(gaps), 2)             # every other step: finer than the pixels
            self._curves[name].set_data(shown, np.clip(gaps[shown], 1e-9, 1e4))
            end = float(len(gaps) - 1), float(np.clip(gaps[-1], 2e-8, 1e4))
            self._tags[name][0].set_data(end[:1], end[1:])
            self._tags[name][1].set_position(end)
            self._state[name] = float(gaps[-1])
            if run.diverged is not None and run.diverged <= step:
                lost.append(name)
        said = f"step {step}, leader: {min(self._state, key=self._state.get)}"
        self._words.set_text(said + (f"\ndiverged: {', '.join(lost)}" if lost else ""))
        self._state["diverged"] = float(len(lost))
        if landscape != self._drawn:
            first, self._drawn = not self._drawn, landscape
            if not first:
                self.live.redraw()

    def press(self, name: str) -> None:
        """Back to the starting line."""
        self.set(times=1.0, noise=0.0, step=1)

    def show(self) -> Any:
        """As every explorer, with a play button that moves the step slider."""
        shown = super().show()
        rows = shown.children[1]
        rows.children = (live.player(self.controls["step"], "race:", interval=60, step=3), *rows.children)
        return shown

    def state(self) -> dict[str, float]:
        """Height above the minimum of each contestant at the present step, and how many have diverged."""
        return dict(self._state)
