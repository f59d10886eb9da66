"""Lecture 11: draw a digit with the mouse or a finger, and see what nets trained on the shipped digits say.

What is drawn is a list of strokes.  It is brought to 28 x 28 pixels the way the shipped digits
were (:mod:`dlhelpers.data.drawing`), or only shrunk, which shows why the first is done.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from matplotlib.collections import LineCollection

from dlhelpers import runs
from dlhelpers.data import drawing
from dlhelpers.models.convolutional import three_layer
from dlhelpers.models.mlp import mlp
from dlhelpers.plotting import style
from dlhelpers.widgets import live

#: Seconds between two pictures while the pen moves; points that come faster are kept for the next one.
PAUSE = 0.015
RUN = "11_digit_reader"


def readers() -> dict[str, torch.nn.Module]:
    """The trained nets of the recorded run.

    :returns: name -> net in evaluation mode, from (n, 784) to scores (n, 10).
    """
    run = runs.load(RUN)
    found: dict[str, torch.nn.Module] = {}
    for k, name in enumerate(str(name) for name in run["names"]):
        net = mlp([784, int(run["width"]), 10], "relu") if "dense" in name else three_layer()
        state = {key: torch.from_numpy(run[f"net{k}_{key}"].astype(np.float32)) for key in net.state_dict()}
        net.load_state_dict(state)
        found[name] = net.eval().requires_grad_(False)
    return found


class DigitCanvas(live.Explorer):
    """A pad to draw on, what the net sees of it, and ten probabilities."""

    title = "Draw a digit, as large as you like (scroll: more or less ink)"
    alt = "A hand-drawn digit, the 28 by 28 pixels that a net sees of it, and its probabilities for the ten digits"

    def __init__(self) -> None:
        self._readers = readers()
        self._examples = drawing.examples()
        self._strokes = [list(map(tuple, stroke)) for stroke in self._examples[3]]
        self.example, self._pen_down, self._last = 3, False, 0.0
        self.live = live.LiveFigure((10.8, 4.0), mouse=self._mouse, ncols=3, width_ratios=(1.0, 1.0, 1.15))
        self._draw()
        self.controls = {
            "reader": live.choice("reader", list(self._readers), width="290px"),
            "prepared": live.choice("drawing", [("prepared like the shipped digits", True), ("only shrunk", False)],
                                    width="290px"),
            "ink": live.slider("ink", 0.305, 0.105, 0.505, 0.02, readout=".3f", width="250px"),
        }
        self.buttons = {"example": live.button("example", "forward", "the next of ten drawn examples"),
                        "undo": live.button("undo", "undo", "take back the last stroke"),
                        "clear": live.button("clear", "eraser", "an empty pad")}
        self.connect()

    def _draw(self) -> None:
        pad, seen, bars = self.live.axes
        with style.context():
            move = self.live.moving
            self._ink = move(pad.add_collection(LineCollection([], colors=style.INK, linewidths=9, capstyle="round",
                                                               joinstyle="round")))
            self._image = move(seen.imshow(np.zeros((28, 28)), cmap=style.IMAGE, vmin=0, vmax=1,
                                           interpolation="nearest"))
            self._bars = [move(bar) for bar in bars.barh(range(10), np.zeros(10), color=style.BLUE, height=0.72)]
            self._says = move(bars.text(0.97, 0.5, "", transform=bars.transAxes, ha="right", va="center", fontsize=54,
                                        fontweight="bold", color=style.VERMILION, alpha=0.85))
        pad.set(xlim=(0, 1), ylim=(1, 0), aspect="equal", xticks=[], yticks=[], title="draw here")
        seen.set(xticks=[], yticks=[], title="what the net sees")
        bars.set(xlim=(0, 1.4), xticks=[0, 0.25, 0.5, 0.75, 1], ylim=(9.6, -0.6), yticks=range(10), xlabel="probability", title="what it says")
        bars.spines["bottom"].set_bounds(0, 1)  # a probability ends at 1; the digit stands beside
        for ax in (pad, seen):
            ax.grid(False)
            for side in ax.spines.values():
                side.set_visible(True)
        bars.grid(axis="y", visible=False)

    def update(self, **values: Any) -> None:
        """Prepare what is drawn and ask the chosen net."""
        strokes = [np.array(stroke, float) for stroke in self._strokes]
        if values["prepared"]:
            picture = drawing.prepare(strokes, ink=values["ink"])
        else:
            picture = drawing.shrink(strokes, pen=0.2 * values["ink"])
        with torch.no_grad():
            scores = self._readers[values["reader"]](torch.from_numpy(picture).flatten()[None])  # (1, 784)
        p = torch.softmax(scores[0], 0).numpy()
        answer = int(p.argmax()) if strokes else -1
        # A stroke of one point is drawn as a very short line.
        self._ink.set_segments([np.vstack([stroke, stroke[-1] + 1e-4]) for stroke in strokes])
        self._image.set_data(picture)
        for k, bar in enumerate(self._bars):
            bar.set_width(float(p[k]) if strokes else 0.0)
            bar.set_color(style.VERMILION if k == answer else style.BLUE)
        self._says.set_text(str(answer) if strokes else "")
        self._state = {"answer": float(answer), "probability": float(p.max()) if strokes else 0.0,
                       "ink": float(picture.mean()), "strokes": float(len(strokes))}

    def press(self, name: str) -> None:
        """``example``: the next drawn digit; ``undo``: without the last stroke; ``clear``: an empty pad."""
        self._pen_down = False
        if name == "example":
            self.example = (self.example + 1) % 10
            self._strokes = [list(map(tuple, stroke)) for stroke in self._examples[self.example]]
        else:
            self._strokes = self._strokes[:-1] if name == "undo" else []
        self.update(**self.values())

    def state(self) -> dict[str, float]:
        """The answer (−1 while the pad is empty), its probability, the mean grey value, the number of strokes."""
        return dict(self._state)

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        if kind == "wheel":
            ink = self.controls["ink"]
            ink.value = float(np.clip(ink.value + (0.02 if y < 0 else -0.02), ink.min, ink.max))
            return
        if kind == "up":
            if self._pen_down:
                self._pen_down = False
                self._on_change(None)
            return
        if ax is not self.live.axes[0] or (kind == "move" and not self._pen_down):
            return
        if kind == "down":
            self._strokes.append([])
            self._pen_down = True
        self._strokes[-1].append((x, y))
        if kind == "down" or time.monotonic() - self._last > PAUSE:
            self._on_change(None)
            self._last = time.monotonic()
