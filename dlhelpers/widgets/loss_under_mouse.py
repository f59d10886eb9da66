r"""A loss surface under your mouse: point somewhere, and gradient descent rolls down from there.

The path is :math:`\theta_{t+1} = \theta_t - \eta \nabla L(\theta_t)`; the right panel shows the
height :math:`L(\theta_t) - L^*` along it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import LightSource

from dlhelpers import checks
from dlhelpers.plotting import style
from dlhelpers.widgets import live

#: Every surface is shown on this square.
LOW, HIGH = -5.0, 5.0
#: Heights outside these are drawn at the edge of the right panel.
FLOOR, CEILING = 1e-8, 1e4


class Surface(NamedTuple):
    """A loss over the plane; ``loss`` and ``gradient`` take floats, arrays or tensors."""

    loss: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    lowest: float
    eta: float


def _himmelblau(x: Any, y: Any) -> Any:
    return ((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2) / 20


def _himmelblau_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    a, b = x**2 + y - 11, x + y**2 - 7
    return (2 * x * a + b) / 10, (a + 2 * y * b) / 10


def _banana(x: Any, y: Any) -> Any:
    # Rosenbrock's valley, in u = 0.4 x and v = 0.4 y + 1 so that it fills the square.
    u, v = 0.4 * x, 0.4 * y + 1
    return (1 - u) ** 2 + 10 * (v - u**2) ** 2


def _banana_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    u, v = 0.4 * x, 0.4 * y + 1
    w = v - u**2
    return 0.4 * (-2 * (1 - u) - 40 * u * w), 0.4 * 20 * w


def _egg_box(x: Any, y: Any) -> Any:
    # cos(s) = 1 - 2 sin²(s/2), with whatever library the argument belongs to.
    return 0.1 * (x**2 + y**2) + 2 - _cos(2 * x) - _cos(2 * y)


def _egg_box_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    return 0.2 * x + 2 * _sin(2 * x), 0.2 * y + 2 * _sin(2 * y)


def _ravine(x: Any, y: Any) -> Any:
    return 0.5 * (x**2 + 20 * y**2)


def _ravine_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    return x, 20 * y


def _saddle(x: Any, y: Any) -> Any:
    return 0.5 * x**2 + (y**2 - 9) ** 2 / 36


def _saddle_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    return x, y * (y**2 - 9) / 9


def _cos(value: Any) -> Any:
    return math.cos(value) if isinstance(value, float) else getattr(value, "cos", lambda: np.cos(value))()


def _sin(value: Any) -> Any:
    return math.sin(value) if isinstance(value, float) else getattr(value, "sin", lambda: np.sin(value))()


#: Name -> surface; ``eta`` is a learning rate that suits it.
SURFACES: dict[str, Surface] = {
    "four valleys": Surface(_himmelblau, _himmelblau_gradient, 0.0, 0.05),
    "banana": Surface(_banana, _banana_gradient, 0.0, 0.05),
    "egg box": Surface(_egg_box, _egg_box_gradient, 0.0, 0.05),
    "ravine": Surface(_ravine, _ravine_gradient, 0.0, 0.05),
    "saddle": Surface(_saddle, _saddle_gradient, 0.0, 0.05),
}


def surface(name: str) -> Surface:
    """A surface by its name.

    :param name: one of ``SURFACES``.
    :returns: loss, gradient, lowest value, a learning rate.
    :raises ValueError: for an unknown name.
    """
    if name not in SURFACES:
        raise ValueError(f"name must be one of {', '.join(SURFACES)}, got {name!r}")
    return SURFACES[name]


def descend(name: str, start: tuple[float, float], eta: float, steps: int) -> np.ndarray:
    r"""Gradient descent on a named surface: :math:`\theta_{t+1} = \theta_t - \eta \nabla L(\theta_t)`.

    :param name: one of ``SURFACES``.
    :param start: :math:`\theta_0`, two numbers.
    :param eta: learning rate, positive.
    :param steps: how many steps, at least 0.
    :returns: (steps + 1, 2) the points visited; shorter if the path leaves every bound.
    :raises ValueError: for an unknown name, a start that is not two finite numbers, a rate that is not positive.
    """
    gradient = surface(name).gradient
    eta, steps = checks.positive(eta, "eta"), checks.integer(steps, "steps", at_least=0)
    x, y = (float(v) for v in checks.array(start, "start", shape=(2,)))
    points = [(x, y)]
    for _ in range(steps):
        gx, gy = gradient(x, y)
        x, y = x - eta * gx, y - eta * gy
        # A path that has left by this much never returns; further powers would overflow.
        if not abs(x) + abs(y) < 1e6:
            break
        points.append((x, y))
    return np.array(points)


class LossUnderMouse(live.Explorer):
    """Point at a surface: gradient descent starts there."""

    title = "A loss surface under your mouse: move over it, click to pin the start, drag to move it, scroll to change η"
    alt = "A loss surface with the path of gradient descent from a start, and its height at every step"
    stored = True

    def __init__(self) -> None:
        self.live = live.LiveFigure((10.0, 4.6), mouse=self._mouse, ncols=2, width_ratios=(1.08, 1))
        self._drawn: str = ""
        self._contours: Any = None
        self._pinned = self._holding = False
        self._last = 0.0
        self._random = np.random.default_rng(0)
        ground, chart = self.live.axes
        ground.set(xlim=(LOW, HIGH), ylim=(LOW, HIGH), aspect="equal",
                   xlabel=r"weight $\theta_1$", ylabel=r"weight $\theta_2$")
        ground.grid(False)
        self._image = ground.imshow(np.zeros((2, 2, 3)), extent=(LOW, HIGH, LOW, HIGH), origin="lower",
                                    interpolation="bilinear")
        chart.set(yscale="log", xlim=(0, 203), ylim=(FLOOR, CEILING), xlabel=r"step $t$",
                  ylabel=r"height above the lowest point, $L(\theta_t) - L^*$")
        (halo,) = ground.plot([], [], "-", color="white", linewidth=4.5, alpha=0.75)
        (trail,) = ground.plot([], [], "-o", color=style.VERMILION, linewidth=2, markersize=3.5)
        (start,) = ground.plot([], [], "o", markersize=13, markerfacecolor="white",
                               markeredgecolor=style.VERMILION, markeredgewidth=2.5)
        (end,) = ground.plot([], [], "o", markersize=13, markerfacecolor=style.VERMILION,
                             markeredgecolor="white", markeredgewidth=2)
        (curve,) = chart.plot([], [], color=style.VERMILION, linewidth=2.6)
        (tip,) = chart.plot([], [], "o", markersize=10, color=style.VERMILION, markeredgecolor="white",
                            clip_on=False)
        verdict = chart.text(0.97, 0.96, "", transform=chart.transAxes, ha="right", va="top", fontsize=13,
                             fontweight="bold", color=style.INK)
        self._artists = self.live.moving(halo, trail, start, end, curve, tip, verdict)
        self.controls = {
            "surface": live.choice("surface", list(SURFACES)),
            "eta": live.slider("learning rate η", 0.05, 0.001, 0.3, log=True),
            "steps": live.slider("steps", 120, 0, 200, integer=True),
            "x": live.slider("start θ₁", 0.04, LOW, HIGH, 0.02),
            "y": live.slider("start θ₂", -0.6, LOW, HIGH, 0.02),
        }
        self.buttons = {"random": live.button("another start", "random", "a start drawn at random")}
        self.connect()

    def update(self, **values: Any) -> None:
        """Roll down from (x, y) on the chosen surface.

        :param values: surface, eta, steps, x, y.
        """
        name = values["surface"]
        if name != self._drawn:
            self._ground(name)
        points = descend(name, (values["x"], values["y"]), values["eta"], values["steps"])
        heights = surface(name).loss(points[:, 0], points[:, 1]) - surface(name).lowest
        shown = np.clip(heights, FLOOR, CEILING)
        halo, trail, start, end, curve, tip, verdict = self._artists
        # Far outside the picture the renderer would only lose precision.
        drawn = np.clip(points, 10 * LOW, 10 * HIGH)
        for line in (halo, trail):
            line.set_data(drawn[:, 0], drawn[:, 1])
        start.set_data(drawn[:1, 0], drawn[:1, 1])
        end.set_data(drawn[-1:, 0], drawn[-1:, 1])
        curve.set_data(np.arange(len(shown)), shown)
        tip.set_data([len(shown) - 1], shown[-1:])
        slope = math.hypot(*surface(name).gradient(float(points[-1, 0]), float(points[-1, 1])))
        verdict.set_text(self._verdict(points, heights, slope, values["steps"]))
        self._state = {"theta1": float(points[-1, 0]), "theta2": float(points[-1, 1]),
                       "height": float(heights[-1]), "slope": slope, "steps": float(len(points) - 1)}

    def state(self) -> dict[str, float]:
        """Where the path ends, how high, how steep it is there, and after how many steps."""
        return dict(self._state)

    def press(self, name: str) -> None:
        """A start drawn at random.

        :param name: "random".
        """
        x, y = self._random.uniform(LOW, HIGH, 2)
        self.set(x=float(x), y=float(y))

    @staticmethod
    def _verdict(points: np.ndarray, heights: np.ndarray, slope: float, steps: int) -> str:
        if len(points) <= steps or heights[-1] > 10 * max(heights[0], 1.0):
            return "diverged: η is too large here"
        if slope > 1e-3:
            return f"still moving, slope {slope:.2g}"
        if heights[-1] < 1e-4:
            return "arrived at a lowest point"
        return f"at rest, but {heights[-1]:.2g} too high"

    def _ground(self, name: str) -> None:
        """The relief and its contours; only when the surface changes."""
        side = np.linspace(LOW, HIGH, 321)
        x, y = np.meshgrid(side, side)
        # Logarithmic heights: the valleys matter, not the far walls.
        heights = np.log10(surface(name).loss(x, y) - surface(name).lowest + 0.15)
        relief = LightSource(azdeg=315, altdeg=45).shade(
            heights, style_map(), vert_exag=0.55 / np.ptp(heights) * 3, dx=side[1] - side[0], dy=side[1] - side[0],
            blend_mode="soft")
        self._image.set_data(relief[..., :3])
        if self._contours is not None:
            self._contours.remove()
        self._contours = self.live.axes[0].contour(x, y, heights, levels=14, colors="white", linewidths=0.7,
                                                    linestyles="solid", alpha=0.5)
        if self._drawn:
            self._drawn = name
            self.live.redraw()
        self._drawn = name

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        if kind == "up":
            self._holding = False
        if ax is not self.live.axes[0] or kind == "up":
            return
        if kind == "wheel":
            eta = self.controls["eta"]
            power = math.log10(eta.value) - math.copysign(0.06, y)
            self.set(eta=10 ** min(max(power, eta.min), eta.max))
            return
        if kind == "down":
            self._pinned, self._holding = not self._pinned, True
        elif (self._pinned and not self._holding) or time.monotonic() - self._last < 0.012:
            # Events that queued up while the last picture was drawn are out of date.
            return
        self.set(x=min(max(x, LOW), HIGH), y=min(max(y, LOW), HIGH))
        self._last = time.monotonic()


def style_map() -> Any:
    """The colour map of the relief."""
    import matplotlib

    return matplotlib.colormaps[style.SEQUENTIAL]
