"""Lecture 08: values run forward through a graph, derivatives run back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlhelpers.autograd import Value
from dlhelpers.plotting import graphs, style
from dlhelpers.widgets import live, sprites

PLACES = {"θ₁": (0.0, 2.0), "θ₂": (0.0, 1.0), "θ₃": (0.0, 0.0), "θ₁θ₂": (1.25, 1.75), "θ₂+θ₃": (1.25, 0.85),
          "sin": (2.5, 1.75), "exp": (2.5, 0.85), "−2θ₃": (2.5, -0.05), "C": (3.7, 0.85)}
EDGES = [("θ₁", "θ₁θ₂"), ("θ₂", "θ₁θ₂"), ("θ₂", "θ₂+θ₃"), ("θ₃", "θ₂+θ₃"), ("θ₁θ₂", "sin"), ("θ₂+θ₃", "exp"),
         ("θ₃", "−2θ₃"), ("sin", "C"), ("exp", "C"), ("−2θ₃", "C")]

#: Local slopes that are the same for all inputs.
SLOPES = {("θ₂", "θ₂+θ₃"): "1", ("θ₃", "θ₂+θ₃"): "1", ("θ₃", "−2θ₃"): "−2", ("sin", "C"): "1", ("exp", "C"): "1",
          ("−2θ₃", "C"): "1"}


class BackpropagationExplorer(live.Explorer):
    r"""The graph of :math:`C = \sin(\theta_1\theta_2) + e^{\theta_2+\theta_3} - 2\theta_3`, live.

    Left: every node with its value (blue) and with the derivative of C with respect to
    it (orange), every edge with its local slope (green); an input that is used twice shows
    its two messages and their sum.  Right: how C changes along each input, with the slope
    that the backward sweep found.
    """

    title = "Values forward, derivatives back"
    alt = "A graph with values and derivatives at its nodes, slopes on its edges, and the output along each input"

    def __init__(self) -> None:
        self.live = live.LiveFigure(figsize=(11, 4.6), ncols=2, width_ratios=[1.55, 1])
        left, right = self.live.axes
        graphs.computation(left, PLACES, EDGES)
        self._value: dict[str, sprites.Numbers] = {}
        self._derivative: dict[str, sprites.Numbers] = {}
        for label, place in PLACES.items():
            for store, up, color in ((self._value, 32, style.BLUE), (self._derivative, -32, style.VERMILION)):
                store[label] = self._numbers(place, size=12.5, shift=(0.0, up), color=color)
        # Only four of the local slopes depend on the inputs.
        for edge, slope in SLOPES.items():
            graphs.on_edge(left, PLACES, edge, f"×{slope}")
        self._local = {edge: self._numbers(np.mean([PLACES[end] for end in edge], 0), size=11.5, color=style.GREEN,
                                           paper=True, zorder=4) for edge in EDGES if edge not in SLOPES}
        left.set_xlim(-0.85, 4.1)
        left.set_title("Value above, ∂C/∂node below, local slopes between")
        self._shift = np.linspace(-0.5, 0.5, 81)
        self._curves, self._tangents = [], []
        for color, name in zip((style.BLUE, style.GREEN, style.PURPLE), ("θ₁", "θ₂", "θ₃"), strict=True):
            right.plot([], [], color=color, label=f"along {name}")
            self._curves.append(self.live.moving(right.plot([], [], color=color)[0]))
            self._tangents.append(self.live.moving(right.plot([], [], "--", color=color, linewidth=1.4)[0]))
        right.plot([0], [0], "o", color=style.INK, zorder=6)
        right.set(xlabel="shift of one input", ylabel="change of C", xlim=(-0.5, 0.5), ylim=(-4.2, 6.2),
                  title="Slopes are derivatives")
        right.legend(loc="upper center", ncols=3, fontsize=11, handlelength=1.2, columnspacing=1.0)
        self.controls = {
            "theta_1": live.slider("θ₁", 0.6, -1.0, 1.0, 0.05),
            "theta_2": live.slider("θ₂", 0.5, -1.0, 1.0, 0.05),
            "theta_3": live.slider("θ₃", 0.4, -1.0, 1.0, 0.05),
        }
        self.connect()

    def _numbers(self, place: Any, **look: Any) -> sprites.Numbers:
        words = sprites.Numbers(self.live.axes[0], weight="bold", **look)
        words.set_position(place)
        return self.live.moving(words)

    def update(self, theta_1: float, theta_2: float, theta_3: float) -> None:
        a, b, c = self._inputs = [Value(theta_1), Value(theta_2), Value(theta_3)]
        p, q, m = a * b, b + c, -2 * c
        s, e = p.sin(), q.exp()
        self._output = s + e + m
        self._output.backward()
        nodes = dict(zip(PLACES, (a, b, c, p, q, s, e, m, self._output), strict=True))
        cosine = math.cos(p.data)
        local = dict(zip(EDGES, (b.data, a.data, 1.0, 1.0, cosine, e.data, -2.0, 1.0, 1.0, 1.0), strict=True))
        for label, node in nodes.items():
            messages = [nodes[end].grad * slope for (start, end), slope in local.items() if start == label]
            sum_of = ""
            if len(messages) > 1:
                sum_of = f"{messages[0]:.2f} {'+' if messages[1] >= 0 else '-'} {abs(messages[1]):.2f} = "
            self._value[label].set_text(f"{node.data:.3g}".replace("-", "−"))
            self._derivative[label].set_text(f"{sum_of}{node.grad:.3g}".replace("-", "−"))
        for edge, words in self._local.items():
            words.set_text(f"×{local[edge]:.2g}".replace("-", "−"))
        theta = np.array([theta_1, theta_2, theta_3])
        for i, (curve, tangent) in enumerate(zip(self._curves, self._tangents, strict=True)):
            moved = np.repeat(theta[:, None], len(self._shift), 1)
            moved[i] += self._shift
            along = np.sin(moved[0] * moved[1]) + np.exp(moved[1] + moved[2]) - 2 * moved[2]
            curve.set_data(self._shift, along - self._output.data)
            tangent.set_data(self._shift, self._inputs[i].grad * self._shift)

    def state(self) -> dict[str, float]:
        values = {f"theta_{i + 1}": node.data for i, node in enumerate(self._inputs)}
        slopes = {f"dC/dtheta_{i + 1}": node.grad for i, node in enumerate(self._inputs)}
        return {**values, **slopes, "C": self._output.data}
