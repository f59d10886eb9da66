"""Lecture 11: edit nine weights and see what they answer everywhere on a picture.

The map is :math:`y_{ij} = \\sum_{mn} w_{mn}\\, x_{i+m,\\,j+n}`, one window after the other; the two small
panels between picture and map are the window under the mouse and the weights that it meets.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import ipywidgets
import matplotlib
import numpy as np
from matplotlib.patches import Rectangle

from dlhelpers import data
from dlhelpers.plotting import style
from dlhelpers.widgets import live, sprites

#: Height and width of the part of a picture that is shown, and how far it may be shifted.
HEIGHT, WIDTH, REACH = 112, 128, 20
OWN = "your own"
#: Kernels by name, rows from the top.
KERNELS: dict[str, list[list[float]]] = {
    "Sobel, left to right": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "Sobel, top to bottom": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "blur": [[0.11, 0.11, 0.11], [0.11, 0.12, 0.11], [0.11, 0.11, 0.11]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "Laplace": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "copy": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "copy, one to the left": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
}
GREY, SIGNED = (np.round(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255).astype(np.uint8)
                for name in ("gray", style.DIVERGING))


def pictures() -> dict[str, np.ndarray]:
    """The pictures that the editor offers.

    :returns: name -> grey values in [0, 1], (HEIGHT + 2, WIDTH + 2 REACH + 2).
    """
    height, width = HEIGHT + 2, WIDTH + 2 * REACH + 2
    rows, columns = np.mgrid[:height, :width].astype(float)
    shapes = np.full((height, width), 0.15)
    shapes[(rows - 57) ** 2 + (columns - 62) ** 2 < 26**2] = 0.85
    shapes[(abs(rows - 34) < 18) & (abs(columns - 122) < 22)] = 0.6
    shapes[(abs(rows - 84) < 20) & (abs(columns - 120) < 84 - rows + 20)] = 1.0
    image = data.digits("bundled").X_test[6].numpy().reshape(28, 28)  # (784,) -> (28, 28)
    digit = np.zeros((height, width))
    digit[:112, 29:141] = np.kron(image, np.ones((4, 4)))[:height]
    return {"temple": _photograph("china.jpg", height, width), "flower": _photograph("flower.jpg", height, width),
            "shapes": shapes, "digit": digit}


def _photograph(name: str, height: int, width: int) -> np.ndarray:
    """One of the two photographs that come with scikit-learn, which need not be loaded for it."""
    from PIL import Image

    found = importlib.util.find_spec("sklearn")
    assert found is not None and found.origin is not None
    with Image.open(Path(found.origin).parent / "datasets" / "images" / name) as photo:
        # The largest part of the middle that has the wanted proportions.
        share = min(photo.width / width, photo.height / height)
        w, h = share * width, share * height
        left, top = (photo.width - w) / 2, (photo.height - h) / 2
        small = photo.convert("L").resize((width, height), Image.Resampling.BOX, box=(left, top, left + w, top + h))
        return np.asarray(small, float) / 255


class KernelEditor(live.Explorer):
    """A picture, a window on it, nine weights, and the map that they make."""

    title = ("Nine weights: type them, or drag up and down on a weight; move over the picture to see one window at "
             "work")
    alt = "A picture with a 3 by 3 window, the window's pixels, a kernel's nine weights, and the map of their sums"

    def __init__(self) -> None:
        self._pictures = pictures()
        self._place, self._held = (0, 0), None
        self.live = live.LiveFigure((11.6, 4.0), mouse=self._mouse, ncols=4, width_ratios=(1.75, 0.8, 0.8, 1.75))
        self._draw()
        self.controls = {
            "picture": live.choice("picture", list(self._pictures), width="150px"),
            "kernel": live.choice("kernel", [*KERNELS, OWN], width="240px"),
            "sum": live.choice("sum", [("cross-correlation, w ⋆ x", False), ("convolution, w * x", True)], width="240px"),
            "shift": live.slider("shift the picture", 0, -REACH, REACH, integer=True, width="320px"),
        }
        first = np.array(next(iter(KERNELS.values())), float)
        for (i, j), value in np.ndenumerate(first):
            self.controls[f"w{i + 1}{j + 1}"] = ipywidgets.BoundedFloatText(
                value=float(value), min=-9.0, max=9.0, step=0.25, tooltip=f"weight in row {i + 1}, column {j + 1}",
                layout=ipywidgets.Layout(width="72px"))
        # The first window lies where the first kernel answers most.
        x, w = self._pictures[self.controls["picture"].value][:, REACH:REACH + WIDTH + 2], first
        y = sum(w[m, n] * x[m:m + HEIGHT, n:n + WIDTH] for m in range(3) for n in range(3))
        self._place = tuple(int(v) for v in np.unravel_index(y.argmax(), y.shape))
        self.connect()

    def _draw(self) -> None:
        picture, window, kernel, found = self.live.axes
        with style.context():
            move = self.live.moving
            for ax, height, width in ((picture, HEIGHT, WIDTH), (window, 3, 3), (kernel, 3, 3), (found, HEIGHT, WIDTH)):
                ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
            self._shown, self._patch, self._weights, self._map = (move(sprites.Pixels(ax)) for ax in self.live.axes)
            self._frame = move(picture.add_patch(Rectangle((0, 0), 3, 3, fill=False, edgecolor=style.VERMILION,
                                                           linewidth=2.4, zorder=4)))
            self._dot, = found.plot([], [], "s", markersize=9, markerfacecolor="none", markeredgecolor=style.VERMILION,
                                    markeredgewidth=2.2, zorder=4)
            move(self._dot)
            # For each number two words, dark and light, of which one is empty.
            self._numbers = [[[move(sprites.Words(ax, color=color)) for color in (style.INK, "white")]
                              for _ in range(9)] for ax in (window, kernel)]
            for words in self._numbers:
                for place, pair in enumerate(words):
                    for word in pair:
                        word.set_position((place % 3, place // 3))
            below = {"transform": found.transAxes, "ha": "center", "va": "top"}
            self._says = move(found.text(0.5, -0.02, "", fontsize=13, fontweight="bold", color=style.INK, **below))
            self._range = move(found.text(0.5, -0.11, "", fontsize=11, color=style.MUTED, **below))
            window.text(1.08, 0.5, "×", transform=window.transAxes, ha="center", va="center", fontsize=18)
            kernel.text(1.1, 0.5, "Σ", transform=kernel.transAxes, ha="center", va="center", fontsize=18)
        for ax, title in zip(self.live.axes, ("picture x", "window", "kernel", "map y"), strict=True):
            ax.set(xticks=[], yticks=[], title=title)
            ax.grid(False)

    def update(self, **values: Any) -> None:
        """Correlate the shown part of the picture with the nine weights."""
        weights = np.array([[values[f"w{i}{j}"] for j in (1, 2, 3)] for i in (1, 2, 3)])
        # Convolution lets each window meet the kernel turned by half a turn.
        weights = weights[::-1, ::-1] if values["sum"] else weights
        left = REACH - values["shift"]
        x = self._pictures[values["picture"]][:, left:left + WIDTH + 2]
        y = sum(weights[m, n] * x[m:m + HEIGHT, n:n + WIDTH] for m in range(3) for n in range(3))
        self._shown.set_data(GREY[_bytes(x[1:-1, 1:-1])])
        # A kernel whose weights add up to something makes pictures; one that adds up to nothing, differences.
        total = float(weights.sum())
        limit = float(np.abs(y).max()) or 1.0
        if total > 0.2:
            self._map.set_data(GREY[_bytes(y / total)])
            self._range.set_text(f"black 0, white {total:.3g}")
        else:
            self._map.set_data(SIGNED[_bytes(0.5 + 0.5 * y / limit)])
            self._range.set_text(f"blue −{limit:.2f}, white 0, red {limit:.2f}")
        i, j = self._place
        patch, scale = x[i:i + 3, j:j + 3], float(np.abs(weights).max()) or 1.0
        self._patch.set_data(GREY[_bytes(patch)])
        self._weights.set_data(SIGNED[_bytes(0.5 + 0.4 * weights / scale)])
        _write(self._numbers[0], [f"{value:.2f}" for value in patch.flat], patch.ravel() < 0.5)
        _write(self._numbers[1], [f"{value:g}".replace("-", "−") for value in weights.flat],
               np.abs(weights.ravel()) > 0.6 * scale)
        self._frame.set_xy((j - 1.5, i - 1.5))
        self._dot.set_data([j], [i])
        self._says.set_text(f"here: {y[i, j]:.2f}")
        top, most = np.unravel_index(y.argmax(), y.shape)
        self._state = {"row": float(i), "column": float(j), "output": float(y[i, j]), "least": float(y.min()),
                       "greatest": float(y.max()), "row of the greatest": float(top),
                       "column of the greatest": float(most), "sum of weights": total,
                       "shift": float(values["shift"])}

    def set(self, **values: Any) -> None:
        """Set several controls at once; a kernel's name sets its nine weights.

        :param values: control name -> value.
        :raises ValueError: for an unknown control, or a value that a control does not take.
        """
        super().set(**{**_weights(values.get("kernel", OWN)), **values})

    def state(self) -> dict[str, float]:
        """Where the window is, what it answers, the map's extremes and where they are, the sum of the weights."""
        return dict(self._state)

    def _on_change(self, change: Any) -> None:
        if self._quiet:
            return
        self._quiet = True
        try:
            kernel = self.controls["kernel"]
            if change is not None and change.owner is kernel:
                for name, value in _weights(kernel.value).items():
                    self.controls[name].value = value
            held = {name: control.value for name, control in self.controls.items() if name.startswith("w")}
            kernel.value = next((name for name in KERNELS if _weights(name) == held), OWN)
        finally:
            self._quiet = False
        super()._on_change(change)

    def show(self) -> ipywidgets.Widget:
        """The nine weights stand as they do in the kernel."""
        shown = super().show()
        fields = [control for name, control in self.controls.items() if name.startswith("w")]
        square = ipywidgets.VBox([ipywidgets.HBox(fields[i:i + 3]) for i in (0, 3, 6)])
        others = [control for name, control in self.controls.items() if not name.startswith("w")]
        shown.children[-3].children = (square, ipywidgets.VBox([ipywidgets.HBox(others[:2]), ipywidgets.HBox(others[2:])]))
        return shown

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        picture, _, kernel, found = self.live.axes
        if kind == "up":
            self._held = None
        elif kind == "wheel":
            shift = self.controls["shift"]
            if ax in (picture, found):
                shift.value = int(np.clip(shift.value + (1 if y < 0 else -1), -REACH, REACH))
        elif ax in (picture, found):
            self._place = (int(np.clip(round(y), 0, HEIGHT - 1)), int(np.clip(round(x), 0, WIDTH - 1)))
            super()._on_change(None)
        elif ax is kernel and kind == "down":
            cell = (int(np.clip(round(y), 0, 2)), int(np.clip(round(x), 0, 2)))
            cell = (2 - cell[0], 2 - cell[1]) if self.controls["sum"].value else cell
            self._held = (f"w{cell[0] + 1}{cell[1] + 1}", y, self.controls[f"w{cell[0] + 1}{cell[1] + 1}"].value)
        elif ax is kernel and self._held is not None:
            # Up by one cell is worth 2; quarters, as the fields step.
            name, start, value = self._held
            self.controls[name].value = float(np.clip(round(4 * (value + 2 * (start - y))) / 4, -9, 9))


def _weights(kernel: str) -> dict[str, float]:
    """The controls that a named kernel sets; none for one's own."""
    rows = KERNELS.get(kernel, [])
    return {f"w{i}{j}": float(value) for i, row in enumerate(rows, 1) for j, value in enumerate(row, 1)}


def _write(words: list[Any], texts: list[str], light: np.ndarray) -> None:
    """Nine numbers, light ones on dark ground."""
    for (dark, white), text, is_light in zip(words, texts, light, strict=True):
        dark.set_text("" if is_light else text)
        white.set_text(text if is_light else "")


def _bytes(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1] as places in a table of 256 colours; what lies outside goes to its ends."""
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)
