"""Lecture 05: turn and shift a line, watch its mistakes, apply Rosenblatt's rule by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import data
from dlhelpers.plotting import style
from dlhelpers.widgets import live

REACH = 3.2
#: Length of the arrow.
ARROW = 0.8
#: So near to the tip of the arrow one takes hold of it.
NEAR = 0.45


def _points(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) and labels ±1."""
    if kind == "XOR":
        return np.array([[-1, -1], [-1, 1], [1, -1], [1, 1.0]]), np.array([-1, 1, 1, -1])
    if kind == "separable":
        X, y = data.toy.separable(n=40, seed=1, margin=0.25, angle=0.9)
    else:
        X, y = data.toy.blobs(n=40, seed=1, distance=1.6)
    return X.double().numpy(), 2 * y.numpy() - 1


def _slid(offset: float) -> float:
    """The offset, within the ends of its slider."""
    return float(np.clip(offset, -2, 2))


class PerceptronExplorer(live.Explorer):
    """A line with normal (cos angle, sin angle) and an offset, over labelled points.

    The line follows the mouse: by its arrow it turns about the arrow's foot, anywhere else it is
    shifted to the pointer; the wheel turns it by 2 degrees.  Left: the points, mistakes ringed.  Right: mistakes for every direction at this
    offset, the present direction marked; on XOR the curve never touches zero.
    """

    title = "Be the perceptron: drag the line to shift it, drag the tip of its arrow to turn it"
    alt = "A line between points of two classes with its mistakes ringed, and the share of mistakes by direction"

    def __init__(self) -> None:
        self._sets = {kind: _points(kind) for kind in ("separable", "overlapping", "XOR")}
        self._turns = np.radians(np.arange(0, 361, 2))
        # (points, angle, offset, w, b) after a correction, as long as nobody moves a slider
        self._kept: tuple[str, float, float, np.ndarray, float] | None = None
        self._pivot: np.ndarray | None = None  # what the line turns about while its arrow is held
        self._held = ""
        self.live = live.LiveFigure((11, 4.6), mouse=self._mouse, ncols=2, width_ratios=[1, 1.15])
        left, right = self.live.axes
        move = self.live.moving
        self._positive = move(left.plot([], [], "o", color=style.BLUE, markersize=8)[0])
        self._negative = move(left.plot([], [], "s", color=style.VERMILION, markersize=7.5)[0])
        self._rings = move(left.plot([], [], "o", markersize=17, markerfacecolor="none", markeredgecolor=style.INK,
                                     markeredgewidth=1.6)[0])
        self._line = move(left.plot([], [], color=style.INK)[0])
        self._arrow = move(left.plot([], [], color=style.GREEN, linewidth=4)[0])
        self._handle = move(left.plot([], [], "D", color=style.GREEN, markersize=13, markeredgecolor="white",
                                      markeredgewidth=2)[0])
        left.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="$x_1$", ylabel="$x_2$",
                 title="ringed: mistakes")
        self._curve = move(right.plot([], [], color=style.MUTED, drawstyle="steps-mid")[0])
        self._dot = move(right.plot([], [], "o", color=style.VERMILION, markersize=10)[0])
        self._text = move(right.text(0.03, 0.97, "", transform=right.transAxes, va="top", fontsize=13,
                                     fontweight="bold"))
        right.set(xlim=(0, 360), ylim=(-0.04, 1.2), xlabel="direction of the normal (degrees)",
                  ylabel="share of mistakes", xticks=range(0, 361, 60), yticks=np.linspace(0, 1, 6),
                  title="every direction at this offset")
        self.controls = {
            "points": live.choice("points", list(self._sets), "separable", width="200px"),
            "angle": live.slider("angle (°)", 120.0, 0.0, 360.0, 1.0),
            "offset": live.slider("offset", 0.4, -2.0, 2.0, 0.05),
        }
        self.buttons = {"correct": live.button("Correct one", "wrench", "apply Rosenblatt's rule to one mistake")}
        self.connect()

    def update(self, points: str, angle: float, offset: float) -> None:
        X, y = self._sets[points]
        if self._kept is not None and self._kept[:3] == (points, angle, offset):
            self._w, self._b = self._kept[3:]
        else:  # the line was moved by hand: it starts again with a unit normal
            self._w = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            self._b, self._kept = offset, None
        # What is drawn is the line that is judged: after a correction its offset may lie beyond the slider's end.
        length = max(float(np.hypot(*self._w)), 1e-6)
        normal, offset = self._w / length, self._b / length
        self._wrong = y * (X @ self._w + self._b) <= 0
        self._positive.set_data(*X[y > 0].T)
        self._negative.set_data(*X[y < 0].T)
        self._rings.set_data(*X[self._wrong].T)
        foot, along = -offset * normal, np.array([-normal[1], normal[0]])
        if self._pivot is not None:  # the arrow stays where it is held
            foot = self._pivot - (normal @ self._pivot + offset) * normal
        self._foot, self._tip = foot, foot + ARROW * normal
        self._line.set_data(*np.transpose([foot - 9 * along, foot + 9 * along]))
        self._arrow.set_data(*np.transpose([self._foot, self._tip]))
        self._handle.set_data(*self._tip[:, None])
        normals = np.stack([np.cos(self._turns), np.sin(self._turns)])
        share = (y[:, None] * (X @ normals + offset) <= 0).mean(0)
        self._curve.set_data(np.degrees(self._turns), share)
        self._dot.set_data([angle], [self._wrong.mean()])
        least = round(share.min() * len(y))
        self._text.set_text(f"{self._wrong.sum()} of {len(y)} wrong ({self._wrong.mean():.0%}); "
                            f"best direction: {least} ({share.min():.0%})")
        self._least = float(least)

    def press(self, name: str) -> None:
        """One correction by Rosenblatt's rule.

        The weights keep their length from press to press: scaled back to a unit normal they
        would forget it, and the theorem's promise of an end with it.  The sliders follow; the
        offset's ends at ±2, the line's does not.

        :param name: of the button; there is one.
        """
        values = self.values()
        X, y = self._sets[values["points"]]
        wrong = np.flatnonzero(self._wrong)
        if not len(wrong):
            return
        i = wrong[0]
        w, b = self._w + y[i] * X[i], self._b + y[i]
        length = max(float(np.hypot(*w)), 1e-6)
        angle, offset = float(np.degrees(np.arctan2(w[1], w[0])) % 360), _slid(b / length)
        self._kept = (values["points"], angle, offset, w, b)
        self.set(angle=angle, offset=offset)

    def _mouse(self, kind: str, ax: Any, x: float, y: float) -> None:
        left, right = self.live.axes
        if kind == "wheel":
            self.set(angle=(self.values()["angle"] - 2 * float(np.sign(y))) % 360)
        elif kind == "up":
            self._held, self._pivot = "", None
        elif kind == "down":
            near = ax is left and np.hypot(*(self._tip - (x, y))) < NEAR
            self._held = "dot" if ax is right else "arrow" if near else "line"
            self._pivot = self._foot if near else None
        if kind in ("down", "move") and ax is (right if self._held == "dot" else left):
            self._drag(np.array([x, y]))

    def _drag(self, at: np.ndarray) -> None:
        if self._held == "dot":
            self.set(angle=float(np.clip(at[0], 0, 360)))
        elif self._held == "line":
            angle = np.radians(self.values()["angle"])
            self.set(offset=_slid(-np.array([np.cos(angle), np.sin(angle)]) @ at))
        elif self._pivot is not None and np.hypot(*(at - self._pivot)) > 0.05:
            normal = (at - self._pivot) / np.hypot(*(at - self._pivot))
            angle = float(np.degrees(np.arctan2(normal[1], normal[0])) % 360)
            self.set(angle=angle, offset=_slid(-normal @ self._pivot))

    @property
    def weights(self) -> np.ndarray:
        """The two weights and the bias behind the line, (3,): a unit normal until the first correction."""
        return np.append(self._w, self._b)

    def state(self) -> dict[str, float]:
        return {"mistakes": float(self._wrong.sum()), "fewest": self._least}
