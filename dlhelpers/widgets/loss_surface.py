"""Explorer of lecture 10: turn a loss surface, zoom into it, change what is cut and how it is measured.

The nets are trained when they are first asked for, a surface is computed when it is first
asked for, at the largest reach; turning, zooming and walking along the path then cost a
picture each.  Heights and colours mean the same in every picture.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import nn

from dlhelpers import landscapes
from dlhelpers.plotting import relief, style
from dlhelpers.widgets import live, sprites
from dlhelpers.widgets import surface_nets as nets

LARGEST, SMALLEST, POINTS, DETAIL = 1.6, 0.1, 65, 130
#: log10 of the losses at the foot and at the top of every relief, and at the ends of the colours.
FOOT, TOP = -4.0, 2.0
PATH, MINIMA = "where it went (PCA)", "through three minima"
RANDOM = {"random, filter-normalised": "filter", "random, layer-normalised": "layer", "random, not normalised": "none"}
FILTER, LAYER, NONE = RANDOM
AXES = {PATH: ("1st direction", "2nd direction"), MINIMA: ("net 1 → net 2", "across")}
HEIGHT, BASE = 0.34, 0.05


@dataclass(frozen=True, eq=False)
class _Cut:
    """A surface: log10 losses at the largest reach, the path in it, the share of the way it shows, minima."""

    values: np.ndarray
    along: np.ndarray
    share: float
    marks: np.ndarray


class LossSurfaceExplorer(live.Explorer):
    """Left: the relief with the path of descent; drag it, turn the wheel.  Right: the loss, epoch by epoch."""

    title = "A loss surface: drag to turn it, scroll to zoom, and let descent run down"
    alt = "A relief of the loss over a plane through a trained net, the path of its training, and the loss by epoch"

    def __init__(self) -> None:
        self._cuts: dict[tuple[Any, ...], _Cut] = {}
        self._shown: tuple[Any, ...] | None = None
        self._seen: tuple[Any, ...] | None = None
        self._held: tuple[float, float, float, float] | None = None
        self._last = self._wheeled = 0.0
        self.controls = {
            "net": live.choice("net", ["plain", "with skips"], width="170px"),
            "blocks": live.choice("layers", [("4", 1), ("8", 3), ("14", 6)], 3, width="120px"),
            "plane": live.choice("plane", [PATH, *RANDOM, MINIMA], width="270px"),
            "rescaled": live.choice("units rescaled", [("not", 1.0), ("×2, ÷2", 2.0), ("×4, ÷4", 4.0)], width="200px"),
            "radius": live.slider("reach", 1.0, SMALLEST, LARGEST, 0.05, readout=".2f", width="215px"),
            "azimuth": live.slider("turn (°)", 110.0, -180.0, 180.0, 2.0, readout=".0f", width="225px"),
            "tilt": live.slider("tilt (°)", 50.0, 15.0, 85.0, 1.0, readout=".0f", width="215px"),
            "step": live.slider("epoch", 20, 0, nets.EPOCHS, integer=True, width="215px"),
        }
        self.live = live.LiveFigure((10.0, 4.5), mouse=self._mouse, ncols=3, width_ratios=(1.62, 0.035, 0.9))
        with style.context():
            self._draw_fixed()
            self._make_moving()
            # The relief fills its panel pixel by pixel: the layout must be known.
            self.live.canvas.draw()
        box = self.live.axes[0].get_window_extent()
        self._width, self._height = int(box.width), int(box.height)
        self.live.axes[0].set(xlim=(0, self._width), ylim=(self._height, 0))
        self.connect()

    def _draw_fixed(self) -> None:
        ground, bar, curve = self.live.axes
        ground.set_axis_off()
        bar.imshow(np.linspace(0, 1, 256)[:, None], cmap=style.SEQUENTIAL, aspect="auto", origin="lower",
                   extent=(0, 1, FOOT, TOP))
        ticks = range(math.ceil(FOOT), math.floor(TOP) + 1)
        bar.set(xticks=[], xlim=(0, 1), ylim=(FOOT, TOP))
        bar.set_yticks(list(ticks), [f"{10.0**k:g}" for k in ticks])
        bar.set_title("loss", fontsize=12, fontweight="normal", loc="left")
        bar.grid(False)
        curve.set(xlabel="epoch", yscale="log", xlim=(-1, nets.EPOCHS + 1), ylim=(5e-5, 30),
                  title="the same way, as a curve")

    def _make_moving(self) -> None:
        ground, bar, curve = self.live.axes
        move, red = self.live.moving, style.VERMILION
        self._picture = move(sprites.Pixels(ground))
        self._edges = move(ground.plot([], [], color=style.MUTED, linewidth=1.0, zorder=2)[0])
        self._behind = move(ground.plot([], [], color="white", linewidth=1.6, alpha=0.55, zorder=2)[0])
        self._halo = move(ground.plot([], [], color="white", linewidth=4.0, zorder=3)[0])
        self._path = move(ground.plot([], [], color=red, linewidth=2.2, zorder=4)[0])
        self._begin = move(ground.plot([], [], "s", color="white", markeredgecolor=red, markeredgewidth=2, markersize=8,
                                       zorder=5)[0])
        dark = {"color": "white", "markeredgecolor": style.INK, "zorder": 6}
        self._minima = move(ground.plot([], [], "D", markersize=8, **dark)[0])
        self._lowest = move(ground.plot([], [], "*", markersize=17, **dark)[0])
        self._dot = move(ground.plot([], [], "o", color=red, markeredgecolor="white", markersize=11, zorder=7)[0])
        self._ends = [move(sprites.Words(ground, size=10, color=style.MUTED)) for _ in range(4)]
        self._names = [move(sprites.Words(ground, size=11)) for _ in range(2)]
        self._numbers = [move(sprites.Words(ground, size=11, weight="bold", va="bottom", halo=True)) for _ in range(3)]
        self._says = [move(sprites.Words(ground, size=11.5, ha="left", va="top")) for _ in range(2)]
        for line, words in enumerate(self._says):
            words.set_position((0, 20 * line))
        self._level = move(bar.plot([], [], "<", color=red, markersize=9, clip_on=False, zorder=9)[0])
        self._level.set_in_layout(False)
        self._losses = move(curve.plot([], [], color=style.BLUE)[0])
        self._here = move(curve.plot([], [], "o", color=red, markeredgecolor="white", markersize=11)[0])

    def _cut(self, net: str, blocks: int, plane: str, rescaled: float) -> _Cut:
        """The surface for these choices; computed once."""
        key = net, blocks, plane, rescaled
        if key not in self._cuts:
            self.note.value = "<i>computing this surface …</i>" if hasattr(self, "note") else ""
            skip = net == "with skips"
            run = nets.trained(blocks, skip, 0)
            scale = nets.rescaling(run.net, rescaled)
            way = run.way * scale
            centre, marks = way[-1], way[-1:]
            if plane == PATH:
                axes = _principal(way)
            elif plane == MINIMA:
                marks = torch.stack([nets.trained(blocks, skip, seed).way[-1] for seed in range(3)]) * scale
                centre, axes = _through(marks)
            else:
                axes = _random(run.net, centre, RANDOM[plane], float(run.way[-1].norm()))
            at = np.linspace(-LARGEST, LARGEST, POINTS, dtype=np.float32)
            grid = torch.tensor(np.stack(np.meshgrid(at, at), -1).reshape(-1, 2))                  # (points², 2)
            found = nets.losses(run.net, centre + grid @ axes).reshape(POINTS, POINTS)           # rows follow b
            with np.errstate(divide="ignore"):
                values = np.clip(np.log10(found), FOOT, TOP)
            along, share = _shadow(way - centre, way - way[-1], axes)
            self._cuts[key] = _Cut(values, along, share, _shadow(marks - centre, marks - centre, axes)[0])
            self.note.value = ""
        return self._cuts[key]

    def update(self, net: str, blocks: int, plane: str, rescaled: float, radius: float, azimuth: float, tilt: float,
               step: int) -> None:
        """Cut, turn and walk to these values; the arguments are the controls."""
        cut = self._cut(net, blocks, plane, rescaled)
        key = net, blocks, plane, rescaled, round(radius, 4)
        if self._shown != key:
            window = _window(cut.values, radius / LARGEST)
            self._relief = relief.Relief(window, detail=DETAIL, contours=0, vmin=FOOT, vmax=TOP)
            row, column = np.unravel_index(window.argmin(), window.shape)
            self._bottom = np.array([[column, row]]) / (len(window) - 1), float(window.min())
            self._shown = key
        view = relief.View(azimuth=azimuth, elevation=tilt, height=HEIGHT, base=BASE)
        if self._seen != (key, view.azimuth, view.elevation):
            self._picture.set_data(self._relief.render(self._width, self._height, view))
            self._frame(azimuth, radius, AXES.get(plane, ("direction a", "direction b")))
            self._seen = key, view.azimuth, view.elevation
        run = nets.trained(blocks, net == "with skips", 0)
        self._walk(cut, radius, step)
        for k, text in enumerate(self._numbers):
            text.set_text(f"net {k + 1}" if plane == MINIMA else "")
        self._losses.set_data(np.arange(nets.EPOCHS + 1), run.losses)
        self._here.set_data([step], [run.losses[step]])
        self._level.set_data([1.6], [np.clip(np.log10(run.losses[step]), FOOT, TOP)])
        self._says[0].set_text(f"{cut.share:.{0 if cut.share >= 0.01 else 2}%} of the way lies in this plane")
        lowest = 10 ** self._bottom[1]
        said = f"{lowest:.2g}" if self._bottom[1] > FOOT else f"below {lowest:.1g}"
        self._says[1].set_text(f"☆ lowest loss here: {said}")
        self._state = {"loss": float(run.losses[step]), "share": cut.share, "lowest": 10 ** self._bottom[1],
                       "radius": float(radius), "azimuth": float(azimuth), "tilt": float(tilt)}

    def _walk(self, cut: _Cut, radius: float, step: int) -> None:
        """Path, its two ends, and the marked minima, on the surface as it is seen now."""
        where = (cut.along[:step + 1] / radius + 1) / 2
        x, y, seen = self._place(where)
        self._behind.set_data(x, y)
        for line in (self._halo, self._path):
            line.set_data(np.where(seen, x, np.nan), y)
        self._begin.set_data(x[:1], y[:1])
        self._dot.set_data(x[-1:], y[-1:])
        x, y, _ = self._place((cut.marks / radius + 1) / 2)
        self._minima.set_data(x, y)
        for text, px, py in zip(self._numbers, x, y, strict=False):
            text.set_position((px, py - 10))
        x, y, seen = self._place(self._bottom[0])
        self._lowest.set_data(x, y)
        # What a ridge hides shines through, faintly.
        self._lowest.set_alpha(1.0 if seen[0] else 0.45)

    def _place(self, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of points (P, 2) in 0..1; NaN for those outside of the picture."""
        x, y, seen = self._relief.project(where)
        out = ((where < 0) | (where > 1)).any(1)
        x[out] = np.nan
        return x, y, seen

    def _frame(self, azimuth: float, radius: float, names: tuple[str, str]) -> None:
        """The two edges nearest to the viewer, with ticks, numbers and names."""
        turn = np.radians(azimuth)
        # The nearest corner is where the depth, −a sin + b cos, is least.
        near = np.array([1.0 if np.sin(turn) > 0 else 0.0, 0.0 if np.cos(turn) > 0 else 1.0])
        lines, foot = [], -BASE / HEIGHT
        for k in (0, 1):
            other = 1 - k
            outward = np.zeros(2)
            outward[other] = 1.0 if near[other] else -1.0
            spots = np.tile(near, (5, 1))
            spots[:, k] = np.linspace(0, 1, 5)
            for spot in spots:
                lines += [spot, spot + 0.02 * outward, [np.nan, np.nan]]
            lines += [spots[0], spots[-1], [np.nan, np.nan]]
            labels = np.array([spots[0] + 0.07 * outward, spots[-1] + 0.07 * outward, spots[2] + 0.09 * outward])
            # The corner's two numbers would lie on each other.
            labels[0 if near[k] == 0 else 1, k] += 0.07 if near[k] == 0 else -0.07
            x, y = self._ground(labels)
            for text, value, px, py in zip(self._ends[2 * k:2 * k + 2], (-radius, radius), x, y, strict=False):
                text.set_text(f"{value:.3g}".replace("-", "−"))
                text.set_position((px, py))
            corner = self._ground(near[None])[0][0]
            self._names[k].set_text(names[k])
            side = "left" if x[2] > corner + 8 else "right" if x[2] < corner - 8 else "center"
            self._names[k].set_position((x[2], y[2] + 8), side)
        x, y = self._ground(np.array(lines), foot)
        self._edges.set_data(x, y)

    def _ground(self, points: np.ndarray, height: float = -BASE / HEIGHT) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of points (P, 2) at the foot of the cut faces; NaN stays NaN."""
        gaps = np.isnan(points).any(1)
        x, y, _ = self._relief.project(np.nan_to_num(points), np.full(len(points), height))
        return np.where(gaps, np.nan, x), y

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        ground, now = self.live.axes[0], time.monotonic()
        values = self.values()
        if kind == "up":
            self._held = None
        elif kind == "wheel" and ax is ground and now - self._wheeled > 0.012:
            wanted = values["radius"] * (1.12 if y > 0 else 1 / 1.12)
            self.set(radius=float(np.clip(wanted, SMALLEST, LARGEST)))
            self._wheeled = time.monotonic()  # a clock of its own: a notch right after a drag must count
        elif kind == "down" and ax is ground:
            self._held = x, y, values["azimuth"], values["tilt"]
        elif kind == "move" and self._held is not None and ax is ground and now - self._last > 0.012:
            # Events that queued up while the last picture was drawn are out of date.
            x0, y0, azimuth, tilt = self._held
            turned = (azimuth - 0.6 * (x - x0) + 180) % 360 - 180
            self.set(azimuth=float(turned), tilt=float(np.clip(tilt + 0.3 * (y - y0), 15, 85)))
            self._last = time.monotonic()

    def state(self) -> dict[str, float]:
        """Loss at the epoch, share of the way in the plane, lowest loss shown, and where one looks from."""
        return dict(self._state)

    def show(self) -> ipywidgets.Widget:
        """With a player that moves the epoch."""
        shown = super().show()
        rows = shown.children[1]
        rows.children = (*rows.children, live.player(self.controls["step"], "descend:"))
        return shown


def _principal(way: torch.Tensor) -> torch.Tensor:
    """(2, N): the two leading directions of the way, as long as it reaches from its end along them, and a margin."""
    centred = (way - way.mean(0)).double()
    _, _, v = torch.linalg.svd(centred, full_matrices=False)
    along = (way - way[-1]).double() @ v[:2].t()
    return (v[:2] * along.abs().max() * 1.15).float()


def _through(minima: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre (N,) and directions (2, N) of the plane through three points, which lie within 0.75 of the centre."""
    centre = minima.mean(0)
    u = minima[1] - minima[0]
    v = minima[2] - minima[0]
    v = v - (v @ u) / (u @ u) * u
    u, v = u / u.norm(), v / v.norm()
    reach = (minima - centre).norm(dim=1).max() / 0.75
    return centre, torch.stack([u * reach, v * reach])


def _random(net: nn.Module, centre: torch.Tensor, normalisation: str, length: float) -> torch.Tensor:
    """(2, N): two random directions, normalised by the weights at ``centre``; "none": of a fixed length."""
    at = copy.deepcopy(net)
    nn.utils.vector_to_parameters(centre, at.parameters())
    pair = landscapes.random_plane(at, seed=2, normalisation=normalisation)
    axes = torch.stack([torch.cat([t.reshape(-1) for t in d]) for d in pair])
    return axes * (length / axes.norm(dim=1, keepdim=True)) if normalisation == "none" else axes


def _shadow(points: torch.Tensor, way: torch.Tensor, axes: torch.Tensor) -> tuple[np.ndarray, float]:
    """Coordinates (P, 2) of the points' projections, and the share of the way's square length in the plane."""
    wide = axes.double().t()
    along, inside = (torch.linalg.lstsq(wide, p.double().t()).solution.t() for p in (points, way))
    total = float(way.double().square().sum())
    return along.numpy(), float((inside @ wide.t()).square().sum()) / total if total else 1.0


def _window(values: np.ndarray, share: float) -> np.ndarray:
    """The middle of a grid, bilinear, at a fixed number of points."""
    n = len(values)
    at = np.linspace(-share, share, n) * (n - 1) / 2 + (n - 1) / 2
    i = np.clip(at.astype(int), 0, n - 2)
    u = at - i
    rows = values[i] * (1 - u)[:, None] + values[i + 1] * u[:, None]
    return rows[:, i] * (1 - u) + rows[:, i + 1] * u


