r"""Surfaces as relief models: shaded, with cast shadows, fast enough to turn under a slider.

The surface is a height field seen from above at an angle (parallel projection).  Turned
by the azimuth, its rows are laid down from the front to the back; in every column of the
picture a row shows wherever it rises above all rows before it.  That is a running
maximum, so a frame takes milliseconds where a mesh of triangles takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from dlhelpers import checks
from dlhelpers.plotting import style


@dataclass(frozen=True, eq=False)
class View:
    """Where the relief is seen from, and how large: degrees, and shares of the picture's width."""

    azimuth: float = 30.0
    elevation: float = 32.0
    height: float = 0.42
    base: float = 0.06


class Relief:
    """A height field, ready to be seen from any side.

    :param values: (n_b, n_a) heights on an even grid; rows follow b.
    :param cmap: colours of the heights.
    :param light: direction that the light comes from, degrees, relative to the viewer.
    :param contours: how many thin level lines.
    :param detail: the field is resampled to so many points a side.
    :param vmin, vmax: heights at the ends of the colours and of the relief.
    """

    def __init__(self, values: Any, *, cmap: str = style.SEQUENTIAL, light: float = -40.0, contours: int = 16,
                 detail: int = 220, vmin: float | None = None, vmax: float | None = None) -> None:
        values = checks.array(values, "values", ndim=2).astype(np.float32)
        self.low = float(values.min() if vmin is None else vmin)
        self.high = float(values.max() if vmax is None else vmax)
        if not self.high > self.low:
            raise ValueError("values must not all be equal: a plane has no relief")
        detail = checks.integer(detail, "detail", at_least=2)
        share = np.clip((values - self.low) / (self.high - self.low), 0, 1)
        self.field = _resample(share, detail)
        self.cmap, self.light, self.contours = cmap, light, contours

    def colours(self, view: View) -> np.ndarray:
        """Shaded colours (detail, detail, 3) of the field for light that stays with the viewer."""
        h = self.field * np.float32(view.height)
        step = np.float32(1.0 / (len(h) - 1))
        slope_b, slope_a = np.gradient(h, step)
        # The field turns under a lamp that stays: the lamp turns the other way in its frame.
        turn, up = np.radians(self.light - view.azimuth), np.radians(42.0)
        lamp = np.array([np.sin(turn) * np.cos(up), -np.cos(turn) * np.cos(up), np.sin(up)])
        length = np.sqrt(1 + slope_a**2 + slope_b**2)
        facing = (-slope_a * lamp[0] - slope_b * lamp[1] + lamp[2]) / length
        eye_turn, eye_up = np.radians(-view.azimuth), np.radians(view.elevation)
        half = lamp + [np.sin(eye_turn) * np.cos(eye_up), -np.cos(eye_turn) * np.cos(eye_up), np.sin(eye_up)]
        half /= np.linalg.norm(half)
        gleam = np.clip((-slope_a * half[0] - slope_b * half[1] + half[2]) / length, 0, 1) ** 40
        light = 0.50 + 0.66 * np.clip(facing, 0, 1)
        light *= 0.62 + 0.38 * self._openness()
        if self.contours:
            light *= 1 - 0.22 * self._level_lines()
        colour = self._palette() * light[..., None] + 0.16 * gleam[..., None]
        return np.clip(colour, 0, 1)

    def _palette(self) -> np.ndarray:
        if not hasattr(self, "_base"):
            self._base = matplotlib.colormaps[self.cmap](self.field)[..., :3].astype(np.float32)
        return self._base

    def _openness(self) -> np.ndarray:
        """How much sky a point sees, roughly: it is darker where the neighbourhood is higher."""
        if not hasattr(self, "_open"):
            shade = np.zeros_like(self.field)
            for reach in (3, 8, 20):
                shade += np.clip((_blur(self.field, reach) - self.field) * (26.0 / reach**0.6), 0, 1)
            self._open = 1 - np.clip(shade / 1.6, 0, 1)
        return self._open

    def _level_lines(self) -> np.ndarray:
        if not hasattr(self, "_lines"):
            scaled = self.field * self.contours
            slope = np.hypot(*np.gradient(scaled)) + 1e-6
            distance = np.abs(scaled - np.round(scaled)) / slope        # in grid cells
            self._lines = np.clip(1.1 - distance, 0, 1) * np.clip(0.9 / slope, 0, 1)
        return self._lines

    def render(self, width: int = 560, height: int = 400, view: View | None = None,
               background: str = style.PAPER) -> np.ndarray:
        """The picture, (height, width, 3), uint8, first row on top."""
        from dlhelpers.plotting import raycast

        view = view or View()
        scale, floor = self._scale(height, width, view)
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = [round(255 * c) for c in to_rgb(background)]
        horizon = np.empty((2 * len(self.field), width), np.float32)
        raycast.compiled()(
            self.field, 255 * self.colours(view), picture, horizon, scale, floor, float(np.radians(view.azimuth)),
            float(np.radians(view.elevation)), view.height, view.base)
        self._last = (view, width, height, scale, floor, horizon)
        return picture

    def _scale(self, height: int, width: int, view: View) -> tuple[float, float]:
        """Pixels a side of the field, and the screen height of its front corner's ground."""
        tilt = np.radians(view.elevation)
        tall = 1.44 * np.sin(tilt) + np.cos(tilt) * (view.height + view.base)
        scale = min(width / 1.44, height / tall)
        return float(scale), float((height - scale * tall) / 2 + scale * np.cos(tilt) * view.base)

    def project(self, points: Any, heights: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of points as the last picture shows them.

        :param points: (P, 2), each coordinate in 0..1 across the field (first along a).
        :param heights: (P,) in 0..1, from the ground to the top; default: on the surface.
        :returns: x and y (from the top) in pixels, and whether the point is in sight.
        """
        points = checks.array(points, "points", shape=(None, 2))
        if heights is not None:
            heights = checks.array(heights, "heights", shape=(len(points),))
        view, width, height, scale, floor, horizon = self._last
        n = len(self.field)
        a, b = points.T if heights is not None else np.clip(points, 0, 1).T
        h = _bilinear(self.field, b * (n - 1), a * (n - 1)) if heights is None else heights
        cos, sin = np.cos(np.radians(view.azimuth)), np.sin(np.radians(view.azimuth))
        x, depth = (a - 0.5) * cos + (b - 0.5) * sin, -(a - 0.5) * sin + (b - 0.5) * cos
        tilt = np.radians(view.elevation)
        up = floor + scale * (np.sin(tilt) * (depth + 0.72) + np.cos(tilt) * view.height * h)
        px = x * scale + width / 2
        rows = len(horizon)
        before = np.clip(((depth + 0.72) / 1.44 * (rows - 1)).astype(int) - 3, 0, rows - 1)
        seen = horizon[before, np.clip(px.astype(int), 0, width - 1)] <= up + 2.0
        return px, height - 1 - up, seen


def show(ax: Axes, values: Any, *, view: View | None = None, width: int = 640, height: int = 460, sharp: int = 2,
         path: Any = None, color: str = style.VERMILION, **kwargs: Any) -> Relief:
    """Draw a relief into axes, which it fills; ``kwargs`` as for :class:`Relief`.

    :param sharp: rendered so many times larger and averaged.
    :param path: (P, 2) points on the surface, coordinates in 0..1, drawn as a line, faintly where a ridge hides it.
    """
    sharp = checks.integer(sharp, "sharp", at_least=1)
    relief = Relief(values, **{"detail": 220 * sharp, **kwargs})
    picture = relief.render(width * sharp, height * sharp, view)
    picture = picture.reshape(height, sharp, width, sharp, 3).mean((1, 3)) / 255
    ax.imshow(picture, interpolation="antialiased", extent=(0, width, height, 0))
    if path is not None:
        x, y, seen = relief.project(path)
        x, y = x / sharp, y / sharp
        ax.plot(x, y, color="white", linewidth=1.6, alpha=0.5)       # what lies behind a ridge shines through
        near = np.where(seen, x, np.nan), np.where(seen, y, np.nan)
        ax.plot(*near, color="white", linewidth=3.6, solid_capstyle="round")
        ax.plot(*near, color=color, linewidth=2.0, solid_capstyle="round")
        ax.plot(x[-1:], y[-1:], "o", color=color, markeredgecolor="white", markersize=9)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    return relief


def _bilinear(field: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    i, j = (np.clip(c, 0, n - 1.001).astype(int) for c, n in zip((row, column), field.shape, strict=True))
    u, v = row - i, column - j
    return ((field[i, j] * (1 - v) + field[i, j + 1] * v) * (1 - u)
            + (field[i + 1, j] * (1 - v) + field[i + 1, j + 1] * v) * u)


def _resample(field: np.ndarray, n: int) -> np.ndarray:
    """To n x n, by cubic (Catmull-Rom) interpolation along each axis."""
    for axis in (0, 1):
        f = np.moveaxis(field, axis, 0)
        t = np.linspace(0, len(f) - 1, n)
        i = np.clip(t.astype(int), 0, max(len(f) - 2, 0))
        u = (t - i)[:, None].astype(np.float32)
        p = [f[np.clip(i + k, 0, len(f) - 1)] for k in (-1, 0, 1, 2)]
        f = p[1] + 0.5 * u * (p[2] - p[0] + u * (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
                                                 + u * (3 * (p[1] - p[2]) + p[3] - p[0])))
        field = np.moveaxis(f, 0, axis)
    return np.clip(field, 0, 1).astype(np.float32)


def _blur(field: np.ndarray, reach: int) -> np.ndarray:
    """Mean over a square of 2 reach + 1 points, by running sums."""
    for axis in (0, 1):
        padded = np.concatenate([np.repeat(field.take([0], axis), reach + 1, axis), field,
                                 np.repeat(field.take([-1], axis), reach, axis)], axis).cumsum(axis, dtype=np.float64)
        width = 2 * reach + 1
        upper = padded.take(range(width, padded.shape[axis]), axis)
        field = ((upper - padded.take(range(0, padded.shape[axis] - width), axis)) / width).astype(np.float32)
    return field
